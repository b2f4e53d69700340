#include "tests/support/opcheck.h"

START_TEST(joins_channels_in_order)
{
    op_case c = {.op = PR_OP_CONCAT, .attrs = pr_attrs_default(), .n_inputs = 3, .tolerance = 1e-3};
    c.in[0] = pr_shape4(1, 2, 2, 3);
    c.in[1] = pr_shape4(1, 2, 2, 1);
    c.in[2] = pr_shape4(1, 2, 2, 2);
    op_fixture f;
    op_open(&f, &c, 1);
    ck_assert_int_eq(f.out_shape.dim[3], 6);
    double wanted[24];
    for (int i = 0; i < 24; i++) {
        const int r = i / 6, k = i % 6;
        wanted[i] = (double)(k < 3   ? pr_f32(&f.in[0])[r * 3 + k]
                             : k < 4 ? pr_f32(&f.in[1])[r]
                                     : pr_f32(&f.in[2])[r * 2 + k - 4]);
    }
    op_expect(&f, wanted, 0);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.concat", joins_channels_in_order)
