/* The whole mission in C (docs/c-api.md shows it): cut in rounds, tune, quantize with FP32 where
 * it hurts, pack, and run the result as a deployed program does.
 * mission MODEL PHOTOS PAIRS OUT PICTURE */
#include <prune/eval.h>
#include <prune/prune.h>
#include <stdio.h>
#include <stdlib.h>

/* What failed says why; main ends the program. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != PRUNE_OK) return false;                                                      \
    } while (0)

enum { ROUNDS = 1 };

static bool compress(prune_model *model, const prune_model *teacher, prune_samples *photos,
                     prune_samples *judge, prune_metric *abs_rel)
{
    prune_cut_options cut;
    prune_tune_options tune;
    prune_quant_options quant;
    prune_cut_options_init(&cut);
    prune_tune_options_init(&tune);
    prune_quant_options_init(&quant);
    cut.cost = PRUNE_COST_MACS;
    cut.keep = 0.9;
    tune.steps = 4;
    /* Small views: this is about the interface, not about accuracy. */
    cut.height = cut.width = tune.height = tune.width = 70;
    cut.views = 0;
    quant.views = 2;
    quant.scan_images = 1;
    for (int round = 0; round < ROUNDS; round++) {
        prune_plan *plan = NULL;
        TRY(prune_plan_create(&plan, model, photos, &cut)); /* what to cut, and why */
        prune_status status = prune_model_cut(model, plan);
        prune_plan_free(plan);
        TRY(status);
        TRY(prune_model_tune(model, teacher, photos, &tune));
    }
    quant.metric = abs_rel;
    quant.judge = judge;
    quant.max_drop = 0.01;
    TRY(prune_model_quantize(model, photos, &quant)); /* FP32 where it hurts */
    return true;
}

/* A robot starts here. */
static bool deploy(prune_context *context, const char *path, const char *picture)
{
    prune_model *model = NULL;
    prune_session *session = NULL;
    prune_image image;
    TRY(prune_model_load(&model, context, path, NULL));
    TRY(prune_session_create(&session, model, NULL));
    prune_model_free(model);
    TRY(prune_image_read(&image, context, picture));
    prune_pixels pixels = {image.rgb, image.width, image.height, 0, PRUNE_RGB};
    size_t count = (size_t)image.width * (size_t)image.height;
    float *depth = malloc(count * sizeof *depth);
    if (!depth) return false;
    prune_status status = prune_session_predict(session, &pixels, depth);
    float low = depth[0], high = depth[0];
    for (size_t i = 0; i < count; i++) {
        if (depth[i] < low) low = depth[i];
        if (depth[i] > high) high = depth[i];
    }
    (void)printf("depth of %d x %d pixels from %g to %g\n", (int)image.width, (int)image.height,
                 (double)low, (double)high);
    free(depth);
    prune_image_free(context, &image);
    prune_session_free(session);
    return status == PRUNE_OK;
}

static bool improved(const prune_model *before, const prune_model *after)
{
    prune_model_info full = {.struct_size = sizeof full}, small = {.struct_size = sizeof small};
    TRY(prune_model_describe(before, 0, 0, &full));
    TRY(prune_model_describe(after, 0, 0, &small));
    (void)printf("MACs %.3f, bytes %.3f of the original, %d layers in INT8\n",
                 (double)small.macs / (double)full.macs, (double)small.bytes / (double)full.bytes,
                 (int)small.int8_layers);
    return small.macs < full.macs && small.bytes < full.bytes && small.int8_layers > 0;
}

static bool mission(prune_context *context, char **arguments)
{
    prune_model *teacher = NULL, *model = NULL;
    prune_samples *photos = NULL, *judge = NULL;
    prune_metric *abs_rel = NULL;
    prune_load_options load;
    prune_load_options_init(&load);
    load.heads = 4; /* of the tiny test network; real ones tell by their width */
    TRY(prune_model_load(&teacher, context, arguments[1], &load));
    TRY(prune_samples_open(&photos, context, arguments[2])); /* no labels needed */
    TRY(prune_dataset_open(&judge, context, arguments[3], NULL));
    TRY(prune_protocol_metric(&abs_rel, context, "affine", "abs_rel", NULL));
    TRY(prune_model_clone(&model, teacher));
    if (!compress(model, teacher, photos, judge, abs_rel)) return false;
    if (!improved(teacher, model)) return false;
    TRY(prune_model_save(model, arguments[4], NULL));
    prune_metric_free(abs_rel);
    prune_samples_free(judge);
    prune_samples_free(photos);
    prune_model_free(model);
    prune_model_free(teacher);
    return true;
}

int main(int count, char **arguments)
{
    prune_context *context = NULL;
    if (count != 6) return 2;
    bool done = prune_context_create(&context, NULL) == PRUNE_OK && mission(context, arguments) &&
                deploy(context, arguments[4], arguments[5]);
    if (!done) (void)fprintf(stderr, "mission: %s\n", prune_last_error());
    prune_context_free(context);
    return done ? 0 : 1;
}
