#include "tests/support/opcheck.h"

START_TEST(matches_its_definition)
{
    op_case c = {.op = PR_OP_LINEAR, .attrs = pr_attrs_default(), .n_inputs = 1, .tolerance = 1e-3};
    c.in[0] = pr_shape3(2, 5, 7);
    c.param[0] = pr_shape2(4, 7);
    c.param[1] = pr_shape1(4);
    op_fixture f;
    op_open(&f, &c, 2);
    double wanted[40];
    for (int r = 0; r < 10; r++)
        for (int o = 0; o < 4; o++) {
            wanted[r * 4 + o] = (double)pr_f32(f.call.param[1])[o];
            for (int i = 0; i < 7; i++)
                wanted[r * 4 + o] += (double)pr_f32(f.call.param[0])[o * 7 + i] *
                                     (double)pr_f32(&f.in[0])[r * 7 + i];
        }
    op_expect(&f, wanted, 2e-6);
    ck_assert_uint_eq(pr_op_linear.macs(f.model, f.call.node, c.in, &f.out_shape), 10 * 7 * 4);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.linear", matches_its_definition)
