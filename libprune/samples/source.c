/* Sample sources: a caller's, a folder's, and a choice of another's. */
#include "libprune/samples/samples.h"

#include <string.h>
#include <strings.h>

struct prune_samples {
    prune_context *ctx;
    prune_sample_source source;
    /* A subset asks `whole` instead of the source. */
    prune_samples *whole;
    uint64_t *indices;
};

prune_context *pr_samples_context(const prune_samples *samples)
{
    return samples->ctx;
}

prune_status prune_samples_create(prune_samples **out, prune_context *context,
                                  const prune_sample_source *source)
{
    if (!source || source->struct_size != sizeof *source || !source->load || !source->release ||
        !source->identify)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "the sample source is incomplete: set struct_size, load, release, identify");
    prune_samples *samples = pr_calloc(context, 1, sizeof *samples);
    if (!samples) return PRUNE_E_MEMORY;
    samples->ctx = context;
    samples->source = *source;
    *out = samples;
    return PRUNE_OK;
}

prune_status prune_samples_subset(prune_samples **out, prune_samples *whole,
                                  const uint64_t *indices, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (indices[i] >= whole->source.count)
            return pr_fail(PRUNE_E_ARGUMENT, "sample %llu was asked for, but there are only %llu",
                           (unsigned long long)indices[i], (unsigned long long)whole->source.count);
    prune_samples *samples = pr_calloc(whole->ctx, 1, sizeof *samples);
    if (!samples) return PRUNE_E_MEMORY;
    samples->ctx = whole->ctx;
    samples->whole = whole;
    samples->source.count = count;
    prune_status status =
        pr_new(whole->ctx, (void **)&samples->indices, count ? count : 1, sizeof *indices);
    if (status != PRUNE_OK) {
        pr_free(whole->ctx, samples);
        return status;
    }
    if (count) memcpy(samples->indices, indices, count * sizeof *indices);
    *out = samples;
    return PRUNE_OK;
}

void prune_samples_free(prune_samples *samples)
{
    if (!samples) return;
    if (!samples->whole && samples->source.close) samples->source.close(samples->source.user);
    pr_free(samples->ctx, samples->indices);
    pr_free(samples->ctx, samples);
}

uint64_t prune_samples_count(const prune_samples *samples)
{
    return samples->source.count;
}

static prune_status check_index(const prune_samples *samples, uint64_t index)
{
    if (index < samples->source.count) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT, "sample %llu was asked for, but there are only %llu",
                   (unsigned long long)index, (unsigned long long)samples->source.count);
}

prune_status prune_samples_identify(prune_samples *samples, uint64_t index, const char **name,
                                    const char **group)
{
    PR_TRY(check_index(samples, index));
    if (samples->whole)
        return prune_samples_identify(samples->whole, samples->indices[index], name, group);
    return samples->source.identify(samples->source.user, index, name, group);
}

prune_status prune_samples_load(prune_samples *samples, uint64_t index, prune_sample *sample)
{
    PR_TRY(check_index(samples, index));
    if (samples->whole) return prune_samples_load(samples->whole, samples->indices[index], sample);
    memset(sample, 0, sizeof *sample);
    return samples->source.load(samples->source.user, index, sample);
}

void prune_samples_release(prune_samples *samples, prune_sample *sample)
{
    if (samples->whole)
        prune_samples_release(samples->whole, sample);
    else
        samples->source.release(samples->source.user, sample);
}

void prune_metric_free(prune_metric *metric)
{
    if (!metric) return;
    /* The supplier made the struct: its close frees what user points to, the struct included. */
    if (metric->close) metric->close(metric->user);
}
