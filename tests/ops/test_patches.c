#include "tests/support/opcheck.h"

#include <stdlib.h>

/* col2im is the transpose of im2col: <im2col(x), r> == <x, col2im(r)> for any x and r. */
static void check(int32_t mode, int32_t stride, int32_t groups)
{
    const pr_shape in = pr_shape4(2, 6, 7, 4);
    const int64_t oh = pr_conv_size(6, 3, stride, 1, 1), ow = pr_conv_size(7, 3, stride, 1, 1);
    const pr_shape out = pr_shape4(2, oh, ow, 4);
    pr_node node = {.op = PR_OP_CONV, .attrs = pr_attrs_default()};
    for (int i = 0; i < 4; i++) node.attrs.pad[i] = 1;
    node.attrs.stride[0] = node.attrs.stride[1] = stride;
    node.attrs.pad_mode = mode;
    node.attrs.groups = groups;
    const int64_t rows = 2 * oh * ow, patch = 9 * 4 / groups, count = pr_shape_count(&in);
    float *x = malloc((size_t)count * 4), *back = calloc((size_t)count, 4);
    float *cols = malloc((size_t)(rows * patch) * 4), *r = malloc((size_t)(rows * patch) * 4);
    test_fill(x, count, 1);
    test_fill(r, rows * patch, 2);
    const int32_t group = groups - 1;
    pr_im2col(x, &in, &node, 3, 3, &out, 0, rows, group, cols);
    /* Two bands of lines must add up to the whole. */
    pr_col2im_add(r, &in, &node, 3, 3, &out, 0, rows, group, 0, 5, back);
    pr_col2im_add(r, &in, &node, 3, 3, &out, 0, rows, group, 5, 12, back);
    double left = 0, right = 0;
    for (int64_t i = 0; i < rows * patch; i++) left += (double)cols[i] * (double)r[i];
    for (int64_t i = 0; i < count; i++) right += (double)x[i] * (double)back[i];
    ck_assert_double_eq_tol(left, right, 1e-4);
    ck_assert_double_ne(left, 0.0);
    free(x), free(back), free(cols), free(r);
}

START_TEST(col2im_is_the_transpose)
{
    check(PR_PAD_ZEROS, 1, 1);
    check(PR_PAD_ZEROS, 2, 2);
    check(PR_PAD_REFLECT, 1, 1);
    check(PR_PAD_REFLECT, 2, 4);
}
END_TEST

START_TEST(sizes)
{
    ck_assert_int_eq(pr_conv_size(37, 3, 2, 1, 1), 19);
    ck_assert_int_eq(pr_conv_size(518, 14, 14, 0, 0), 37);
    ck_assert_int_eq(pr_conv_size(2, 3, 1, 0, 0), 0);
}
END_TEST

TEST_MAIN("ops.patches", col2im_is_the_transpose, sizes)
