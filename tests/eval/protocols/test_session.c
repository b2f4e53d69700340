/* Judging sessions and models: the same numbers as predicting by hand. */
#include "tests/eval/made_up.h"

enum { W = 64, H = 48, FRAMES = 3 };

typedef struct scenes {
    uint8_t rgb[FRAMES][W * H * 3];
    float depth[W * H];
} scenes;

static const char *const names[FRAMES] = {"one", "two", "three"};

static prune_status identify(void *user, uint64_t index, const char **name, const char **group)
{
    (void)user;
    *name = names[index];
    *group = "";
    return PRUNE_OK;
}

static prune_status load(void *user, uint64_t index, prune_sample *sample)
{
    scenes *set = user;
    *sample = (prune_sample){names[index], "", W, H, set->rgb[index], set->depth, W, H};
    return PRUNE_OK;
}

static prune_samples *make(scenes *set, prune_context *ctx)
{
    float noise[W * H];
    for (int f = 0; f < FRAMES; f++) {
        test_fill(noise, W * H, (uint64_t)f + 1);
        for (int i = 0; i < W * H * 3; i++)
            set->rgb[f][i] = (uint8_t)(128 + 100 * (double)noise[i / 3]);
    }
    for (int i = 0; i < W * H; i++) set->depth[i] = 5.0F + (float)(i % W);
    prune_sample_source source = {.struct_size = sizeof source,
                                  .user = set,
                                  .count = FRAMES,
                                  .load = load,
                                  .release = made_up_release,
                                  .identify = identify};
    prune_samples *samples;
    ck_ok(prune_samples_create(&samples, ctx, &source));
    return samples;
}

START_TEST(session_and_model_agree_with_predict)
{
    static scenes set;
    prune_context *ctx = test_context(2);
    prune_samples *samples = make(&set, ctx);
    prune_new_options options;
    prune_new_options_init(&options);
    options.width = 32;
    options.blocks = 4;
    options.heads = 2;
    options.taps = NULL;
    options.neck = "8,8,16,16";
    options.fusion = 8;
    options.head = 8;
    options.input_height = 42;
    options.input_width = 56;
    options.max_depth = 80;
    prune_model *model;
    ck_ok(prune_model_new(&model, ctx, &options));
    prune_session *session;
    ck_ok(prune_session_create(&session, model, NULL));
    prune_evaluation *by_session = made_up_evaluation(ctx, "eigen");
    prune_evaluation *by_model = made_up_evaluation(ctx, "eigen");
    ck_ok(prune_evaluation_run_session(by_session, samples, session));
    ck_ok(prune_evaluation_run_model(by_model, samples, model, NULL));
    for (uint64_t i = 0; i < FRAMES; i++) {
        static float values[W * H];
        prune_sample sample;
        ck_ok(prune_samples_load(samples, i, &sample));
        prune_pixels pixels = {sample.rgb, W, H, 0, PRUNE_RGB};
        prune_prediction prediction = {W, H, values, 0, 1, 0};
        prune_session_describe(session, &prediction);
        ck_assert_int_eq(prediction.output_kind, 2);
        ck_ok(prune_session_predict(session, &pixels, values));
        pr_judgement wanted;
        ck_ok(pr_protocol_judge(&wanted, ctx, golden_protocol("eigen"), PRUNE_ALIGN_NONE,
                                &prediction, &sample));
        double a, b;
        ck_ok(prune_evaluation_frame(by_session, i, "abs_rel", NULL, &a));
        ck_ok(prune_evaluation_frame(by_model, i, "abs_rel", NULL, &b));
        ck_assert(a == wanted.values[0]);
        ck_assert(b == wanted.values[0]);
        prune_samples_release(samples, &sample);
    }
    prune_evaluation_free(by_session);
    prune_evaluation_free(by_model);
    prune_session_free(session);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.session", session_and_model_agree_with_predict)
