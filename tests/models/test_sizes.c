/* Any size that the patches divide: interpreter and session agree from one patch to long strips, in
 * both directions and under both rules for the position table; what does not fit is refused. */
#include "libprune/interpreter/interpreter.h"
#include "tests/support/support.h"

#include <prune/session.h>
#include <stdlib.h>

static prune_model *load(prune_context *ctx, const char *path)
{
    prune_model *model;
    prune_load_options o;
    prune_load_options_init(&o);
    o.heads = 4;
    ck_ok(prune_model_load(&model, ctx, path, &o));
    return model;
}

static void compare(prune_session *session, const prune_model *model, int32_t height, int32_t width)
{
    const int64_t count = (int64_t)height * width;
    float *input = malloc((size_t)count * 4 * sizeof *input), *output = input + count * 3;
    pr_run *run;
    test_fill(input, count * 3, 9);
    ck_ok(pr_run_create(&run, model, 1, height, width, NULL));
    ck_ok(pr_run_forward(run, input));
    ck_ok(prune_session_run(session, input, height, width, output));
    const float *wanted = pr_f32(pr_run_output(run));
    ck_assert_msg(test_rms(output, wanted, count) <= 1e-4, "%dx%d: rms %g", height, width,
                  test_rms(output, wanted, count));
    ck_assert_msg(test_max(output, wanted, count) <= 1e-3, "%dx%d: max %g", height, width,
                  test_max(output, wanted, count));
    pr_run_free(run);
    free(input);
}

START_TEST(grids_of_every_shape)
{
    static const char *const models[] = {"tests/golden/dav2_tiny.pth", "tests/golden/dav2_tiny_hf",
                                         "tests/golden/dav2_gated_hf"};
    static const int32_t sizes[][2] = {{14, 14},   {14, 1400}, {1400, 14}, {70, 1022},
                                       {1022, 70}, {42, 28},   {14, 28}};
    prune_context *ctx = test_context(2);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        prune_model *model = load(ctx, models[m]);
        prune_session *session;
        ck_ok(prune_session_create(&session, model, NULL));
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            compare(session, model, sizes[s][0], sizes[s][1]);
        prune_session_free(session);
        prune_model_free(model);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(sizes_between_patches_are_refused)
{
    prune_context *ctx = test_context(1);
    prune_model *model = load(ctx, "tests/golden/dav2_tiny_hf");
    prune_session *session;
    static float input[100 * 200 * 3], output[100 * 200];
    ck_ok(prune_session_create(&session, model, NULL));
    ck_fails(prune_session_run(session, input, 100, 200, output), PRUNE_E_SHAPE,
             "output 'depth' is 1x98x196x1 for an input of 100x200: sessions run models whose "
             "output has the input's size; use a size that the model's strides divide, such as "
             "98x196");
    ck_fails(prune_session_run(session, input, 7, 14, output), PRUNE_E_SHAPE,
             "node 'patch_embed.proj' (conv): the input 7x14 is smaller than the kernel 14x14");
    prune_session_free(session);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Pictures of any shape come back at their own size, finite, through the model's own rule. */
START_TEST(pictures_of_every_shape)
{
    static const int32_t sizes[][2] = {{1, 1}, {3, 200}, {200, 3}, {90, 160}, {160, 90}};
    prune_context *ctx = test_context(2);
    prune_model *model = load(ctx, "tests/golden/dav2_tiny_hf");
    prune_session *session;
    ck_ok(prune_session_create(&session, model, NULL));
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int32_t h = sizes[s][0], w = sizes[s][1];
        uint8_t *rgb = malloc((size_t)(h * w) * 3);
        float *depth = malloc((size_t)(h * w) * sizeof *depth);
        int32_t nh, nw;
        for (int32_t i = 0; i < h * w * 3; i++) rgb[i] = (uint8_t)(i * 37 % 251);
        const prune_pixels pixels = {rgb, w, h, 0, PRUNE_RGB};
        ck_ok(prune_session_network_size(session, h, w, &nh, &nw));
        ck_assert(nh % 14 == 0 && nw % 14 == 0 && nh >= 14 && nw >= 14);
        ck_ok(prune_session_predict(session, &pixels, depth));
        for (int32_t i = 0; i < h * w; i++)
            ck_assert_msg(depth[i] > -1e3f && depth[i] < 1e3f, "%dx%d: %g", h, w, (double)depth[i]);
        free(rgb);
        free(depth);
    }
    prune_session_free(session);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/sizes", grids_of_every_shape, sizes_between_patches_are_refused,
          pictures_of_every_shape)
