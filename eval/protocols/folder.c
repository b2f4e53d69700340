/* Judging a folder of predictions, several frames at once: decoding PNG files takes most of the
 * time. Results are kept in the order of the samples whatever thread made them. */
#include "eval/protocols/protocols.h"

#include <prune/image.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 32, MESSAGE = 400, EXTENSIONS = 3 };

typedef struct outcome {
    prune_status status;
    pr_judgement judgement;
    char message[MESSAGE]; /* errors belong to a thread; this carries them to the caller's */
} outcome;

typedef struct folder_job {
    prune_evaluation *evaluation;
    prune_samples *samples;
    const char *folder;
    int32_t output_kind;
    uint64_t first;
    outcome *outcomes; /* BATCH */
} folder_job;

/* The path of NAME.png, NAME.npy or NAME.f32, whichever exists. */
static prune_status find_prediction(char **path, int *extension, prune_context *context,
                                    const char *folder, const char *name)
{
    static const char *const extensions[EXTENSIONS] = {".png", ".npy", ".f32"};
    size_t room = strlen(name) + 8;
    char *file = prune_memory_new(context, room, 1);
    if (!file) return PRUNE_E_MEMORY;
    prune_status status = PRUNE_OK;
    *path = NULL;
    for (int e = 0; e < EXTENSIONS && status == PRUNE_OK; e++) {
        (void)snprintf(file, room, "%s%s", name, extensions[e]);
        *path = prune_path_join(context, folder, file);
        *extension = e;
        if (!*path) status = PRUNE_E_MEMORY;
        if (*path && prune_path_exists(*path)) break;
        prune_memory_free(context, *path);
        *path = NULL;
    }
    prune_memory_free(context, file);
    if (status == PRUNE_OK && !*path)
        status = prune_error_set(PRUNE_E_IO,
                                 "%s holds no prediction for frame %s (.png, .npy or "
                                 ".f32)",
                                 folder, name);
    return status;
}

prune_status prune_prediction_read(prune_depth_map *map, prune_prediction *prediction,
                                   prune_context *context, const char *folder, int32_t output_kind,
                                   const prune_sample *sample)
{
    char *path;
    int extension;
    prune_status status = find_prediction(&path, &extension, context, folder, sample->name);
    if (status != PRUNE_OK) return status;
    *prediction = (prune_prediction){.output_kind = output_kind, .disparity_scale = 1};
    if (extension == 0) {
        prediction->output_kind = 2;
        status = prune_depth_read(map, context, path, 256);
    } else if (output_kind < 0 || output_kind > 2) {
        status = prune_error_set(PRUNE_E_ARGUMENT,
                                 "%s: the file does not say what its values mean: say relative, "
                                 "disparity or metric",
                                 path);
    } else if (extension == 1) {
        status = prune_map_read_npy(map, context, path);
    } else {
        status = prune_map_read_f32(map, context, path, sample->depth_width, sample->depth_height);
    }
    prune_memory_free(context, path);
    if (status != PRUNE_OK) return status;
    prediction->width = map->width;
    prediction->height = map->height;
    prediction->values = map->values;
    return PRUNE_OK;
}

static prune_status judge_frame(const folder_job *job, uint64_t index, pr_judgement *judgement)
{
    prune_evaluation *evaluation = job->evaluation;
    prune_sample sample;
    prune_status status = prune_samples_load(job->samples, index, &sample);
    if (status != PRUNE_OK) return status;
    prune_depth_map map = {0};
    prune_prediction prediction;
    status = prune_prediction_read(&map, &prediction, evaluation->context, job->folder,
                                   job->output_kind, &sample);
    if (status == PRUNE_OK)
        status = pr_protocol_judge(judgement, evaluation->context, evaluation->protocol,
                                   evaluation->wish, &prediction, &sample);
    prune_depth_free(evaluation->context, &map);
    prune_samples_release(job->samples, &sample);
    return status;
}

static void judge_range(void *argument, int64_t begin, int64_t end, int lane)
{
    folder_job *job = argument;
    (void)lane;
    for (int64_t i = begin; i < end; i++) {
        outcome *result = &job->outcomes[i];
        result->status = judge_frame(job, job->first + (uint64_t)i, &result->judgement);
        if (result->status != PRUNE_OK)
            (void)snprintf(result->message, MESSAGE, "%s", prune_last_error());
    }
}

static prune_status keep_batch(const folder_job *job, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const outcome *result = &job->outcomes[i];
        if (result->status != PRUNE_OK)
            return prune_error_set(result->status, "%s", result->message);
        const char *name, *group;
        prune_status status = prune_samples_identify(job->samples, job->first + i, &name, &group);
        if (status == PRUNE_OK)
            status = pr_evaluation_keep(job->evaluation, &result->judgement, name, group);
        if (status != PRUNE_OK) return status;
    }
    return PRUNE_OK;
}

prune_status prune_evaluation_run_folder(prune_evaluation *evaluation, prune_samples *samples,
                                         const char *folder, int32_t output_kind)
{
    prune_context *context = evaluation->context;
    uint64_t count = prune_samples_count(samples);
    if (!prune_path_is_folder(folder))
        return prune_error_set(PRUNE_E_IO, "%s is not a folder of predictions", folder);
    folder_job job = {.evaluation = evaluation,
                      .samples = samples,
                      .folder = folder,
                      .output_kind = output_kind,
                      .outcomes = prune_memory_zero(context, BATCH, sizeof(outcome))};
    prune_status status = job.outcomes ? PRUNE_OK : PRUNE_E_MEMORY;
    prune_progress_report(context, "evaluate", 0, count);
    while (status == PRUNE_OK && job.first < count) {
        uint64_t batch = count - job.first < BATCH ? count - job.first : BATCH;
        prune_parallel_for(context, (int64_t)batch, 1, judge_range, &job);
        status = keep_batch(&job, batch);
        job.first += batch;
        if (status == PRUNE_OK) status = prune_cancel_check(context);
        prune_progress_report(context, "evaluate", job.first, count);
    }
    prune_memory_free(context, job.outcomes);
    return status;
}
