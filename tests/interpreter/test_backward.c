#include "libprune/interpreter/interpreter.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

typedef struct problem {
    prune_model *model;
    pr_run *run;
    float *x, *weights;
    int64_t count;
} problem;

static double value(problem *p)
{
    double sum = 0;
    ck_ok(pr_run_forward(p->run, p->x));
    for (int64_t i = 0; i < p->count; i++)
        sum += (double)p->weights[i] * (double)pr_f32(pr_run_output(p->run))[i];
    return sum;
}

/* The derivative along a random direction of every parameter tensor, one at a time: what the
 * chain of operators gives against central differences. */
static void check_model(prune_model *model, int64_t h, int64_t w, int32_t batch)
{
    problem p = {.model = model, .count = batch * h * w};
    pr_run_options options = {.keep = true};
    pr_grads grads;
    p.x = malloc((size_t)(p.count * 3) * 4), p.weights = malloc((size_t)p.count * 4);
    test_fill(p.x, p.count * 3, 8);
    test_fill(p.weights, p.count, 9);
    ck_ok(pr_run_create(&p.run, model, batch, h, w, &options));
    ck_ok(pr_grads_create(&grads, model));
    (void)value(&p);
    ck_ok(pr_run_backward(p.run, p.weights, &grads, NULL, NULL));
    for (int32_t i = 0; i < model->n_params; i++) {
        float *theta = pr_f32(&model->params[i].tensor);
        const float *g = pr_f32(&grads.params[i]);
        const int64_t n = pr_tensor_count(&model->params[i].tensor);
        float *direction = malloc((size_t)n * 4), *saved = malloc((size_t)n * 4);
        double analytic = 0, norm = 0;
        test_fill(direction, n, 100 + (uint64_t)i);
        memcpy(saved, theta, (size_t)n * 4);
        for (int64_t k = 0; k < n; k++) {
            analytic += (double)g[k] * (double)direction[k];
            norm += (double)g[k] * (double)g[k];
        }
        const float step = 5e-4f;
        for (int64_t k = 0; k < n; k++) theta[k] = saved[k] + step * direction[k];
        const double up = value(&p);
        for (int64_t k = 0; k < n; k++) theta[k] = saved[k] - step * direction[k];
        const double down = value(&p);
        memcpy(theta, saved, (size_t)n * 4);
        const double numeric = (up - down) / (2 * (double)step);
        /* relu kinks allow a few percent; float rounding of outputs up to 80 leaves 0.1 */
        ck_assert_msg(fabs(numeric - analytic) <= 0.04 * (sqrt(norm) + fabs(analytic)) + 0.1,
                      "%s: %.6g analytic, %.6g numeric (norm %.3g)", model->params[i].name,
                      analytic, numeric, sqrt(norm));
        free(direction), free(saved);
    }
    pr_grads_free(&grads);
    pr_run_free(p.run);
    free(p.x), free(p.weights);
}

START_TEST(whole_networks_against_differences)
{
    prune_context *ctx = test_context(2);
    prune_model *conv = net_conv(ctx), *vit = net_vit(ctx);
    check_model(conv, 8, 12, 2);
    check_model(vit, 16, 16, 2);
    check_model(vit, 12, 20, 1);
    pr_model_free(conv), pr_model_free(vit);
    prune_context_free(ctx);
}
END_TEST

typedef struct seen {
    int32_t count, last;
    double input_norm;
} seen;

static prune_status note(void *user, int32_t node, const pr_tensor *gradient)
{
    seen *s = user;
    ck_assert_int_lt(node, s->last);
    s->last = node;
    s->count++;
    if (node == 1)
        for (int64_t i = 0; i < pr_tensor_count(gradient); i++)
            s->input_norm += fabs((double)pr_f32(gradient)[i]);
    return PRUNE_OK;
}

START_TEST(gradients_of_values_can_be_watched)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_conv(ctx);
    pr_run_options options = {.keep = true};
    pr_run *run;
    float x[16 * 16 * 3], d[256];
    seen s = {.last = model->n_nodes};
    test_fill(x, 768, 1);
    test_fill(d, 256, 2);
    ck_ok(pr_run_create(&run, model, 1, 16, 16, &options));
    ck_ok(pr_run_forward(run, x));
    ck_ok(pr_run_backward(run, d, NULL, note, &s));
    ck_assert_int_eq(s.count, model->n_nodes - 1); /* all but the image */
    ck_assert_double_gt(s.input_norm, 0);
    pr_run_free(run);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(frozen_parameters_get_none)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_conv(ctx);
    pr_run_options options = {.keep = true};
    pr_run *run;
    pr_grads grads;
    float x[16 * 16 * 3], d[256];
    test_fill(x, 768, 1);
    test_fill(d, 256, 2);
    const int32_t stem = pr_model_find_param(model, "stem.weight");
    model->params[stem].trainable = false;
    ck_ok(pr_grads_create(&grads, model));
    ck_assert_ptr_null(grads.params[stem].data);
    ck_ok(pr_run_create(&run, model, 1, 16, 16, &options));
    ck_ok(pr_run_forward(run, x));
    ck_ok(pr_run_backward(run, d, &grads, NULL, NULL));
    const int32_t head = pr_model_find_param(model, "head.weight");
    double norm = 0;
    for (int64_t i = 0; i < pr_tensor_count(&grads.params[head]); i++)
        norm += fabs((double)pr_f32(&grads.params[head])[i]);
    ck_assert_double_gt(norm, 0);
    pr_grads_zero(&grads);
    ck_assert_float_eq(pr_f32(&grads.params[head])[0], 0.0f);
    pr_grads_free(&grads);
    pr_run_free(run);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("interpreter.backward", whole_networks_against_differences,
          gradients_of_values_can_be_watched, frozen_parameters_get_none)
