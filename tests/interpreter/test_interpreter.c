#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/shapes.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <stdlib.h>

static float *image(int64_t n, int64_t h, int64_t w)
{
    float *x = malloc((size_t)(n * h * w * 3) * sizeof *x);
    test_fill(x, n * h * w * 3, 3);
    return x;
}

/* Giving buffers back and using them again must not change a bit; batches are independent. */
static void check_consistency(prune_model *model, int64_t h, int64_t w)
{
    pr_run *lean, *keep, *one;
    pr_run_options options = {.keep = true};
    float *x = image(2, h, w);
    ck_ok(pr_run_create(&lean, model, 2, h, w, NULL));
    ck_ok(pr_run_create(&keep, model, 2, h, w, &options));
    ck_ok(pr_run_create(&one, model, 1, h, w, NULL));
    for (int repeat = 0; repeat < 2; repeat++) {
        ck_ok(pr_run_forward(lean, x));
        ck_ok(pr_run_forward(keep, x));
        ck_assert_mem_eq(pr_run_output(lean)->data, pr_run_output(keep)->data,
                         pr_tensor_bytes(pr_run_output(keep)));
    }
    ck_ok(pr_run_forward(one, x + h * w * 3));
    ck_assert_double_lt(
        test_max(pr_f32(pr_run_output(one)), pr_f32(pr_run_output(keep)) + h * w, h * w), 1e-4);
    pr_run_free(lean), pr_run_free(keep), pr_run_free(one);
    free(x);
}

START_TEST(buffers_and_batches_do_not_matter)
{
    prune_context *ctx = test_context(2);
    prune_model *conv = net_conv(ctx), *vit = net_vit(ctx);
    check_consistency(conv, 16, 24);
    check_consistency(vit, 16, 16);
    check_consistency(vit, 12, 28);
    pr_model_free(conv), pr_model_free(vit);
    prune_context_free(ctx);
}
END_TEST

typedef struct watcher {
    int32_t target, seen;
} watcher;

static prune_status zero_target(void *user, int32_t node, pr_tensor *value)
{
    watcher *w = user;
    w->seen++;
    if (node == w->target) memset(value->data, 0, pr_tensor_bytes(value));
    return PRUNE_OK;
}

START_TEST(partial_runs_equal_whole_ones)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_conv(ctx);
    watcher w = {.target = PR_NONE};
    pr_run_options options = {.keep = true, .on_value = zero_target, .user = &w};
    pr_run *run;
    float *x = image(1, 16, 16), whole[256];
    ck_ok(pr_run_create(&run, model, 1, 16, 16, &options));
    w.target = pr_model_find_node(model, "unit.act");
    ck_ok(pr_run_forward(run, x)); /* with the hook */
    ck_assert_int_eq(w.seen, model->n_nodes);
    memcpy(whole, pr_run_output(run)->data, sizeof whole);
    w.target = PR_NONE;
    ck_ok(pr_run_forward(run, x)); /* without: must differ */
    ck_assert_double_gt(test_max(pr_f32(pr_run_output(run)), whole, 256), 1e-3);
    w.target = pr_model_find_node(model, "unit.act");
    w.seen = 0;
    ck_ok(pr_run_forward_from(run, w.target));
    ck_assert_int_lt(w.seen, model->n_nodes);
    ck_assert_mem_eq(pr_run_output(run)->data, whole, sizeof whole);
    w.target = PR_NONE; /* the zeroed value itself stays as it is */
    ck_ok(pr_run_forward_after(run, pr_model_find_node(model, "unit.act")));
    ck_assert_mem_eq(pr_run_output(run)->data, whole, sizeof whole);
    pr_run_free(run);
    free(x);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

static const pr_tensor *doubled(void *user, int32_t param)
{
    pr_tensor *views = user;
    return views[param].data ? &views[param] : NULL;
}

START_TEST(parameters_can_be_seen_through_a_view)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_conv(ctx);
    pr_tensor *views = calloc((size_t)model->n_params, sizeof *views);
    pr_run_options options = {.view_param = doubled, .user = views};
    pr_run *viewed, *changed;
    float *x = image(1, 16, 16);
    const int32_t p = pr_model_find_param(model, "down.weight");
    ck_ok(pr_tensor_copy(&views[p], ctx, &model->params[p].tensor));
    for (int64_t i = 0; i < pr_tensor_count(&views[p]); i++) pr_f32(&views[p])[i] *= 2;
    ck_ok(pr_run_create(&viewed, model, 1, 16, 16, &options));
    ck_ok(pr_run_forward(viewed, x));
    for (int64_t i = 0; i < pr_tensor_count(&views[p]); i++)
        pr_f32(&model->params[p].tensor)[i] *= 2;
    ck_ok(pr_run_create(&changed, model, 1, 16, 16, NULL));
    ck_ok(pr_run_forward(changed, x));
    ck_assert_mem_eq(pr_run_output(viewed)->data, pr_run_output(changed)->data, 256 * 4);
    pr_run_free(viewed), pr_run_free(changed);
    pr_tensor_release(&views[p]);
    free(views), free(x);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(half_precision_weights_widen)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx), *half;
    pr_run *a, *b;
    float *x = image(1, 16, 16);
    ck_ok(pr_model_clone(&half, model));
    for (int32_t i = 0; i < half->n_params; i++) {
        pr_tensor converted;
        ck_ok(pr_tensor_convert(&converted, ctx, &half->params[i].tensor, PR_F16));
        pr_tensor_release(&half->params[i].tensor);
        half->params[i].tensor = converted;
    }
    ck_ok(pr_run_create(&a, model, 1, 16, 16, NULL));
    ck_ok(pr_run_create(&b, half, 1, 16, 16, NULL));
    ck_ok(pr_run_forward(a, x));
    ck_ok(pr_run_forward(b, x));
    const double rms = test_rms(pr_f32(pr_run_output(b)), pr_f32(pr_run_output(a)), 256);
    ck_assert_double_lt(rms, 1e-2);
    ck_assert_double_gt(rms, 0);
    pr_run_free(a), pr_run_free(b);
    free(x);
    pr_model_free(model), pr_model_free(half);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("interpreter.interpreter", buffers_and_batches_do_not_matter,
          partial_runs_equal_whole_ones, parameters_can_be_seen_through_a_view,
          half_precision_weights_widen)
