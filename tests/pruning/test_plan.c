#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/shapes.h"
#include "tests/support/graphs.h"
#include "tests/support/pictures.h"
#include "tests/support/support.h"

#include <jansson.h>
#include <prune/pruning.h>

enum { PIXELS = 28 * 42 };

static prune_cut_options quick_options(void)
{
    prune_cut_options options;
    prune_cut_options_init(&options);
    options.images = 4;
    options.views = 2;
    options.positions = 60;
    options.judges = 3;
    return options;
}

static double number(const json_t *report, const char *group, const char *name)
{
    const json_t *object = group ? json_object_get(report, group) : report;
    return json_number_value(json_object_get(object, name));
}

static json_t *plan_report(const prune_plan *plan)
{
    char *text = NULL;
    ck_ok(prune_plan_json(plan, &text));
    json_t *report = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(report);
    prune_text_free(text);
    return report;
}

static void predict(const prune_model *model, float *output)
{
    static float input[PIXELS * 3];
    const pr_preprocess *rule = &model->meta.preprocess;
    pr_run *run = NULL;
    test_fill(input, PIXELS * 3, 5);
    ck_ok(pr_run_create(&run, model, 1, rule->height, rule->width, NULL));
    ck_ok(pr_run_forward(run, input));
    ck_assert_int_le(pr_tensor_count(pr_run_output(run)), PIXELS);
    memcpy(output, pr_run_output(run)->data,
           (size_t)pr_tensor_count(pr_run_output(run)) * sizeof *output);
    pr_run_free(run);
}

/* Law 2: the cut model has the cost that the plan foretold, and saves, loads and runs. */
static void check_model(prune_model *model, const json_t *report)
{
    static float output[PIXELS], again[PIXELS];
    uint64_t macs;
    ck_ok(pr_model_macs(model, 0, 0, &macs));
    ck_assert(number(report, "after", "macs") == (double)macs);
    ck_assert(number(report, "after", "params") == (double)pr_model_params(model));
    const char *path = test_path(0, "cut.safetensors.zst");
    prune_model *loaded = NULL;
    ck_ok(prune_model_save(model, path, NULL));
    ck_ok(prune_model_load(&loaded, model->ctx, path, NULL));
    predict(model, output);
    predict(loaded, again);
    ck_assert_mem_eq(output, again, sizeof output);
    const json_t *last = json_array_get(loaded->history, json_array_size(loaded->history) - 1);
    ck_assert_str_eq(json_string_value(json_object_get(last, "step")), "cut");
    pr_model_free(loaded);
}

static void cut_and_check(prune_model *model, const prune_cut_options *options)
{
    prune_context *ctx = model->ctx;
    prune_samples *samples = test_pictures(ctx, 5, 60, 40);
    prune_plan *plan = NULL;
    ck_ok(prune_plan_create(&plan, model, samples, options));
    json_t *report = plan_report(plan);
    ck_assert(json_is_true(json_object_get(report, "reached")));
    ck_assert(number(report, "after", "macs") <= options->keep * number(report, "before", "macs"));
    ck_assert(number(report, NULL, "error_after") > 0);
    ck_ok(prune_model_cut(model, plan));
    check_model(model, report);
    json_decref(report);
    prune_plan_free(plan);
    prune_samples_free(samples);
}

START_TEST(every_saliency_cuts_both_families)
{
    for (int32_t saliency = 0; saliency <= PRUNE_SALIENCY_RANDOM; saliency++) {
        prune_context *ctx = test_context(2);
        prune_cut_options options = quick_options();
        options.keep = 0.8;
        options.saliency = saliency;
        prune_model *model = test_graph_encoder_decoder(ctx, 28, 40, 8, 1);
        cut_and_check(model, &options);
        pr_model_free(model);
        model = test_graph_transformer(ctx, 2);
        options.kinds = "head,qk,neuron,channel,residual";
        options.blocks = true;
        cut_and_check(model, &options);
        pr_model_free(model);
        prune_context_free(ctx);
    }
}
END_TEST

/* Cutting half of every MLP and a head everywhere, as asked. */
START_TEST(heads_and_neurons_as_asked)
{
    prune_context *ctx = test_context(2);
    prune_cut_options options = quick_options();
    options.keep = 1;
    options.heads = 1;
    options.neurons = 0.25;
    prune_model *model = test_graph_transformer(ctx, 3);
    cut_and_check(model, &options);
    int attentions = 0, hidden = 0;
    for (int32_t v = 0; v < model->n_nodes; v++) {
        const pr_node *node = &model->nodes[v];
        if (node->op == PR_OP_ATTENTION) {
            ck_assert_int_eq(node->attrs.heads, 1);
            attentions++;
        } else if (node->op == PR_OP_GELU) {
            const pr_node *fc1 = &model->nodes[node->inputs[0]];
            const pr_tensor *weight = pr_node_param(model, fc1, PR_SLOT_WEIGHT);
            ck_assert_int_eq(weight->shape.dim[0], 48);
            hidden++;
        }
    }
    ck_assert_int_eq(attentions, 4);
    ck_assert_int_eq(hidden, 4);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Two channels that are always equal: with compensation one of them costs nothing. */
START_TEST(compensation_takes_over_what_copies_did)
{
    static float before[PIXELS], with[PIXELS], without[PIXELS];
    prune_context *ctx = test_context(1);
    double errors[2];
    for (int compensate = 0; compensate < 2; compensate++) {
        prune_model *model = test_graph_encoder_decoder(ctx, 28, 40, 8, 4);
        for (int32_t v = 0; v < model->n_nodes; v++) {
            const pr_tensor *weight = pr_node_param(model, &model->nodes[v], PR_SLOT_WEIGHT);
            const pr_tensor *bias = pr_node_param(model, &model->nodes[v], PR_SLOT_BIAS);
            if (!weight || weight->shape.dim[0] < 2) continue;
            const int64_t half = pr_tensor_count(weight) / 2, b = pr_tensor_count(bias) / 2;
            memcpy(pr_f32(weight) + half, pr_f32(weight), (size_t)half * sizeof(float));
            memcpy(pr_f32(bias) + b, pr_f32(bias), (size_t)b * sizeof(float));
        }
        predict(model, before);
        prune_cut_options options = quick_options();
        prune_samples *samples = test_pictures(ctx, 5, 60, 40);
        prune_plan *plan = NULL;
        options.allocation = PRUNE_ALLOCATION_UNIFORM;
        options.keep = 0.5; /* fewer than all copies need to go */
        options.compensate = compensate != 0;
        ck_ok(prune_plan_create(&plan, model, samples, &options));
        json_t *report = plan_report(plan);
        errors[compensate] = number(report, NULL, "error_after");
        json_decref(report);
        ck_ok(prune_model_cut(model, plan));
        predict(model, compensate ? with : without);
        prune_plan_free(plan);
        prune_samples_free(samples);
        pr_model_free(model);
    }
    const double good = test_rms(with, before, PIXELS), bad = test_rms(without, before, PIXELS);
    ck_assert_msg(good < 0.05 && bad > 5 * good, "rms %g with and %g without", good, bad);
    ck_assert_msg(errors[1] < 0.2 * errors[0], "error %g with and %g without", errors[1],
                  errors[0]);
    prune_context_free(ctx);
}
END_TEST

START_TEST(same_seed_same_bytes)
{
    prune_model *models[2];
    prune_context *ctx = test_context(2);
    for (int i = 0; i < 2; i++) {
        prune_cut_options options = quick_options();
        prune_samples *samples = test_pictures(ctx, 5, 60, 40);
        prune_plan *plan = NULL;
        models[i] = test_graph_transformer(ctx, 6);
        ck_ok(prune_plan_create(&plan, models[i], samples, &options));
        ck_ok(prune_model_cut(models[i], plan));
        prune_plan_free(plan);
        prune_samples_free(samples);
    }
    ck_assert_int_eq(models[0]->n_params, models[1]->n_params);
    for (int32_t i = 0; i < models[0]->n_params; i++) {
        const pr_tensor *a = &models[0]->params[i].tensor, *b = &models[1]->params[i].tensor;
        ck_assert(pr_shape_equal(&a->shape, &b->shape));
        ck_assert_mem_eq(a->data, b->data, pr_tensor_bytes(a));
    }
    pr_model_free(models[0]);
    pr_model_free(models[1]);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_bad_requests)
{
    prune_context *ctx = test_context(1);
    prune_model *model = test_graph_transformer(ctx, 7);
    prune_samples *samples = test_pictures(ctx, 3, 60, 40), *none = test_pictures(ctx, 0, 60, 40);
    prune_cut_options options = quick_options();
    prune_plan *plan = NULL;
    options.keep = 1;
    ck_fails(prune_plan_create(&plan, model, samples, &options), PRUNE_E_ARGUMENT, "keep");
    options.heads = 2;
    ck_fails(prune_plan_create(&plan, model, samples, &options), PRUNE_E_ARGUMENT, "heads");
    options = quick_options();
    options.kinds = "head,wheels";
    ck_fails(prune_plan_create(&plan, model, samples, &options), PRUNE_E_ARGUMENT, "wheels");
    options = quick_options();
    options.neurons = 0.5;
    ck_fails(prune_plan_create(&plan, model, samples, &options), PRUNE_E_ARGUMENT, "neurons");
    options = quick_options();
    options.height = 28;
    ck_fails(prune_plan_create(&plan, model, samples, &options), PRUNE_E_ARGUMENT, "width");
    options = quick_options();
    ck_fails(prune_plan_create(&plan, model, none, &options), PRUNE_E_ARGUMENT, "pictures");
    ck_assert_ptr_null(plan);
    prune_plan_free(plan);
    prune_samples_free(samples);
    prune_samples_free(none);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(plan_belongs_to_its_model)
{
    prune_context *ctx = test_context(1);
    prune_model *model = test_graph_transformer(ctx, 8), *other = test_graph_transformer(ctx, 9);
    prune_samples *samples = test_pictures(ctx, 3, 60, 40);
    prune_cut_options options = quick_options();
    prune_plan *plan = NULL;
    ck_ok(prune_plan_create(&plan, model, samples, &options));
    const uint64_t params = pr_model_params(other);
    ck_fails(prune_model_cut(other, plan), PRUNE_E_ARGUMENT, "another model");
    ck_assert_uint_eq(pr_model_params(other), params);
    ck_ok(prune_model_cut(model, plan));
    ck_fails(prune_model_cut(model, plan), PRUNE_E_ARGUMENT, "another model");
    prune_plan_free(plan);
    prune_samples_free(samples);
    pr_model_free(model);
    pr_model_free(other);
    prune_context_free(ctx);
}
END_TEST

static bool always(void *user)
{
    (void)user;
    return true;
}

START_TEST(can_be_cancelled)
{
    prune_context_options options;
    prune_context *ctx = NULL;
    prune_context_options_init(&options);
    options.cancel = always;
    ck_ok(prune_context_create(&ctx, &options));
    prune_model *model = test_graph_transformer(ctx, 8);
    prune_samples *samples = test_pictures(ctx, 3, 60, 40);
    prune_plan *plan = NULL;
    ck_assert_int_eq(prune_plan_create(&plan, model, samples, NULL), PRUNE_E_CANCELLED);
    prune_samples_free(samples);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("plan", every_saliency_cuts_both_families, heads_and_neurons_as_asked,
          compensation_takes_over_what_copies_did, same_seed_same_bytes, refuses_bad_requests,
          plan_belongs_to_its_model, can_be_cancelled)
