/* The record of a loop, and its JSON form: report.json. */
#include "pipelines/run/record.h"

#include "pipelines/report/accuracy.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

const char *stage_kind_name(stage_kind kind)
{
    static const char *const names[] = {"before", "trim", "tune", "quantize"};
    return names[kind];
}

stage *record_first(const record *r)
{
    return r->stages[0];
}

stage *record_last(const record *r)
{
    return r->stages[r->count - 1];
}

static bool name_is_taken(const record *r, const char *name)
{
    for (int32_t s = 0; s < r->count; s++)
        if (strcmp(r->stages[s]->name, name) == 0) return true;
    return false;
}

/* "tuned", "tuned 2", ...; after a quantization "tuned int8", since that is what computes. */
static void name_stage(const record *r, stage *s)
{
    static const char *const bases[] = {"before", "trimmed", "tuned", "int8"};
    bool quantized = false;
    char base[24];
    for (int32_t i = 0; i < r->count; i++)
        quantized = quantized || r->stages[i]->kind == STAGE_QUANTIZE;
    (void)snprintf(base, sizeof base, "%s%s", bases[s->kind],
                   quantized && s->kind != STAGE_QUANTIZE ? " int8" : "");
    (void)snprintf(s->name, sizeof s->name, "%s", base);
    for (int32_t n = 2; name_is_taken(r, s->name); n++)
        (void)snprintf(s->name, sizeof s->name, "%s %d", base, n);
}

prune_status record_add(record *r, stage_kind kind, stage **out)
{
    stage *s = prune_memory_zero(r->ctx, 1, sizeof *s);
    stage **grown = prune_memory_new(r->ctx, (size_t)r->count + 1, sizeof *grown);
    if (!s || !grown) {
        prune_memory_free(r->ctx, s);
        prune_memory_free(r->ctx, grown);
        return PRUNE_E_MEMORY;
    }
    if (r->count > 0) memcpy(grown, r->stages, (size_t)r->count * sizeof *grown);
    prune_memory_free(r->ctx, r->stages);
    s->kind = kind;
    s->info.struct_size = (uint32_t)sizeof s->info;
    r->stages = grown;
    name_stage(r, s);
    r->stages[r->count++] = s;
    *out = s;
    return PRUNE_OK;
}

void record_close(record *r)
{
    for (int32_t i = 0; i < r->count; i++) {
        prune_evaluation_free(r->stages[i]->evaluation);
        prune_model_free(r->stages[i]->model);
        json_decref(r->stages[i]->measured);
        json_decref(r->stages[i]->detail);
        prune_memory_free(r->ctx, r->stages[i]);
    }
    prune_memory_free(r->ctx, r->stages);
    prune_judge_free(r->judge);
    json_decref(r->more);
}

static json_t *stage_json(const record *r, const stage *s)
{
    json_t *root =
        json_pack("{s:s, s:s, s:f, s:o, s:I, s:I, s:I, s:i, s:I, s:I, s:I}", "name", s->name,
                  "kind", stage_kind_name(s->kind), "seconds", s->seconds, "judge_score",
                  isfinite(s->score) ? json_real(s->score) : json_null(), "parameters",
                  (json_int_t)s->info.parameters, "macs", (json_int_t)s->info.macs, "bytes",
                  (json_int_t)s->info.bytes, "int8_layers", s->info.int8_layers, "file_bytes",
                  (json_int_t)s->file_bytes, "packed_bytes", (json_int_t)s->packed_bytes,
                  "session_bytes", (json_int_t)s->latency.memory);
    if (root && s->measured) (void)json_object_update(root, s->measured);
    if (root && s->detail) (void)json_object_update(root, s->detail);
    if (root && s->evaluation)
        (void)report_add_accuracy(root, record_first(r)->evaluation, s->evaluation,
                                  r->options->protocol);
    return root;
}

/* The last stage's own report of one kind, under its old name. */
static void add_latest(json_t *root, const record *r, stage_kind kind)
{
    for (int32_t i = r->count - 1; i > 0; i--) {
        const stage *s = r->stages[i];
        if (s->kind != kind || !s->detail) continue;
        json_t *inner = json_object_get(s->detail, stage_kind_name(kind));
        (void)json_object_set(root, stage_kind_name(kind), inner ? inner : s->detail);
        return;
    }
}

json_t *record_json(const record *r)
{
    json_t *stages = json_array();
    for (int32_t s = 0; s < r->count; s++)
        (void)json_array_append_new(stages, stage_json(r, r->stages[s]));
    const prune_model_info *info = &record_first(r)->info;
    json_t *root =
        json_pack("{s:s, s:s?, s:s?, s:[i,i], s:s, s:i, s:I, s:s, s:b, s:I, s:I, s:o}", "version",
                  prune_version(), "command", r->options->command, "architecture",
                  info->architecture, "input_size", info->input_height, info->input_width, "isa",
                  prune_context_isa(r->ctx), "threads", prune_context_threads(r->ctx), "seed",
                  (json_int_t)r->options->seed, "judge", prune_judge_describe(r->judge),
                  "judge_higher_is_better", prune_judge_metric(r->judge)->higher_is_better,
                  "tune_images", (json_int_t)prune_samples_count(prune_judge_images(r->judge)),
                  "peak_memory", (json_int_t)prune_peak_memory(), "stages", stages);
    if (!root) return NULL;
    if (r->shown) {
        const prune_evaluation *e = record_first(r)->evaluation;
        (void)json_object_set_new(
            root, "accuracy_on",
            json_pack("{s:s, s:I, s:s, s:s, s:s, s:b}", "role", r->shown_role, "frames",
                      (json_int_t)prune_samples_count(r->shown), "protocol", r->options->protocol,
                      "align", prune_align_name(prune_evaluation_alignment(e)), "metric",
                      r->options->metric, "few_frames", prune_evaluation_few_frames(e)));
    }
    add_latest(root, r, STAGE_TRIM);
    add_latest(root, r, STAGE_QUANTIZE);
    if (r->more) (void)json_object_update(root, r->more);
    return root;
}
