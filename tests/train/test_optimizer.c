#include "libprune/train/optimizer.h"
#include "tests/train/scene.h"

#include <math.h>

static const pr_adamw_settings plain = {0.1, 0.9, 0.999, 1e-8, 0.5, 0, 0};

/* Gradients of 2 everywhere. */
static void fill_gradients(pr_grads *grads, const prune_model *model, float value)
{
    for (int32_t p = 0; p < model->n_params; p++)
        for (int64_t i = 0; grads->params[p].data && i < pr_tensor_count(&grads->params[p]); i++)
            pr_f32(&grads->params[p])[i] = value;
}

/* The first step of Adam moves every weight by the learning rate against its gradient's sign,
 * whatever the gradient's size; decay takes rate * 0.5 of the matrices before. */
START_TEST(the_first_step_is_the_formula)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx, 80, 1), *before = NULL;
    ck_ok(prune_model_clone(&before, model));
    pr_adamw adamw;
    pr_grads grads;
    ck_ok(pr_adamw_create(&adamw, model, false));
    ck_ok(pr_grads_create(&grads, model));
    fill_gradients(&grads, model, -2);
    double norm;
    ck_ok(pr_adamw_step(&adamw, model, &grads, &plain, &norm));
    int64_t count = 0;
    int decayed = 0, spared = 0;
    for (int32_t p = 0; p < model->n_params; p++) {
        const pr_param *param = &model->params[p];
        const float *was = pr_f32(&before->params[p].tensor), *is = pr_f32(&param->tensor);
        bool matrix = adamw.decays[p];
        decayed += matrix;
        spared += !matrix;
        /* Kernels and matrices decay; biases, norms, scales, position and prefix do not. */
        bool expected = strstr(param->name, ".weight") && !strstr(param->name, "norm") &&
                        param->tensor.shape.rank > 1;
        ck_assert_msg(matrix == expected, "%s", param->name);
        for (int64_t i = 0; i < pr_tensor_count(&param->tensor); i++) {
            double wanted = (double)was[i] * (matrix ? 1 - 0.1 * 0.5 : 1) + 0.1;
            ck_assert_double_eq_tol((double)is[i], wanted, 1e-5);
        }
        count += pr_tensor_count(&param->tensor);
    }
    ck_assert_int_gt(decayed, 10);
    ck_assert_int_gt(spared, 10);
    ck_assert_double_eq_tol(norm, 2 * sqrt((double)count), 1e-6 * norm);
    pr_adamw_free(&adamw);
    pr_grads_free(&grads);
    prune_model_free(model);
    prune_model_free(before);
    prune_context_free(ctx);
}
END_TEST

/* Second steps with another gradient, by hand for one weight, with clipping. */
START_TEST(moments_and_clipping_are_the_formula)
{
    prune_context *ctx = test_context(1);
    prune_model *model = tiny_model(ctx, 80, 1);
    pr_adamw adamw;
    pr_grads grads;
    ck_ok(pr_adamw_create(&adamw, model, true));
    ck_ok(pr_grads_create(&grads, model));
    pr_adamw_settings settings = plain;
    settings.clip = 1;
    settings.weight_decay = 0;
    settings.ema = 0.2; /* binds from the second step on */
    int32_t p = 0;
    while (!adamw.decays[p]) p++;
    double w = (double)pr_f32(&model->params[p].tensor)[0], m = 0, v = 0, average = w;
    for (int t = 1; t <= 3; t++) {
        double norm, g = t == 2 ? -1.5 : 1;
        fill_gradients(&grads, model, (float)g);
        ck_ok(pr_adamw_step(&adamw, model, &grads, &settings, &norm));
        g /= norm;
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        double rate = 0.1 / (1 - pow(0.9, t)), root = sqrt(v / (1 - pow(0.999, t)));
        w -= rate * m / (root + 1e-8);
        double keep = fmin(0.2, (1.0 + t) / (10.0 + t));
        average += (1 - keep) * (w - average);
    }
    ck_assert_double_eq_tol((double)pr_f32(&model->params[p].tensor)[0], w, 1e-5);
    ck_assert_double_eq_tol((double)pr_f32(&adamw.average[p])[0], average, 1e-5);
    pr_adamw_free(&adamw);
    pr_grads_free(&grads);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(an_infinite_gradient_changes_nothing)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx, 80, 1), *before = NULL;
    ck_ok(prune_model_clone(&before, model));
    pr_adamw adamw;
    pr_grads grads;
    ck_ok(pr_adamw_create(&adamw, model, false));
    ck_ok(pr_grads_create(&grads, model));
    fill_gradients(&grads, model, INFINITY);
    double norm;
    ck_fails(pr_adamw_step(&adamw, model, &grads, &plain, &norm), PRUNE_E_ARGUMENT,
             "learning-rate");
    ck_assert(same_weights(model, before));
    ck_assert_uint_eq(adamw.step, 0);
    pr_adamw_free(&adamw);
    pr_grads_free(&grads);
    prune_model_free(model);
    prune_model_free(before);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("train.optimizer", the_first_step_is_the_formula, moments_and_clipping_are_the_formula,
          an_infinite_gradient_changes_nothing)
