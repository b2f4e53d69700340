#include "tests/support/opcheck.h"

#include <math.h>

START_TEST(gates_and_differentiates)
{
    op_case c = {.op = PR_OP_SWIGLU, .attrs = pr_attrs_default(), .n_inputs = 2, .tolerance = 1e-3};
    c.in[0] = c.in[1] = pr_shape3(1, 20, 3);
    op_fixture f;
    double wanted[60];
    op_open(&f, &c, 2);
    for (int i = 0; i < 60; i++) pr_f32(&f.in[0])[i] *= 6;
    op_forward(&f);
    for (int i = 0; i < 60; i++) {
        const double a = (double)pr_f32(&f.in[0])[i], b = (double)pr_f32(&f.in[1])[i];
        wanted[i] = a / (1 + exp(-a)) * b;
    }
    op_expect(&f, wanted, 2e-6);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

START_TEST(survives_large_inputs)
{
    op_case c = {.op = PR_OP_SWIGLU, .attrs = pr_attrs_default(), .n_inputs = 2};
    c.in[0] = c.in[1] = pr_shape2(1, 2);
    op_fixture f;
    op_open(&f, &c, 1);
    pr_f32(&f.in[0])[0] = -200;
    pr_f32(&f.in[0])[1] = 200;
    pr_f32(&f.in[1])[0] = pr_f32(&f.in[1])[1] = 2;
    op_forward(&f);
    const double wanted[] = {0, 400};
    op_expect(&f, wanted, 1e-30);
    op_close(&f);
}
END_TEST

START_TEST(halves_must_agree)
{
    pr_node node = {.op = PR_OP_SWIGLU, .name = (char[]){"mlp.gate"}};
    const pr_shape in[2] = {pr_shape2(4, 6), pr_shape2(4, 5)};
    pr_shape out;
    ck_fails(pr_op_get(PR_OP_SWIGLU)->infer(NULL, &node, in, &out), PRUNE_E_SHAPE,
             "node 'mlp.gate' (swiglu): its two inputs differ in shape");
}
END_TEST

TEST_MAIN("ops.swiglu", gates_and_differentiates, survives_large_inputs, halves_must_agree)
