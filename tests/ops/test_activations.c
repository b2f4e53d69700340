#include "tests/support/opcheck.h"

#include <math.h>

static double definition(const op_case *c, double x)
{
    switch (c->op) {
    case PR_OP_RELU:
        return fmax(x, 0);
    case PR_OP_LEAKY_RELU:
        return x > 0 ? x : (double)c->attrs.alpha * x;
    case PR_OP_ELU:
        return x > 0 ? x : (double)c->attrs.alpha * (exp(x) - 1);
    case PR_OP_GELU:
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    case PR_OP_SIGMOID:
        return 1 / (1 + exp(-x));
    default:
        return x * (double)c->attrs.scale + (double)c->attrs.offset;
    }
}

START_TEST(every_function_and_derivative)
{
    for (int op = PR_OP_RELU; op <= PR_OP_AFFINE; op++) {
        op_case c = {.op = (pr_op_kind)op,
                     .attrs = pr_attrs_default(),
                     .n_inputs = 1,
                     .keep_off = 0.05f,
                     .tolerance = 1e-3};
        c.in[0] = pr_shape3(1, 20, 3);
        c.attrs.alpha = op == PR_OP_LEAKY_RELU ? 0.1f : 1.5f;
        c.attrs.scale = 3.0f;
        c.attrs.offset = -0.25f;
        op_fixture f;
        double wanted[60];
        op_open(&f, &c, 2);
        for (int i = 0; i < 60; i++) pr_f32(&f.in[0])[i] *= 3;
        op_forward(&f);
        for (int i = 0; i < 60; i++) wanted[i] = definition(&c, (double)pr_f32(&f.in[0])[i]);
        op_expect(&f, wanted, 1e-6);
        op_close(&f);
        op_check_gradients(&c);
    }
}
END_TEST

START_TEST(gelu_is_the_erf_form)
{
    const float x[] = {-3, -1, -0.5f, 0.5f, 1, 3};
    const double wanted[] = {-0.004049694, -0.158655254, -0.154268769,
                             0.345731231,  0.841344746,  2.995950306};
    op_case c = {.op = PR_OP_GELU, .attrs = pr_attrs_default(), .n_inputs = 1};
    c.in[0] = pr_shape2(1, 6);
    op_fixture f;
    op_open(&f, &c, 1);
    for (int i = 0; i < 6; i++) pr_f32(&f.in[0])[i] = x[i];
    op_forward(&f);
    op_expect(&f, wanted, 6e-7); /* x times 7.5e-8 of Phi, and rounding */
    op_close(&f);
}
END_TEST

START_TEST(sigmoid_survives_large_inputs)
{
    op_case c = {.op = PR_OP_SIGMOID, .attrs = pr_attrs_default(), .n_inputs = 1};
    c.in[0] = pr_shape2(1, 2);
    op_fixture f;
    op_open(&f, &c, 1);
    pr_f32(&f.in[0])[0] = -200;
    pr_f32(&f.in[0])[1] = 200;
    op_forward(&f);
    const double wanted[] = {0, 1};
    op_expect(&f, wanted, 0);
    op_close(&f);
}
END_TEST

TEST_MAIN("ops.activations", every_function_and_derivative, gelu_is_the_erf_form,
          sigmoid_survives_large_inputs)
