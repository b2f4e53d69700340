#include "libprune/passes/integer.h"
#include "libprune/passes/shapes.h"
#include "libprune/quant/floats.h"
#include "tests/quant/fixture.h"

static scene world;

static int32_t count(const prune_model *model, pr_compute compute)
{
    int32_t n = 0;
    for (int32_t i = 0; i < model->n_nodes; i++) n += model->nodes[i].precision.compute == compute;
    return n;
}

START_TEST(a_model_in_bf16_needs_no_pictures)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx, 80, 4), *baked;
    prune_quant_options options;
    prune_quant_options_init(&options);
    options.precision = PR_QUANT_BF16;
    options.keep_float = "blocks.1.mlp.fc1,blocks.2.attn";
    ck_ok(pr_model_clone(&baked, model));
    ck_ok(prune_model_quantize(model, NULL, &options));
    ck_assert_int_eq(count(model, PR_COMPUTE_I8), 0);
    ck_assert_int_gt(count(model, PR_COMPUTE_BF16), 30);
    const char *kept[] = {"blocks.1.mlp.fc1", "blocks.2.attn"};
    for (int i = 0; i < 2; i++) {
        const int32_t node = pr_model_find_node(model, kept[i]);
        ck_assert_int_eq(model->nodes[node].precision.compute, PR_COMPUTE_F32);
    }
    ck_assert_uint_lt(pr_model_bytes(model), pr_model_bytes(baked) * 3 / 4);
    char *json;
    ck_ok(prune_quant_report(model, &json));
    ck_assert_ptr_nonnull(strstr(json, "\"bf16-layers\""));
    ck_assert_ptr_nonnull(strstr(json, "\"precision\": \"bf16\""));
    prune_text_free(json);
    /* All of them when nothing is to stay in floats; integers become floats first. */
    options.keep_float = NULL;
    options.default_float = false;
    const int32_t fc1 = pr_model_find_node(baked, "blocks.1.mlp.fc1");
    baked->nodes[fc1].precision.compute = PR_COMPUTE_I8;
    baked->nodes[fc1].precision.input = PR_INPUT_TOKEN;
    ck_ok(pr_integer_bake(baked, fc1));
    ck_ok(prune_model_quantize(baked, NULL, &options));
    ck_assert_int_eq(pr_node_param(baked, &baked->nodes[fc1], 0)->dtype, PR_F32);
    ck_assert_int_eq(baked->nodes[fc1].precision.input, PR_INPUT_NONE);
    for (int32_t i = 0; i < baked->n_nodes; i++)
        ck_assert_int_eq(baked->nodes[i].precision.compute,
                         pr_op_get(baked->nodes[i].op)->bf16 ? PR_COMPUTE_BF16 : PR_COMPUTE_F32);
    options.keep_float = "nothing.like.it";
    ck_fails(prune_model_quantize(baked, NULL, &options), PRUNE_E_ARGUMENT, "nothing.like.it");
    options.precision = PR_QUANT_INT8;
    ck_fails(prune_model_quantize(baked, NULL, &options), PRUNE_E_ARGUMENT, "images");
    prune_model_free(model);
    prune_model_free(baked);
    prune_context_free(ctx);
}
END_TEST

/* What is not INT8 becomes BF16 unless the judge finds the model worse, or is told otherwise. */
START_TEST(the_judge_decides_about_floats)
{
    prune_context *ctx = test_context(2);
    prune_model *original = tiny_model(ctx, 80, 4);
    scene_make(&world, 9, false);
    prune_samples *samples = scene_samples(ctx, &world);
    pr_quant_judge judge;
    ck_ok(pr_quant_judge_create(&judge, original, samples, 3, NULL));
    prune_quant_options options;
    prune_quant_options_init(&options);
    const struct {
        int32_t floats;
        double max_drop;
        bool bf16;
    } cases[] = {{PR_QUANT_FLOATS_AUTO, 0.1, true},
                 {PR_QUANT_FLOATS_AUTO, 1e-9, false},
                 {PR_QUANT_FLOATS_F32, 0.1, false},
                 {PR_QUANT_FLOATS_BF16, 1e-9, true}};
    for (int i = 0; i < 4; i++) {
        prune_model *model;
        double drop = 0;
        ck_ok(pr_model_clone(&model, original));
        options.floats = cases[i].floats;
        options.max_drop = cases[i].max_drop;
        ck_ok(pr_quant_choose_floats(model, &options, &judge, &drop));
        ck_assert_int_eq(count(model, PR_COMPUTE_BF16) > 0, cases[i].bf16);
        ck_assert(cases[i].bf16 ? drop > 0 && drop < 0.05 : drop == 0);
        prune_model_free(model);
    }
    pr_quant_judge_free(&judge);
    prune_samples_free(samples);
    prune_model_free(original);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/floats", a_model_in_bf16_needs_no_pictures, the_judge_decides_about_floats)
