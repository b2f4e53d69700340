/* Predictions of a model, or from a folder. */
#include "pipelines/report/look.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <string.h>

static prune_status predict_model(report_source *source, const prune_sample *sample, float *values,
                                  prune_prediction *prediction)
{
    const prune_pixels pixels = {sample->rgb, sample->width, sample->height, 0, PRUNE_RGB};
    prune_status status = PRUNE_OK;
    if (!source->session) status = prune_session_create(&source->session, source->model, NULL);
    if (status == PRUNE_OK) status = prune_session_predict(source->session, &pixels, values);
    if (status == PRUNE_OK) prune_session_describe(source->session, prediction);
    return status;
}

static prune_status predict_folder(const report_source *source, prune_context *ctx,
                                   const prune_sample *sample, float *values,
                                   prune_prediction *prediction)
{
    prune_depth_map map = {0};
    prune_status status =
        prune_prediction_read(&map, prediction, ctx, source->folder, source->units, sample);
    if (status != PRUNE_OK) return status;
    if (map.width == sample->width && map.height == sample->height)
        memcpy(values, map.values, (size_t)map.width * (size_t)map.height * sizeof *values);
    else
        status = prune_error_set(PRUNE_E_SHAPE,
                                 "%s: the prediction in %s is %dx%d, but the picture is %dx%d",
                                 sample->name, source->folder, (int)map.width, (int)map.height,
                                 (int)sample->width, (int)sample->height);
    prune_depth_free(ctx, &map);
    return status;
}

prune_status report_source_predict(report_source *source, prune_context *ctx,
                                   const prune_sample *sample, float **values,
                                   prune_prediction *prediction)
{
    const size_t count = (size_t)sample->width * (size_t)sample->height;
    *prediction = (prune_prediction){.disparity_scale = 1};
    *values = prune_memory_new(ctx, count, sizeof **values);
    if (!*values) return PRUNE_E_MEMORY;
    prune_status status = source->model ? predict_model(source, sample, *values, prediction)
                                        : predict_folder(source, ctx, sample, *values, prediction);
    prediction->width = sample->width;
    prediction->height = sample->height;
    prediction->values = *values;
    if (status == PRUNE_OK) return status;
    prune_memory_free(ctx, *values);
    *values = NULL;
    return status;
}

void report_source_close(report_source *source)
{
    prune_session_free(source->session);
    source->session = NULL;
}
