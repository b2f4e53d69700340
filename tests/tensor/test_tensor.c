#include "libprune/tensor/tensor.h"
#include "tests/support/support.h"

START_TEST(shapes)
{
    char text[64], small[5];
    pr_shape s = pr_shape4(2, 3, 4, 5);
    ck_assert_int_eq(pr_shape_count(&s), 120);
    ck_assert_int_eq(pr_shape_last(&s), 5);
    ck_assert_str_eq(pr_shape_text(&s, text, sizeof text), "2x3x4x5");
    ck_assert_str_eq(pr_shape_text(&s, small, sizeof small), "2x3x");
    pr_shape t = pr_shape3(2, 3, 4), u = pr_shape_make(4, s.dim), scalar = {0};
    ck_assert(!pr_shape_equal(&s, &t));
    ck_assert(pr_shape_equal(&s, &u));
    u.dim[3] = 6;
    ck_assert(!pr_shape_equal(&s, &u));
    ck_assert_int_eq(pr_shape_count(&scalar), 1);
    ck_assert_str_eq(pr_shape_text(&scalar, text, sizeof text), "scalar");
    ck_assert_int_eq(pr_shape1(7).dim[0] + pr_shape2(1, 8).dim[1], 15);
}
END_TEST

START_TEST(dtypes)
{
    static const size_t sizes[PR_DTYPE_COUNT] = {4, 2, 2, 1, 1, 4, 8, 8, 1, 2, 2, 4, 8};
    for (int d = 0; d < PR_DTYPE_COUNT; d++)
        ck_assert_uint_eq(pr_dtype_size((pr_dtype)d), sizes[d]);
    ck_assert_str_eq(pr_dtype_name(PR_BF16), "BF16");
    ck_assert_str_eq(pr_dtype_name(PR_U64), "U64");
}
END_TEST

START_TEST(references)
{
    prune_context *ctx = test_context(1);
    pr_shape shape = pr_shape2(3, 4);
    pr_tensor a, c;
    ck_ok(pr_tensor_zeros(&a, ctx, PR_F32, &shape));
    ck_assert_uint_eq(pr_tensor_bytes(&a), 48);
    for (int i = 0; i < 12; i++) ck_assert(pr_f32(&a)[i] == 0);
    pr_tensor b = pr_tensor_share(&a);
    ck_assert_ptr_eq(a.data, b.data);
    ck_ok(pr_tensor_own(&b, ctx));
    ck_assert_ptr_ne(a.data, b.data);
    void *same = b.data;
    ck_ok(pr_tensor_own(&b, ctx)); /* alone already */
    ck_assert_ptr_eq(b.data, same);
    pr_f32(&b)[5] = 2;
    ck_assert(pr_f32(&a)[5] == 0);
    ck_ok(pr_tensor_copy(&c, ctx, &b));
    ck_assert(pr_f32(&c)[5] == 2);
    pr_tensor borrowed = c;
    borrowed.buffer = NULL;
    ck_ok(pr_tensor_own(&borrowed, ctx));
    ck_assert_ptr_ne(borrowed.data, c.data);
    pr_tensor_release(&a);
    ck_assert_ptr_null(a.data);
    pr_tensor_release(&a); /* cleared: nothing happens */
    pr_tensor_release(&b);
    pr_tensor_release(&c);
    pr_tensor_release(&borrowed);
    prune_context_free(ctx);
}
END_TEST

START_TEST(impossible_sizes)
{
    prune_context *ctx = test_context(1);
    pr_tensor t;
    pr_shape negative = pr_shape2(3, -1), huge = pr_shape3(INT64_MAX, 0, 2), large = huge;
    large.dim[1] = 2;
    ck_fails(pr_tensor_create(&t, ctx, PR_F32, &negative), PRUNE_E_SHAPE, "3x-1");
    ck_fails(pr_tensor_create(&t, ctx, PR_I8, &large), PRUNE_E_MEMORY, "address space");
    pr_shape empty = pr_shape2(0, 5);
    ck_ok(pr_tensor_zeros(&t, ctx, PR_F32, &empty));
    ck_assert_int_eq(pr_tensor_count(&t), 0);
    pr_tensor_release(&t);
    prune_context_free(ctx);
}
END_TEST

START_TEST(select_keeps_what_it_is_told)
{
    prune_context *ctx = test_context(1);
    pr_shape shape = pr_shape3(2, 3, 4);
    pr_tensor t, s;
    ck_ok(pr_tensor_create(&t, ctx, PR_I32, &shape));
    int32_t *values = t.data;
    for (int i = 0; i < 24; i++) values[i] = i;
    const int32_t kept[] = {0, 2};
    for (int32_t axis = 0; axis < 3; axis++) {
        int64_t n = axis == 0 ? 1 : 2;
        ck_ok(pr_tensor_select(&s, ctx, &t, axis, kept, n));
        ck_assert_int_eq(s.shape.dim[axis], n);
        const int32_t *got = s.data;
        int64_t at = 0;
        for (int a = 0; a < 2; a++)
            for (int b = 0; b < 3; b++)
                for (int c = 0; c < 4; c++) {
                    int index = axis == 0 ? a : axis == 1 ? b : c;
                    if (index == 0 || (index == 2 && n == 2))
                        ck_assert_int_eq(got[at++], a * 12 + b * 4 + c);
                }
        ck_assert_int_eq(at, pr_tensor_count(&s));
        pr_tensor_release(&s);
    }
    const int32_t twice[] = {1, 1}, beyond[] = {3}, below[] = {-1};
    ck_fails(pr_tensor_select(&s, ctx, &t, 1, twice, 2), PRUNE_E_SHAPE, "ascending");
    ck_fails(pr_tensor_select(&s, ctx, &t, 1, beyond, 1), PRUNE_E_SHAPE, "3");
    ck_fails(pr_tensor_select(&s, ctx, &t, 1, below, 1), PRUNE_E_SHAPE, "-1");
    ck_fails(pr_tensor_select(&s, ctx, &t, 3, kept, 1), PRUNE_E_SHAPE, "axis 3");
    pr_tensor_release(&t);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("tensor", shapes, dtypes, references, impossible_sizes, select_keeps_what_it_is_told)
