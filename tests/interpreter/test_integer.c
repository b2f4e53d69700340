#include "libprune/interpreter/interpreter.h"
#include "libprune/kernels/integer.h"
#include "libprune/passes/integer.h"
#include "tests/support/graphs.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

enum { HEIGHT = 16, WIDTH = 24 };

/* Every layer that can be is annotated, with ranges from one run: linear per token, every second
 * convolution per tensor, the others per channel; zero points cover the range [min, max]. */
static void annotate(prune_model *model, const float *input)
{
    const pr_run_options options = {.keep = true};
    pr_run *run;
    ck_ok(pr_run_create(&run, model, 1, HEIGHT, WIDTH, &options));
    ck_ok(pr_run_forward(run, input));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (!pr_integer_possible(model, i)) continue;
        const pr_tensor *x = pr_run_value(run, model->nodes[i].inputs[0]);
        pr_precision *p = &model->nodes[i].precision;
        const int64_t channels = pr_shape_last(&x->shape);
        p->compute = PR_COMPUTE_I8;
        p->input = PR_INPUT_TOKEN;
        if (model->nodes[i].op == PR_OP_LINEAR) continue;
        p->input = i % 2 ? PR_INPUT_TENSOR : PR_INPUT_CHANNEL;
        const int64_t n = i % 2 ? 1 : channels;
        const pr_shape shape = pr_shape1(n);
        ck_ok(pr_tensor_create(&p->input_scale, model->ctx, PR_F32, &shape));
        ck_ok(pr_tensor_create(&p->input_zero, model->ctx, PR_I8, &shape));
        for (int64_t c = 0; c < n; c++) {
            float low = 0, high = 1e-3F;
            for (int64_t k = c; k < pr_tensor_count(x); k += n) {
                low = fminf(low, pr_f32(x)[k]);
                high = fmaxf(high, pr_f32(x)[k]);
            }
            pr_f32(&p->input_scale)[c] = (high - low) / 254.0F;
            ((int8_t *)p->input_zero.data)[c] =
                (int8_t)lrintf(-127.0F - low / pr_f32(&p->input_scale)[c]);
        }
    }
    pr_run_free(run);
}

static float *run_mode(const prune_model *model, pr_mode mode, const float *input)
{
    const pr_run_options options = {.mode = mode};
    pr_run *run;
    ck_ok(pr_run_create(&run, model, 1, HEIGHT, WIDTH, &options));
    ck_ok(pr_run_forward(run, input));
    const pr_tensor *out = pr_run_output(run);
    float *copy = malloc(pr_tensor_bytes(out));
    memcpy(copy, out->data, pr_tensor_bytes(out));
    pr_run_free(run);
    return copy;
}

/* Exact and fake are the same real numbers (up to sums in FP32 that now and then tip a later
 * rounding); both are near the floats, but not equal to them. */
static void compare_modes(prune_model *model, double near)
{
    float input[HEIGHT * WIDTH * 3];
    test_fill(input, HEIGHT * WIDTH * 3, 5);
    annotate(model, input);
    float *exact = run_mode(model, PR_MODE_EXACT, input);
    float *fake = run_mode(model, PR_MODE_FAKE, input);
    float *real = run_mode(model, PR_MODE_FLOAT, input);
    ck_assert_double_lt(test_rms(exact, fake, HEIGHT * WIDTH), near / 5);
    const double error = test_rms(exact, real, HEIGHT * WIDTH);
    ck_assert_msg(error > 1e-4 && error < near, "INT8 error %g", error);
    /* Baked integers mean the same. */
    for (int32_t i = 0; i < model->n_nodes; i++)
        if (model->nodes[i].precision.compute == PR_COMPUTE_I8) ck_ok(pr_integer_bake(model, i));
    float *baked = run_mode(model, PR_MODE_EXACT, input);
    ck_assert_mem_eq(baked, exact, HEIGHT * WIDTH * sizeof(float));
    float *floats = run_mode(model, PR_MODE_FLOAT, input);
    ck_assert_double_lt(test_rms(floats, real, HEIGHT * WIDTH), near);
    free(exact);
    free(fake);
    free(real);
    free(baked);
    free(floats);
}

START_TEST(modes_agree_on_convolutions)
{
    prune_context *ctx = test_context(2);
    prune_model *model = test_graph_encoder_decoder(ctx, HEIGHT, WIDTH, 8, 3);
    compare_modes(model, 0.1);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* input -> conv (floats) -> conv_transpose -> linear per token -> conv to one channel */
static prune_model *chain(prune_context *ctx)
{
    test_graph g = test_graph_create(ctx, HEIGHT, WIDTH, 11);
    int32_t v = test_graph_conv(&g, "a", 0, 3, 6, 3, 2, 1);
    v = test_graph_conv_transpose(&g, "b", v, 6, 5, 2);
    v = test_graph_linear(&g, "c", v, 5, 4);
    v = test_graph_conv(&g, "d", v, 4, 1, 3, 1, 1);
    test_graph_finish(&g, v);
    return g.model;
}

START_TEST(modes_agree_on_the_other_operators)
{
    prune_context *ctx = test_context(1);
    prune_model *model = chain(ctx);
    compare_modes(model, 0.1);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* One convolution with zero padding, scalar by scalar, from the definitions alone. */
START_TEST(exact_convolution_is_the_definition)
{
    prune_context *ctx = test_context(2);
    test_graph g = test_graph_create(ctx, HEIGHT, WIDTH, 2);
    const int32_t conv = test_graph_conv(&g, "a", 0, 3, 1, 3, 2, 1);
    float input[HEIGHT * WIDTH * 3];
    test_graph_finish(&g, conv);
    test_fill(input, HEIGHT * WIDTH * 3, 8);
    annotate(g.model, input);
    float *exact = run_mode(g.model, PR_MODE_EXACT, input);
    const pr_precision *p = &g.model->nodes[conv].precision;
    const int channels = p->input == PR_INPUT_CHANNEL ? 3 : 1;
    pr_integer w;
    ck_ok(pr_integer_derive(&w, g.model, conv));
    for (int oy = 0; oy < HEIGHT / 2; oy++)
        for (int ox = 0; ox < WIDTH / 2; ox++) {
            int32_t acc = 0;
            for (int k = 0; k < 27; k++) {
                const int y = 2 * oy - 1 + k / 9, x = 2 * ox - 1 + k / 3 % 3, c = k % 3;
                const float scale = pr_f32(&p->input_scale)[c % channels];
                int8_t q = ((int8_t *)p->input_zero.data)[c % channels];
                if (y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH)
                    q = pr_quantize_s8(input[(y * WIDTH + x) * 3 + c], 1.0F / scale, q);
                acc += q * ((int8_t *)w.weight.data)[k];
            }
            const float want = pr_dequantize_acc(acc, pr_f32(&w.scale)[0], pr_f32(&w.bias)[0]);
            ck_assert_float_eq(exact[oy * WIDTH / 2 + ox], want);
        }
    free(exact);
    pr_integer_free(&w);
    prune_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

/* Straight-through: the gradient is that of the float network at the quantized weights and inputs,
 * which for the last layer is the finite difference in its bias and, for a linear chain, nearly
 * the float network's own gradient. */
START_TEST(gradients_pass_straight_through)
{
    prune_context *ctx = test_context(1);
    prune_model *model = chain(ctx);
    float input[HEIGHT * WIDTH * 3], seed[HEIGHT * WIDTH];
    test_fill(input, HEIGHT * WIDTH * 3, 5);
    test_fill(seed, HEIGHT * WIDTH, 6);
    annotate(model, input);
    pr_grads grads[2];
    for (int mode = 0; mode < 2; mode++) {
        const pr_run_options options = {.mode = mode ? PR_MODE_FAKE : PR_MODE_FLOAT, .keep = true};
        pr_run *run;
        ck_ok(pr_run_create(&run, model, 1, HEIGHT, WIDTH, &options));
        ck_ok(pr_run_forward(run, input));
        ck_ok(pr_grads_create(&grads[mode], model));
        ck_ok(pr_run_backward(run, seed, &grads[mode], NULL, NULL));
        pr_run_free(run);
    }
    for (int32_t i = 0; i < model->n_params; i++) {
        const int64_t n = pr_tensor_count(&grads[0].params[i]);
        if (n < 2) continue;
        const double error = test_rms(pr_f32(&grads[1].params[i]), pr_f32(&grads[0].params[i]), n);
        ck_assert_msg(error < 0.1, "%s: gradient differs by %g", model->params[i].name, error);
    }
    pr_run *run;
    const pr_run_options exact = {.mode = PR_MODE_EXACT, .keep = true};
    ck_ok(pr_run_create(&run, model, 1, HEIGHT, WIDTH, &exact));
    ck_ok(pr_run_forward(run, input));
    ck_fails(pr_run_backward(run, seed, &grads[0], NULL, NULL), PRUNE_E_INTERNAL, "gradient");
    pr_run_free(run);
    pr_grads_free(&grads[0]);
    pr_grads_free(&grads[1]);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Attention's products round in both modes; gradients are those of the floats it stands for. */
START_TEST(attention_rounds_and_passes_gradients)
{
    prune_context *ctx = test_context(2);
    prune_model *model = test_graph_transformer(ctx, 9);
    enum { H = 28, W = 42 };
    static float input[H * W * 3], seed[H * W], out[3][H * W];
    test_fill(input, H * W * 3, 5);
    test_fill(seed, H * W, 6);
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (model->nodes[i].op != PR_OP_ATTENTION) continue;
        model->nodes[i].precision.compute = PR_COMPUTE_I8;
        model->nodes[i].precision.input = PR_INPUT_TOKEN;
    }
    pr_grads grads[2];
    for (int mode = 0; mode < 3; mode++) { /* floats, exact, fake */
        const pr_run_options options = {.mode = (pr_mode)mode, .keep = true};
        pr_run *run;
        ck_ok(pr_run_create(&run, model, 1, H, W, &options));
        ck_ok(pr_run_forward(run, input));
        memcpy(out[mode], pr_run_output(run)->data, sizeof out[mode]);
        if (mode != PR_MODE_EXACT) {
            ck_ok(pr_grads_create(&grads[mode / 2], model));
            ck_ok(pr_run_backward(run, seed, &grads[mode / 2], NULL, NULL));
        }
        pr_run_free(run);
    }
    const double error = test_rms(out[PR_MODE_EXACT], out[PR_MODE_FLOAT], H * W);
    ck_assert_msg(error > 1e-5 && error < 0.03, "error %g", error);
    ck_assert_double_lt(test_rms(out[PR_MODE_FAKE], out[PR_MODE_EXACT], H * W), error / 5);
    for (int32_t i = 0; i < model->n_params; i++) {
        const int64_t n = pr_tensor_count(&grads[0].params[i]);
        /* What all keys have in common changes no softmax: its gradient is rounding alone. */
        if (n < 2 || strstr(model->params[i].name, "attn.k.bias")) continue;
        const double apart = test_rms(pr_f32(&grads[1].params[i]), pr_f32(&grads[0].params[i]), n);
        ck_assert_msg(apart < 0.1, "%s: gradient differs by %g", model->params[i].name, apart);
    }
    pr_grads_free(&grads[0]);
    pr_grads_free(&grads[1]);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(an_annotation_without_input_is_refused)
{
    prune_context *ctx = test_context(1);
    prune_model *model = chain(ctx);
    float input[HEIGHT * WIDTH * 3] = {0};
    pr_run *run;
    const pr_run_options exact = {.mode = PR_MODE_EXACT};
    ck_ok(pr_run_create(&run, model, 1, HEIGHT, WIDTH, &exact));
    model->nodes[2].precision.compute = PR_COMPUTE_I8;
    ck_fails(pr_run_forward(run, input), PRUNE_E_FORMAT, "'b'");
    pr_run_free(run);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("interpreter/integer", modes_agree_on_convolutions, modes_agree_on_the_other_operators,
          exact_convolution_is_the_definition, gradients_pass_straight_through,
          attention_rounds_and_passes_gradients, an_annotation_without_input_is_refused)
