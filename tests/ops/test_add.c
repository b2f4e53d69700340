#include "tests/support/opcheck.h"

START_TEST(adds)
{
    op_case c = {.op = PR_OP_ADD, .attrs = pr_attrs_default(), .n_inputs = 2, .tolerance = 1e-3};
    c.in[0] = c.in[1] = pr_shape3(1, 4, 3);
    op_fixture f;
    op_open(&f, &c, 1);
    double wanted[12];
    for (int i = 0; i < 12; i++)
        wanted[i] = (double)pr_f32(&f.in[0])[i] + (double)pr_f32(&f.in[1])[i];
    op_expect(&f, wanted, 2e-7);
    pr_shape wrong[2] = {c.in[0], pr_shape3(1, 4, 2)}, out;
    ck_fails(pr_op_add.infer(f.model, f.call.node, wrong, &out), PRUNE_E_SHAPE, "1x4x2");
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.add", adds)
