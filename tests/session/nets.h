/* Networks and helpers that the session tests share. */
#ifndef TESTS_SESSION_NETS_H
#define TESTS_SESSION_NETS_H

#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/integer.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <math.h>
#include <prune/session.h>
#include <stdio.h>
#include <stdlib.h>

static inline int32_t small_conv(prune_model *m, const char *name, int32_t from, int64_t in,
                                 int64_t out, int64_t k, int32_t stride, int32_t mode)
{
    pr_attrs a = pr_attrs_default();
    const pr_shape weight = pr_shape4(out, k, k, in), bias = pr_shape1(out);
    a.stride[0] = a.stride[1] = stride;
    for (int i = 0; i < 4; i++) a.pad[i] = (int32_t)(k / 2);
    a.pad_mode = mode;
    return net_node(m, PR_OP_CONV, name, &from, 1, &a, &weight, &bias);
}

static inline int32_t small_unary(prune_model *m, pr_op_kind op, const char *name, int32_t from)
{
    pr_attrs a = pr_attrs_default();
    a.alpha = op == PR_OP_LEAKY_RELU ? 0.1f : 1.0f;
    a.factor = op == PR_OP_RESIZE ? 2 : 1;
    a.resize_mode = PR_RESIZE_NEAREST;
    return net_node(m, op, name, &from, 1, &a, NULL, NULL);
}

static inline int32_t small_add(prune_model *m, const char *name, int32_t a, int32_t b)
{
    pr_attrs attrs = pr_attrs_default();
    const int32_t inputs[2] = {a, b};
    return net_node(m, PR_OP_ADD, name, inputs, 2, &attrs, NULL, NULL);
}

/* A disparity network for pictures of 32 x 32, or of any size that `multiple` divides. */
static inline void small_meta(prune_model *m, const char *architecture, int32_t multiple)
{
    m->meta.architecture = pr_strdup(m->ctx, architecture);
    m->meta.preprocess.width = m->meta.preprocess.height = 32;
    m->meta.preprocess.multiple = multiple;
    m->meta.preprocess.filter = PR_FILTER_BILINEAR;
    m->meta.resize_back = PR_FILTER_BILINEAR;
    m->meta.output_kind = PR_OUTPUT_DISPARITY;
    for (int c = 0; c < 3; c++) m->meta.preprocess.std[c] = 1.0f;
}

/* The shape of RT-MonoDepth-S with an added residual unit whose input is read through a relu: a
 * chain of convolutions that may stay in bytes from end to end. Sizes divisible by 4. */
static inline prune_model *net_chain(prune_context *ctx)
{
    prune_model *m;
    ck_ok(pr_model_create(&m, ctx));
    pr_attrs a = pr_attrs_default();
    int32_t x = net_node(m, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    x = small_conv(m, "stem", x, 3, 20, 7, 2, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_RELU, "stem.act", x);
    x = small_conv(m, "down", x, 20, 24, 3, 2, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_LEAKY_RELU, "down.act", x);
    x = small_conv(m, "body", x, 24, 24, 3, 1, PR_PAD_ZEROS);
    int32_t y = small_unary(m, PR_OP_RELU, "unit.relu1", x);
    y = small_conv(m, "unit.conv1", y, 24, 24, 3, 1, PR_PAD_ZEROS);
    y = small_unary(m, PR_OP_RELU, "unit.relu2", y);
    y = small_conv(m, "unit.conv2", y, 24, 24, 3, 1, PR_PAD_ZEROS);
    x = small_add(m, "unit.add", x, y);
    x = small_unary(m, PR_OP_RELU, "unit.late", x);
    x = small_conv(m, "up1.conv1", x, 24, 17, 3, 1, PR_PAD_REFLECT);
    x = small_unary(m, PR_OP_ELU, "up1.act1", x);
    x = small_unary(m, PR_OP_RESIZE, "up1.resize", x);
    x = small_conv(m, "up1.conv2", x, 17, 16, 3, 1, PR_PAD_REFLECT);
    x = small_unary(m, PR_OP_ELU, "up1.act2", x);
    x = small_unary(m, PR_OP_RESIZE, "up2.resize", x);
    x = small_conv(m, "up2.conv", x, 16, 8, 3, 1, PR_PAD_REFLECT);
    x = small_unary(m, PR_OP_ELU, "up2.act", x);
    x = small_conv(m, "head", x, 8, 1, 3, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_SIGMOID, "depth", x);
    ck_ok(pr_model_add_output(m, "depth", x));
    small_meta(m, "net_chain", 4);
    return m;
}

/* Annotates every layer that can be for INT8: linear layers and pointwise convolutions per token
 * and attention when asked, every second other layer per tensor, the rest per channel. */
static inline void annotate(prune_model *model, const float *input, int64_t height, int64_t width,
                            bool tokens)
{
    const pr_run_options options = {.keep = true};
    pr_run *run;
    ck_ok(pr_run_create(&run, model, 1, height, width, &options));
    ck_ok(pr_run_forward(run, input));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (tokens && model->nodes[i].op == PR_OP_ATTENTION) {
            model->nodes[i].precision.compute = PR_COMPUTE_I8;
            model->nodes[i].precision.input = PR_INPUT_TOKEN;
        }
        if (!pr_integer_possible(model, i)) continue;
        const pr_tensor *x = pr_run_value(run, model->nodes[i].inputs[0]);
        pr_precision *p = &model->nodes[i].precision;
        const int64_t channels = pr_shape_last(&x->shape);
        p->compute = PR_COMPUTE_I8;
        p->input = PR_INPUT_TOKEN;
        if (tokens && model->nodes[i].op == PR_OP_LINEAR) continue;
        /* q, k and v must agree to be merged: decide by the value that is read. */
        bool tensor = model->nodes[i].inputs[0] % 2 == 1;
        p->input = tensor ? PR_INPUT_TENSOR : PR_INPUT_CHANNEL;
        const int64_t n = tensor ? 1 : channels;
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

/* A context that is forced to a tier; NULL after saying that this machine lacks it. */
static inline prune_context *tier_context(pr_isa isa, int32_t threads)
{
    prune_context_options options;
    prune_context *context = NULL;
    if (!pr_cpu_has(isa)) {
        (void)fprintf(stderr, "SKIP: this machine has no %s, its sessions did not run\n",
                      pr_isa_name(isa));
        return NULL;
    }
    prune_context_options_init(&options);
    options.threads = threads;
    options.isa = pr_isa_name(isa);
    ck_ok(prune_context_create(&context, &options));
    return context;
}

/* Session against interpreter on the same input. */
static inline void compare(prune_session *session, const prune_model *model, pr_mode mode,
                           int64_t batch, int64_t height, int64_t width, double rms, double largest)
{
    const pr_run_options options = {.mode = mode};
    int64_t count = batch * height * width;
    float *input = malloc((size_t)count * 3 * sizeof *input);
    float *output = malloc((size_t)count * sizeof *output);
    pr_run *run;
    test_fill(input, count * 3, 3);
    ck_ok(pr_run_create(&run, model, batch, height, width, &options));
    ck_ok(pr_run_forward(run, input));
    for (int repeat = 0; repeat < 2; repeat++) {
        ck_ok(prune_session_run(session, input, (int32_t)height, (int32_t)width, output));
        const float *wanted = pr_f32(pr_run_output(run));
        ck_assert_msg(test_rms(output, wanted, count) <= rms, "%s %lldx%lld: rms %g",
                      model->meta.architecture, (long long)height, (long long)width,
                      test_rms(output, wanted, count));
        ck_assert_msg(test_max(output, wanted, count) <= largest, "%s %lldx%lld: max %g",
                      model->meta.architecture, (long long)height, (long long)width,
                      test_max(output, wanted, count));
    }
    pr_run_free(run);
    free(input);
    free(output);
}

#endif
