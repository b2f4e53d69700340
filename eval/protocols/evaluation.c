/* An evaluation: judgements of frames in order, and what they say together. */
#include "eval/protocols/protocols.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stddef.h>
#include <string.h>

enum { FEW_FRAMES = 20 };

static const prune_option options[] = {
    {"protocol", PRUNE_OPTION_TEXT, offsetof(prune_evaluation_options, protocol), "eigen", 0, 0,
     NULL, "how accuracy is judged: kitti-devkit, eigen, eigen-benchmark, affine, affine-nyu"},
    {"align", PRUNE_OPTION_CHOICE, offsetof(prune_evaluation_options, align), "default", 0, 0,
     "default|none|median|affine",
     "to metres: none (metric models), median, affine in disparity; default: by the model"},
    {"seed", PRUNE_OPTION_UINT64, offsetof(prune_evaluation_options, seed), "1", 0,
     1.8446744073709552e19, NULL, "of the resampling that gives the intervals"},
};
static const prune_option_table table = {"eval", sizeof(prune_evaluation_options), options,
                                         sizeof options / sizeof options[0]};

const prune_option_table *prune_evaluation_option_table(void)
{
    return &table;
}

void prune_evaluation_options_init(prune_evaluation_options *out)
{
    prune_options_init(&table, out);
}

prune_status prune_evaluation_create(prune_evaluation **out, prune_context *context,
                                     const prune_evaluation_options *wanted)
{
    prune_evaluation_options defaults;
    prune_evaluation_options_init(&defaults);
    if (!wanted) wanted = &defaults;
    if (wanted->struct_size != sizeof *wanted)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "fill prune_evaluation_options with prune_evaluation_options_init");
    int32_t index;
    prune_status status = prune_protocol_find(&index, wanted->protocol);
    if (status != PRUNE_OK) return status;
    prune_evaluation *evaluation = prune_memory_zero(context, 1, sizeof *evaluation);
    if (!evaluation) return PRUNE_E_MEMORY;
    evaluation->context = context;
    evaluation->protocol = pr_protocol_at(index);
    evaluation->wish = (prune_align)wanted->align;
    evaluation->seed = wanted->seed;
    *out = evaluation;
    return PRUNE_OK;
}

void prune_evaluation_free(prune_evaluation *evaluation)
{
    if (!evaluation) return;
    for (uint64_t i = 0; i < evaluation->count; i++) {
        prune_memory_free(evaluation->context, evaluation->frames[i].name);
        prune_memory_free(evaluation->context, evaluation->frames[i].group);
    }
    prune_memory_free(evaluation->context, evaluation->frames);
    prune_memory_free(evaluation->context, evaluation);
}

static char *copy_text(prune_context *context, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = prune_memory_new(context, bytes, 1);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

static prune_status make_room(prune_evaluation *evaluation)
{
    if (evaluation->count < evaluation->capacity) return PRUNE_OK;
    uint64_t capacity = evaluation->capacity ? 2 * evaluation->capacity : 32;
    pr_frame *frames = prune_memory_new(evaluation->context, (size_t)capacity, sizeof *frames);
    if (!frames) return PRUNE_E_MEMORY;
    if (evaluation->count)
        memcpy(frames, evaluation->frames, (size_t)evaluation->count * sizeof *frames);
    prune_memory_free(evaluation->context, evaluation->frames);
    evaluation->frames = frames;
    evaluation->capacity = capacity;
    return PRUNE_OK;
}

prune_status pr_evaluation_keep(prune_evaluation *evaluation, const pr_judgement *judgement,
                                const char *name, const char *group)
{
    if (evaluation->count && evaluation->applied != judgement->align)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%s: aligned by %s, but the frames before it by %s: say --align for "
                               "all",
                               name, prune_align_name(judgement->align),
                               prune_align_name(evaluation->applied));
    prune_status status = make_room(evaluation);
    if (status != PRUNE_OK) return status;
    pr_frame frame = {copy_text(evaluation->context, name),
                      copy_text(evaluation->context, group ? group : ""), *judgement};
    if (!frame.name || !frame.group) {
        prune_memory_free(evaluation->context, frame.name);
        prune_memory_free(evaluation->context, frame.group);
        return PRUNE_E_MEMORY;
    }
    evaluation->frames[evaluation->count++] = frame;
    evaluation->applied = judgement->align;
    return PRUNE_OK;
}

prune_status prune_evaluation_add(prune_evaluation *evaluation, const prune_prediction *prediction,
                                  const prune_sample *sample)
{
    pr_judgement judgement;
    prune_status status = pr_protocol_judge(&judgement, evaluation->context, evaluation->protocol,
                                            evaluation->wish, prediction, sample);
    if (status != PRUNE_OK) return status;
    return pr_evaluation_keep(evaluation, &judgement, sample->name, sample->group);
}

uint64_t prune_evaluation_frames(const prune_evaluation *evaluation)
{
    return evaluation->count;
}

bool prune_evaluation_few_frames(const prune_evaluation *evaluation)
{
    return evaluation->count < FEW_FRAMES;
}

prune_align prune_evaluation_alignment(const prune_evaluation *evaluation)
{
    return evaluation->applied;
}

static prune_status find_metric(int32_t *index, const prune_evaluation *evaluation,
                                const char *metric)
{
    *index = pr_metrics_find(evaluation->protocol->metrics, metric);
    if (*index >= 0) return PRUNE_OK;
    return prune_error_set(PRUNE_E_ARGUMENT, "protocol %s has no metric '%s'",
                           evaluation->protocol->name, metric);
}

prune_status prune_evaluation_frame(const prune_evaluation *evaluation, uint64_t index,
                                    const char *metric, const char **name, double *value)
{
    int32_t m;
    prune_status status = find_metric(&m, evaluation, metric);
    if (status != PRUNE_OK) return status;
    if (index >= evaluation->count)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "frame %llu was asked for, but there are only "
                               "%llu",
                               (unsigned long long)index, (unsigned long long)evaluation->count);
    if (name) *name = evaluation->frames[index].name;
    if (value) *value = evaluation->frames[index].judgement.values[m];
    return PRUNE_OK;
}

/* Mean and interval of one number per frame. */
static prune_status summarize(const prune_evaluation *evaluation, const double *values,
                              double *mean, double *low, double *high)
{
    uint64_t count = evaluation->count;
    double sum = 0;
    for (uint64_t i = 0; i < count; i++) sum += values[i];
    *mean = sum / (double)count;
    if (!low && !high) return PRUNE_OK;
    double ends[2];
    int32_t *block = prune_memory_new(evaluation->context, (size_t)count, sizeof *block);
    const char **groups = prune_memory_new(evaluation->context, (size_t)count, sizeof *groups);
    prune_status status = block && groups ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) {
        for (uint64_t i = 0; i < count; i++) groups[i] = evaluation->frames[i].group;
        pr_interval_blocks(block, groups, count);
        status = pr_interval_mean(&ends[0], &ends[1], evaluation->context, values, block, count,
                                  evaluation->seed);
    }
    if (status == PRUNE_OK && low) *low = ends[0];
    if (status == PRUNE_OK && high) *high = ends[1];
    prune_memory_free(evaluation->context, block);
    prune_memory_free(evaluation->context, groups);
    return status;
}

static prune_status refuse_empty(const prune_evaluation *evaluation)
{
    if (evaluation->count) return PRUNE_OK;
    return prune_error_set(PRUNE_E_ARGUMENT, "no frame was evaluated yet");
}

prune_status prune_evaluation_mean(const prune_evaluation *evaluation, const char *metric,
                                   double *mean, double *low, double *high)
{
    int32_t m;
    prune_status status = find_metric(&m, evaluation, metric);
    if (status == PRUNE_OK) status = refuse_empty(evaluation);
    if (status != PRUNE_OK) return status;
    double *values =
        prune_memory_new(evaluation->context, (size_t)evaluation->count, sizeof *values);
    if (!values) return PRUNE_E_MEMORY;
    for (uint64_t i = 0; i < evaluation->count; i++)
        values[i] = evaluation->frames[i].judgement.values[m];
    status = summarize(evaluation, values, mean, low, high);
    prune_memory_free(evaluation->context, values);
    return status;
}

/* Frames of two runs over the same samples stand at the same place; look there first. */
static const pr_frame *find_frame(const prune_evaluation *evaluation, uint64_t likely,
                                  const char *name)
{
    if (likely < evaluation->count && strcmp(evaluation->frames[likely].name, name) == 0)
        return &evaluation->frames[likely];
    for (uint64_t i = 0; i < evaluation->count; i++)
        if (strcmp(evaluation->frames[i].name, name) == 0) return &evaluation->frames[i];
    return NULL;
}

static prune_status fill_differences(double *values, const prune_evaluation *before,
                                     const prune_evaluation *after, int32_t metric)
{
    for (uint64_t i = 0; i < before->count; i++) {
        const pr_frame *mine = &before->frames[i], *other = find_frame(after, i, mine->name);
        if (!other)
            return prune_error_set(PRUNE_E_ARGUMENT,
                                   "%s was judged before but not after: compare runs over the same "
                                   "frames",
                                   mine->name);
        values[i] = other->judgement.values[metric] - mine->judgement.values[metric];
    }
    return PRUNE_OK;
}

prune_status prune_evaluation_difference(const prune_evaluation *before,
                                         const prune_evaluation *after, const char *metric,
                                         double *difference, double *low, double *high)
{
    int32_t m;
    prune_status status = find_metric(&m, before, metric);
    if (status == PRUNE_OK) status = refuse_empty(before);
    if (status != PRUNE_OK) return status;
    if (before->protocol != after->protocol || before->count != after->count)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%llu frames under %s cannot be compared with %llu under %s",
                               (unsigned long long)before->count, before->protocol->name,
                               (unsigned long long)after->count, after->protocol->name);
    double *values = prune_memory_new(before->context, (size_t)before->count, sizeof *values);
    if (!values) return PRUNE_E_MEMORY;
    status = fill_differences(values, before, after, m);
    if (status == PRUNE_OK) status = summarize(before, values, difference, low, high);
    prune_memory_free(before->context, values);
    return status;
}
