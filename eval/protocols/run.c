/* Running something that predicts over all samples. */
#include "eval/protocols/protocols.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>

static prune_status run_one(prune_evaluation *evaluation, const prune_sample *sample,
                            prune_predict_function predict, void *user)
{
    size_t count = (size_t)sample->width * (size_t)sample->height;
    float *values = prune_memory_new(evaluation->context, count, sizeof *values);
    if (!values) return PRUNE_E_MEMORY;
    prune_prediction prediction = {.disparity_scale = 1};
    prune_status status = predict(user, sample, values, &prediction);
    if (status != PRUNE_OK) status = prune_error_within(status, "%s", sample->name);
    prediction.width = sample->width;
    prediction.height = sample->height;
    prediction.values = values;
    if (status == PRUNE_OK) status = prune_evaluation_add(evaluation, &prediction, sample);
    prune_memory_free(evaluation->context, values);
    return status;
}

prune_status prune_evaluation_run(prune_evaluation *evaluation, prune_samples *samples,
                                  prune_predict_function predict, void *user)
{
    uint64_t count = prune_samples_count(samples);
    prune_progress_report(evaluation->context, "evaluate", 0, count);
    for (uint64_t i = 0; i < count; i++) {
        prune_sample sample;
        prune_status status = prune_cancel_check(evaluation->context);
        if (status == PRUNE_OK) status = prune_samples_load(samples, i, &sample);
        if (status != PRUNE_OK) return status;
        status = run_one(evaluation, &sample, predict, user);
        prune_samples_release(samples, &sample);
        if (status != PRUNE_OK) return status;
        prune_progress_report(evaluation->context, "evaluate", i + 1, count);
    }
    return PRUNE_OK;
}
