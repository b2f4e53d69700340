#include "tests/support/opcheck.h"

START_TEST(scatters_without_overlap)
{
    op_case c = {
        .op = PR_OP_CONV_TRANSPOSE, .attrs = pr_attrs_default(), .n_inputs = 1, .tolerance = 1e-3};
    c.in[0] = pr_shape4(2, 3, 4, 5);
    c.param[0] = pr_shape4(2, 2, 3, 5); /* kh, kw, O, I */
    c.param[1] = pr_shape1(3);
    c.attrs.stride[0] = c.attrs.stride[1] = 2;
    op_fixture f;
    op_open(&f, &c, 2);
    static double wanted[2 * 6 * 8 * 3];
    for (int n = 0; n < 2; n++)
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 8; x++)
                for (int o = 0; o < 3; o++) {
                    double sum = (double)pr_f32(f.call.param[1])[o];
                    for (int i = 0; i < 5; i++)
                        sum +=
                            (double)pr_f32(f.call.param[0])[((y % 2 * 2 + x % 2) * 3 + o) * 5 + i] *
                            (double)pr_f32(&f.in[0])[((n * 3 + y / 2) * 4 + x / 2) * 5 + i];
                    wanted[((n * 6 + y) * 8 + x) * 3 + o] = sum;
                }
    op_expect(&f, wanted, 2e-6);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.conv_transpose", scatters_without_overlap)
