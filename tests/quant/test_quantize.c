#include "libprune/passes/integer.h"
#include "libprune/passes/shapes.h"
#include "tests/quant/fixture.h"

#include <prune/quant.h>

static scene world;

static prune_quant_options options_of(int32_t scheme, double max_drop)
{
    prune_quant_options options;
    prune_quant_options_init(&options);
    options.scheme = scheme;
    options.max_drop = max_drop;
    options.views = 10;
    options.scan_images = 3;
    return options;
}

static int32_t int8_layers(const prune_model *model)
{
    int32_t count = 0;
    for (int32_t i = 0; i < model->n_nodes; i++)
        count += model->nodes[i].precision.compute == PR_COMPUTE_I8;
    return count;
}

START_TEST(the_hostile_layer_is_the_one_kept)
{
    prune_context *ctx = test_context(2);
    prune_model *model = fixture_model(ctx);
    make_hostile(model);
    scene_make(&world, 9, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_quant_options options = options_of(1, 0.05);
    options.rounding = 1; /* compensated rounding would save the layer */
    ck_ok(prune_model_quantize(model, samples, &options));
    ck_assert_int_eq(int8_layers(model), 5);
    const pr_precision *p = &model->nodes[pr_model_find_node(model, hostile_name)].precision;
    ck_assert_int_eq(p->compute, PR_COMPUTE_BF16);
    ck_assert_int_eq(p->input, PR_INPUT_NONE);
    ck_assert_ptr_null(p->input_scale.data);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Two runs give the same weights and records; with rounding to the nearest the weights stay what
 * they were. */
START_TEST(quantizing_is_deterministic)
{
    prune_context *ctx = test_context(2);
    prune_model *model = fixture_model(ctx), *a, *b;
    scene_make(&world, 9, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_quant_options options = options_of(0, 0.5);
    ck_ok(pr_model_clone(&a, model));
    ck_ok(pr_model_clone(&b, model));
    ck_ok(prune_model_quantize(a, samples, &options));
    ck_ok(prune_model_quantize(b, samples, &options));
    ck_assert(same_weights(a, b));
    ck_assert(!same_weights(a, model));
    ck_assert_int_eq(int8_layers(a), 6);
    for (int32_t i = 0; i < a->n_nodes; i++) {
        const pr_precision *p = &a->nodes[i].precision, *q = &b->nodes[i].precision;
        ck_assert_int_eq(p->compute, q->compute);
        ck_assert_int_eq(p->input, q->input);
        if (!p->input_scale.data) continue;
        ck_assert_mem_eq(p->input_scale.data, q->input_scale.data,
                         pr_tensor_bytes(&p->input_scale));
        ck_assert_mem_eq(p->input_zero.data, q->input_zero.data, pr_tensor_bytes(&p->input_zero));
    }
    ck_assert_uint_lt(pr_model_bytes(a), pr_model_bytes(model) / 2);
    options.rounding = 1;
    ck_ok(prune_model_quantize(model, samples, &options));
    ck_ok(prune_model_quantize(a, samples, &options)); /* again, from its own floats */
    ck_assert_int_eq(int8_layers(a), 6);
    prune_model_free(b);
    ck_ok(pr_model_clone(&b, model));
    options.views = 5;
    ck_ok(prune_model_quantize(b, samples, &options));
    ck_assert(same_weights(b, model));
    prune_samples_free(samples);
    prune_model_free(model);
    prune_model_free(a);
    prune_model_free(b);
    prune_context_free(ctx);
}
END_TEST

START_TEST(transformers_fold_and_quantize)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx, 80, 4);
    scene_make(&world, 4, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_quant_options options = options_of(0, 1);
    options.scan = false;
    options.storage = 1;
    ck_ok(prune_model_quantize(model, samples, &options));
    ck_assert_int_gt(int8_layers(model), 24);
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
        ck_assert_int_ne(node->op, PR_OP_SCALE);
        if (!weight || weight->shape.rank < 2) continue;
        ck_assert_int_eq(weight->dtype,
                         node->precision.compute == PR_COMPUTE_F32 ? PR_F16 : PR_F32);
    }
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

static int32_t int8_attentions(const prune_model *model)
{
    prune_model_info info = {.struct_size = sizeof info};
    ck_ok(prune_model_describe(model, 0, 0, &info));
    return info.int8_attentions;
}

/* Quantized as asked; the original stays as it is. */
static int32_t attentions_after(const prune_model *model, prune_samples *samples,
                                const prune_quant_options *options)
{
    prune_model *copy;
    ck_ok(pr_model_clone(&copy, model));
    ck_ok(prune_model_quantize(copy, samples, options));
    const int32_t count = int8_attentions(copy);
    prune_model_free(copy);
    return count;
}

/* A constant that is the same in every key changes no softmax, but leaves 8 bits nothing for the
 * rest of the key. */
static void make_keys_hostile(prune_model *model, const char *name)
{
    const int32_t node = pr_model_find_node(model, name);
    ck_assert_int_ne(node, PR_NONE);
    const pr_tensor *bias = pr_node_param(model, &model->nodes[node], PR_SLOT_BIAS);
    for (int64_t i = 0; i < pr_tensor_count(bias); i += 8) pr_f32(bias)[i] += 2000;
}

START_TEST(attention_is_integer_where_the_scan_accepts_it)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx, 80, 4);
    scene_make(&world, 9, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_quant_options options = options_of(0, 10);
    options.max_float = 0;
    ck_assert_int_eq(attentions_after(model, samples, &options), 4);
    options.attention = 1;
    ck_assert_int_eq(attentions_after(model, samples, &options), 0);
    options.attention = 0;
    options.keep_float = "*blocks.1.attn";
    ck_assert_int_eq(attentions_after(model, samples, &options), 3);
    options.keep_float = NULL;
    options.scan = false; /* nobody would notice: only when asked */
    ck_assert_int_eq(attentions_after(model, samples, &options), 0);
    options.attention = 2;
    ck_assert_int_eq(attentions_after(model, samples, &options), 4);
    make_keys_hostile(model, "blocks.2.attn.k");
    options.scan = true;
    options.attention = 0;
    options.max_drop = 1e-4; /* half of what it does; everything else does a hundredth of it */
    ck_ok(prune_model_quantize(model, samples, &options));
    const int32_t hostile = pr_model_find_node(model, "blocks.2.attn");
    ck_assert_int_eq(model->nodes[hostile].precision.compute, PR_COMPUTE_F32);
    ck_assert_int_eq(model->nodes[hostile].precision.input, PR_INPUT_NONE);
    ck_assert_int_ge(int8_attentions(model), 1);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx);
    scene_make(&world, 2, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_quant_options options = options_of(0, 0.01);
    ck_fails(prune_model_quantize(model, samples, &options), PRUNE_E_ARGUMENT, "too few");
    options.judge = samples;
    ck_fails(prune_model_quantize(model, samples, &options), PRUNE_E_ARGUMENT, "metric");
    options.judge = NULL;
    options.scan = false;
    options.keep_float = "*";
    ck_fails(prune_model_quantize(model, samples, &options), PRUNE_E_ARGUMENT, "no layer is left");
    options.views = 0;
    ck_fails(prune_model_quantize(model, samples, &options), PRUNE_E_ARGUMENT, "views");
    ck_assert_int_eq(int8_layers(model), 0);
    ck_ok(pr_integer_bake(model, pr_model_find_node(model, "convs.0.0")));
    options = options_of(0, 0.01);
    options.scan = false;
    ck_fails(prune_model_quantize(model, samples, &options), PRUNE_E_UNSUPPORTED, "convs.0.0");
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/quantize", the_hostile_layer_is_the_one_kept, quantizing_is_deterministic,
          transformers_fold_and_quantize, attention_is_integer_where_the_scan_accepts_it,
          what_cannot_be_is_refused_and_changes_nothing)
