#include "tests/support/opcheck.h"

START_TEST(multiplies_channels)
{
    op_case c = {.op = PR_OP_SCALE, .attrs = pr_attrs_default(), .n_inputs = 1, .tolerance = 1e-3};
    c.in[0] = pr_shape3(1, 4, 3);
    c.param[0] = pr_shape1(3);
    op_fixture f;
    op_open(&f, &c, 1);
    double wanted[12];
    for (int i = 0; i < 12; i++)
        wanted[i] = (double)pr_f32(&f.in[0])[i] * (double)pr_f32(f.call.param[0])[i % 3];
    op_expect(&f, wanted, 1e-7);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.scale", multiplies_channels)
