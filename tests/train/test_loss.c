#include "libprune/train/loss.h"
#include "tests/support/support.h"

#include <math.h>

enum { N = 2, H = 9, W = 11, COUNT = N * H * W };

static float output[COUNT], depth[COUNT], teacher[COUNT], gradient[COUNT];

static const pr_decode metric = {PR_OUTPUT_METRIC, 1, 0, 80};
static const pr_decode disparity = {PR_OUTPUT_DISPARITY, 9.99F, 0.01F, 0};
static const pr_decode relative = {PR_OUTPUT_RELATIVE, 1, 0, 0};

/* Plausible outputs of one kind, ground truth with holes. */
static pr_loss_batch make_batch(pr_decode decode)
{
    float noise[COUNT];
    test_fill(noise, COUNT, 1);
    for (int i = 0; i < COUNT; i++) {
        output[i] = decode.kind == PR_OUTPUT_METRIC ? 12 + 8 * noise[i] : 0.5F + 0.4F * noise[i];
        /* The teacher says something near. */
        teacher[i] = output[i] * (1 + 0.2F * noise[(i * 7 + 3) % COUNT]);
        depth[i] = i % 5 == 0 ? 0 : 10 + 6 * noise[(i * 3 + 5) % COUNT];
    }
    return (pr_loss_batch){N, H, W, decode, decode, output, depth, teacher, gradient};
}

static double total_of(prune_context *ctx, const pr_loss_batch *batch, const double *weights)
{
    double values[PR_LOSS_COUNT], total;
    ck_ok(pr_loss_evaluate(ctx, batch, weights, values, &total));
    return total;
}

static void check_gradient(pr_loss_kind kind, pr_decode decode)
{
    prune_context *ctx = test_context(2);
    double weights[PR_LOSS_COUNT] = {0};
    weights[kind] = 1.5;
    pr_loss_batch batch = make_batch(decode);
    double at = total_of(ctx, &batch, weights);
    ck_assert_double_gt(at, 0);
    float analytic[COUNT];
    memcpy(analytic, gradient, sizeof analytic);
    batch.d_output = NULL;
    /* One direction at a time, small random ones: the losses have kinks, which a small step of few
     * numbers rarely meets. */
    int good = 0, tried = 0;
    for (int i = 0; i < COUNT; i += 3) {
        float before = output[i], step = 2e-3F * (decode.kind == PR_OUTPUT_METRIC ? 1 : 0.05F);
        output[i] = before + step;
        double above = total_of(ctx, &batch, weights);
        output[i] = before - step;
        double below = total_of(ctx, &batch, weights);
        output[i] = before;
        double numeric = (above - below) / (2 * (double)step);
        double error = fabs(numeric - (double)analytic[i]);
        good += error < 2e-2 * fmax(fabs(numeric), 2e-3);
        tried++;
    }
    ck_assert_msg(good * 10 >= tried * 9, "%s: %d of %d slopes agree", pr_loss_get(kind)->name,
                  good, tried);
    prune_context_free(ctx);
}

START_TEST(gradients_match_finite_differences)
{
    for (int k = 0; k < PR_LOSS_COUNT; k++) {
        check_gradient((pr_loss_kind)k, metric);
        check_gradient((pr_loss_kind)k, disparity);
        if (pr_loss_get((pr_loss_kind)k)->field != PR_FIELD_LOG_DEPTH)
            check_gradient((pr_loss_kind)k, relative);
    }
}
END_TEST

/* silog by hand: two pixels, d = ln 2 and 0: mean of squares ln2^2 / 2, mean ln2 / 2. */
START_TEST(silog_is_the_formula)
{
    prune_context *ctx = test_context(1);
    float out[3] = {20, 7, 5}, truth[3] = {10, 7, 0};
    double weights[PR_LOSS_COUNT] = {[PR_LOSS_SILOG] = 1}, ln2 = log(2);
    pr_loss_batch batch = {1, 1, 3, metric, metric, out, truth, NULL, NULL};
    double expected = sqrt(ln2 * ln2 / 2 - 0.5 * ln2 * ln2 / 4);
    ck_assert_double_eq_tol(total_of(ctx, &batch, weights), expected, 1e-6);
    prune_context_free(ctx);
}
END_TEST

START_TEST(ssi_ignores_scale_and_shift)
{
    prune_context *ctx = test_context(1);
    double weights[PR_LOSS_COUNT] = {[PR_LOSS_DISTILL] = 1, [PR_LOSS_DISTILL_GRADIENT] = 1};
    pr_loss_batch batch = make_batch(relative);
    for (int i = 0; i < COUNT; i++) teacher[i] = 3 * output[i] + 7;
    ck_assert_double_lt(total_of(ctx, &batch, weights), 1e-5);
    prune_context_free(ctx);
}
END_TEST

/* Pixels without ground truth, and metres beyond max_depth, neither count nor get a gradient. */
START_TEST(unknown_pixels_do_not_matter)
{
    prune_context *ctx = test_context(2);
    double weights[PR_LOSS_COUNT] = {1, 1, 1, 1, 0, 0};
    pr_loss_batch batch = make_batch(metric);
    depth[1] = 100;
    double before = total_of(ctx, &batch, weights);
    ck_assert_float_eq(gradient[0], 0);
    ck_assert_float_eq(gradient[1], 0);
    ck_assert_float_ne(gradient[2], 0);
    output[0] = 77;
    output[1] = 3;
    ck_assert_double_eq(total_of(ctx, &batch, weights), before);
    /* An image without any ground truth leaves the mean to the others. */
    memset(depth + H * W, 0, H * W * sizeof(float));
    double one = total_of(ctx, &batch, weights);
    batch.batch = 1;
    ck_assert_double_eq_tol(total_of(ctx, &batch, weights), one, 1e-12);
    prune_context_free(ctx);
}
END_TEST

START_TEST(threads_do_not_change_the_bits)
{
    float first[COUNT];
    double weights[PR_LOSS_COUNT] = {1, 1, 1, 1, 1, 1}, totals[2];
    for (int threads = 1; threads <= 2; threads++) {
        prune_context *ctx = test_context(threads);
        pr_loss_batch batch = make_batch(metric);
        totals[threads - 1] = total_of(ctx, &batch, weights);
        if (threads == 1) memcpy(first, gradient, sizeof first);
        prune_context_free(ctx);
    }
    ck_assert_double_eq(totals[0], totals[1]);
    ck_assert_mem_eq(first, gradient, sizeof first);
}
END_TEST

START_TEST(relative_outputs_have_no_metres)
{
    prune_context *ctx = test_context(1);
    double weights[PR_LOSS_COUNT] = {[PR_LOSS_SILOG] = 1}, values[PR_LOSS_COUNT], total;
    pr_loss_batch batch = make_batch(relative);
    ck_fails(pr_loss_evaluate(ctx, &batch, weights, values, &total), PRUNE_E_ARGUMENT, "silog");
    prune_context_free(ctx);
}
END_TEST

START_TEST(selection_finds_the_rank)
{
    for (int64_t k = 0; k < 50; k++) {
        float values[50];
        test_fill(values, 50, (uint64_t)k);
        values[7] = values[3];
        float found = pr_select_nth(values, 50, k);
        int below = 0, equal = 0;
        for (int i = 0; i < 50; i++) {
            below += values[i] < found;
            equal += values[i] == found;
        }
        ck_assert(below <= k && k < below + equal);
    }
}
END_TEST

TEST_MAIN("train.loss", gradients_match_finite_differences, silog_is_the_formula,
          ssi_ignores_scale_and_shift, unknown_pixels_do_not_matter, threads_do_not_change_the_bits,
          relative_outputs_have_no_metres, selection_finds_the_rank)
