#include "libprune/quant/judge.h"
#include "tests/quant/fixture.h"

#include <math.h>

static scene world;

/* Mean of the predictions' first value, as a metric. */
typedef struct first_value {
    double sum;
    int count;
} first_value;

static void first_reset(void *user)
{
    *(first_value *)user = (first_value){0, 0};
}

static prune_status first_add(void *user, const prune_prediction *prediction,
                              const prune_sample *sample)
{
    first_value *metric = user;
    ck_assert_int_eq(prediction->width, sample->width);
    ck_assert_int_eq(prediction->height, sample->height);
    ck_assert_int_eq(prediction->output_kind, PR_OUTPUT_DISPARITY);
    metric->sum += (double)prediction->values[0];
    metric->count++;
    return PRUNE_OK;
}

static prune_status first_result(void *user, double *value)
{
    const first_value *metric = user;
    *value = metric->count ? metric->sum / metric->count : NAN;
    return PRUNE_OK;
}

/* A larger bias in the last layer raises every output. */
static prune_model *shifted(const prune_model *model, float by)
{
    prune_model *copy;
    ck_ok(pr_model_clone(&copy, model));
    pr_tensor *bias =
        &copy->params[copy->nodes[pr_model_find_node(copy, "head")].params[PR_SLOT_BIAS]].tensor;
    ck_ok(pr_tensor_own(bias, copy->ctx));
    pr_f32(bias)[0] += by;
    return copy;
}

START_TEST(the_original_judges_by_its_output)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx), *little = shifted(model, 0.05F),
                *much = shifted(model, 0.5F);
    scene_make(&world, 7, false);
    prune_samples *samples = scene_samples(ctx, &world);
    pr_quant_judge judge;
    double none, some, more;
    ck_ok(pr_quant_judge_create(&judge, model, samples, 3, NULL));
    ck_assert_uint_eq(judge.count, 3);
    ck_assert_uint_lt(judge.indices[1], judge.indices[2]);
    ck_ok(pr_quant_judge_measure(&judge, model, &none));
    ck_ok(pr_quant_judge_measure(&judge, little, &some));
    ck_ok(pr_quant_judge_measure(&judge, much, &more));
    ck_assert_double_eq(none, 0);
    ck_assert_double_gt(some, 1e-4);
    ck_assert_double_gt(more, 3 * some);
    pr_quant_judge_free(&judge);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_model_free(little);
    prune_model_free(much);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_metric_judges_by_its_direction)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx), *higher = shifted(model, 0.5F);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    first_value state;
    prune_metric metric = {.struct_size = sizeof metric,
                           .user = &state,
                           .name = "first",
                           .reset = first_reset,
                           .add = first_add,
                           .value = first_result};
    for (int up = 0; up < 2; up++) {
        pr_quant_judge judge;
        double drop;
        metric.higher_is_better = up != 0;
        ck_ok(pr_quant_judge_create(&judge, model, samples, 100, &metric));
        ck_ok(pr_quant_judge_measure(&judge, higher, &drop));
        ck_assert(up ? drop < -1e-3 : drop > 1e-3);
        pr_quant_judge_free(&judge);
    }
    prune_samples_free(samples);
    prune_model_free(model);
    prune_model_free(higher);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/judge", the_original_judges_by_its_output, a_metric_judges_by_its_direction)
