/* There and back: every number comes out the same to the last bit. */
#include "tests/eval/made_up.h"

static void expect_same(const prune_evaluation *a, const prune_evaluation *b, const char *metric)
{
    double x[3], y[3];
    ck_ok(prune_evaluation_mean(a, metric, &x[0], &x[1], &x[2]));
    ck_ok(prune_evaluation_mean(b, metric, &y[0], &y[1], &y[2]));
    ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
    ck_ok(prune_evaluation_difference(a, b, metric, &x[0], &x[1], &x[2]));
    ck_assert_double_eq(x[0], 0);
}

START_TEST(nothing_is_lost_on_the_way)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 7);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen"), *back;
    char *text, *again;
    ck_ok(prune_evaluation_run(evaluation, samples, made_up_predict, &set));
    ck_ok(prune_evaluation_json(evaluation, &text));
    ck_ok(prune_evaluation_from_json(&back, ctx, text));
    ck_assert_uint_eq(prune_evaluation_frames(back), 7);
    ck_assert_int_eq(prune_evaluation_alignment(back), prune_evaluation_alignment(evaluation));
    expect_same(evaluation, back, "abs_rel");
    expect_same(evaluation, back, "rmse");
    ck_ok(prune_evaluation_json(back, &again));
    ck_assert_str_eq(text, again);
    prune_text_free(text), prune_text_free(again);
    prune_evaluation_free(evaluation), prune_evaluation_free(back);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(what_is_no_evaluation_is_refused)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "JSON"},
        {"[]", "protocol"},
        {"{\"protocol\": \"eigen\"}", "seed"},
        {"{\"protocol\": \"guess\", \"seed\": 1}", "guess"},
        {"{\"protocol\": \"eigen\", \"seed\": 1}", "align"},
        {"{\"protocol\": \"eigen\", \"seed\": 1, \"align\": \"none\"}", "images"},
        {"{\"protocol\": \"eigen\", \"seed\": 1, \"align\": \"none\", \"images\": [3]}", "name"},
        {"{\"protocol\": \"eigen\", \"seed\": 1, \"align\": \"none\", \"images\": [{\"name\": "
         "\"a\", \"group\": \"\", \"pixels\": -1}]}",
         "pixels"},
        {"{\"protocol\": \"eigen\", \"seed\": 1, \"align\": \"none\", \"images\": [{\"name\": "
         "\"a\", \"group\": \"\", \"pixels\": 5}]}",
         "abs_rel"},
    };
    prune_context *ctx = test_context(1);
    prune_evaluation *evaluation = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const prune_status status = prune_evaluation_from_json(&evaluation, ctx, rows[i].text);
        ck_assert_msg(status == PRUNE_E_FORMAT || status == PRUNE_E_ARGUMENT, "%s", rows[i].text);
        ck_assert_msg(strstr(prune_last_error(), rows[i].part) != NULL, "%s", prune_last_error());
        ck_assert_ptr_null(evaluation);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.load", nothing_is_lost_on_the_way, what_is_no_evaluation_is_refused)
