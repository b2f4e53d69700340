/* Error by distance and region, edges, flicker, of both predictions over the same frames. */
#include "pipelines/report/look.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdlib.h>

/* Frames to look at: all of them, or pairs of neighbours at even distances, since flicker needs
 * neighbours. */
static uint64_t pick(uint64_t position, uint64_t chosen, uint64_t frames)
{
    if (chosen >= frames) return position;
    const uint64_t pairs = chosen / 2;
    return position / 2 * frames / pairs + position % 2;
}

static prune_status add(prune_analysis *analysis, report_source *source, const report_subject *s,
                        const prune_sample *sample)
{
    prune_prediction prediction;
    float *values = NULL;
    prune_status status = report_source_predict(source, s->ctx, sample, &values, &prediction);
    if (status == PRUNE_OK) status = prune_analysis_add(analysis, &prediction, sample);
    prune_memory_free(s->ctx, values);
    return status;
}

static prune_status look_at(prune_analysis *const *analyses, const report_subject *s,
                            uint64_t chosen)
{
    const uint64_t frames = prune_samples_count(s->samples);
    prune_status status = PRUNE_OK;
    for (uint64_t i = 0; status == PRUNE_OK && i < chosen; i++) {
        prune_sample sample;
        prune_progress_report(s->ctx, "analyse", i, chosen);
        status = prune_cancel_check(s->ctx);
        if (status == PRUNE_OK)
            status = prune_samples_load(s->samples, pick(i, chosen, frames), &sample);
        if (status != PRUNE_OK) break;
        status = add(analyses[0], s->before, s, &sample);
        if (status == PRUNE_OK) status = add(analyses[1], s->after, s, &sample);
        prune_samples_release(s->samples, &sample);
    }
    prune_progress_report(s->ctx, "analyse", chosen, chosen);
    return status;
}

static prune_status to_json(json_t *root, const char *key, const prune_analysis *analysis)
{
    char *text = NULL;
    prune_status status = prune_analysis_json(analysis, &text);
    if (status == PRUNE_OK) (void)json_object_set_new(root, key, json_loads(text, 0, NULL));
    prune_text_free(text);
    return status;
}

prune_status report_analysis(const report_subject *s, json_t *report)
{
    const uint64_t frames = prune_samples_count(s->samples);
    /* Pairs of neighbours must not overlap: two in each stride of at least two frames. */
    const uint64_t most = (uint64_t)s->analysed / 2 * 2, chosen = most < frames ? most : frames;
    prune_analysis *analyses[2] = {NULL, NULL};
    if (chosen == 0) return PRUNE_OK;
    prune_status status = prune_analysis_create(&analyses[0], s->ctx, s->options);
    if (status == PRUNE_OK) status = prune_analysis_create(&analyses[1], s->ctx, s->options);
    if (status == PRUNE_OK) status = look_at(analyses, s, chosen);
    json_t *root = json_pack("{s:I}", "frames", (json_int_t)chosen);
    if (status == PRUNE_OK) status = to_json(root, "before", analyses[0]);
    if (status == PRUNE_OK) status = to_json(root, "after", analyses[1]);
    if (status == PRUNE_OK) (void)json_object_set(report, "analysis", root);
    json_decref(root);
    prune_analysis_free(analyses[0]);
    prune_analysis_free(analyses[1]);
    return status;
}

prune_status report_look(const report_subject *s, json_t *report)
{
    if (!s->samples) return PRUNE_OK;
    prune_status status = report_analysis(s, report);
    if (status == PRUNE_OK && s->pictures > 0) status = report_pictures(s, report);
    return status;
}
