#include "tests/support/opcheck.h"

START_TEST(drops_the_prefix)
{
    op_case c = {
        .op = PR_OP_TOKENS_TO_MAP, .attrs = pr_attrs_default(), .n_inputs = 2, .tolerance = 1e-3};
    c.in[0] = pr_shape3(2, 7, 3);
    c.in[1] = pr_shape4(2, 2, 3, 5);
    c.attrs.prefix = 1;
    op_fixture f;
    op_open(&f, &c, 1);
    double wanted[2 * 6 * 3];
    for (int i = 0; i < 36; i++) wanted[i] = (double)pr_f32(&f.in[0])[i + 3 * (1 + i / 18)];
    op_expect(&f, wanted, 0);
    pr_shape wrong[2] = {pr_shape3(2, 8, 3), c.in[1]}, out;
    ck_fails(pr_op_tokens_to_map.infer(f.model, f.call.node, wrong, &out), PRUNE_E_SHAPE,
             "8 tokens");
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.tokens_to_map", drops_the_prefix)
