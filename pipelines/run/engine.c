/* One run of a recipe, from the first measurement to the report. Whatever the log says is finished
 * is taken from there; the rest is done, written down, and then used as it was written down. */
#include "pipelines/run/engine.h"

#include "pipelines/recipe/origin.h"
#include "pipelines/report/look.h"
#include "pipelines/report/report.h"
#include "pipelines/run/goals.h"
#include "pipelines/run/measured.h"
#include "pipelines/run/run.h"

#include <errno.h>
#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- a stage's numbers ------------------------------------------------------------------------*/

static prune_status evaluate(engine *e, stage *s)
{
    const record *r = &e->r;
    prune_evaluation_options options;
    prune_align align;
    if (!r->shown) return PRUNE_OK;
    prune_evaluation_options_init(&options);
    options.protocol = r->options->protocol;
    options.seed = r->options->seed;
    prune_status status = prune_align_parse(&align, r->options->align);
    options.align = (int32_t)align;
    if (status == PRUNE_OK) status = prune_evaluation_create(&s->evaluation, r->ctx, &options);
    if (status == PRUNE_OK)
        status = prune_evaluation_run_model(s->evaluation, r->shown, s->model, NULL);
    return status;
}

static prune_status measure_numbers(engine *e, stage *s)
{
    prune_save_options plain = e->recipe->save;
    plain.container = 2;
    plain.storage = 1;
    prune_status status = prune_judge_score(e->r.judge, s->model, &s->score);
    if (status == PRUNE_OK) status = evaluate(e, s);
    if (status == PRUNE_OK) status = snapshot_size(e, s->model, &plain, &s->file_bytes, NULL);
    return status;
}

/* The line that says: this stage is finished. */
static prune_status note_stage(engine *e, const stage *s)
{
    char *written = NULL;
    json_t *line = json_pack(
        "{s:s, s:i, s:s, s:f, s:o, s:I, s:I}", "event", "stage", "stage", e->index, "name", s->name,
        "seconds", s->seconds, "score", isfinite(s->score) ? json_real(s->score) : json_null(),
        "file_bytes", (json_int_t)s->file_bytes, "packed_bytes", (json_int_t)s->packed_bytes);
    prune_status status = s->evaluation ? prune_evaluation_json(s->evaluation, &written) : PRUNE_OK;
    if (line && written)
        (void)json_object_set_new(line, "evaluation", json_loads(written, 0, NULL));
    prune_text_free(written);
    if (status == PRUNE_OK) return run_directory_note(&e->directory, line);
    json_decref(line);
    return status;
}

static prune_status recall_numbers(engine *e, stage *s, const json_t *line)
{
    const json_t *score = json_object_get(line, "score");
    const json_t *evaluation = json_object_get(line, "evaluation");
    prune_status status = PRUNE_OK;
    s->seconds = json_number_value(json_object_get(line, "seconds"));
    s->score = json_is_number(score) ? json_number_value(score) : (double)NAN;
    s->file_bytes = (uint64_t)json_integer_value(json_object_get(line, "file_bytes"));
    s->packed_bytes = (uint64_t)json_integer_value(json_object_get(line, "packed_bytes"));
    if (evaluation) {
        char *written = prune_json_text(evaluation, JSON_COMPACT, prune_json_failures());
        status = written ? prune_evaluation_from_json(&s->evaluation, e->ctx, written)
                         : prune_error_set(PRUNE_E_MEMORY, "out of memory");
        free(written);
    }
    return status;
}

/* --- stages -----------------------------------------------------------------------------------*/

/* Numbers from the log, or measured and logged. */
static prune_status number_stage(engine *e, stage *s, double began)
{
    const json_t *line = run_directory_find(&e->directory, "stage", e->index, -1);
    prune_status status = prune_model_describe(s->model, 0, 0, &s->info);
    if (status == PRUNE_OK && line) return recall_numbers(e, s, line);
    if (status == PRUNE_OK) status = measure_numbers(e, s);
    s->seconds += run_now() - began;
    return status == PRUNE_OK ? note_stage(e, s) : status;
}

/* Does the stage's work on a copy of what the last one left, and puts the result into the log. */
static prune_status make_state(engine *e, stage *s, const recipe_stage *asked, prune_model **state)
{
    char file[ENGINE_NAME_MAX], digest[65];
    prune_model *model = NULL;
    json_t *detail = NULL;
    const double began = run_now();
    prune_log_write(e->ctx, PRUNE_LOG_INFO, "stage %d of %zu: %s", (int)e->index, e->recipe->count,
                    s->name);
    engine_file(e, s, ".safetensors", file);
    prune_status status = prune_model_clone(&model, e->state);
    if (status == PRUNE_OK) status = engine_work(e, s, asked, model, &detail);
    if (status == PRUNE_OK) status = snapshot_save(e, model, file, digest);
    prune_model_free(model);
    if (status == PRUNE_OK)
        status = run_directory_note(
            &e->directory, json_pack("{s:s, s:i, s:s, s:s, s:s, s:f, s:O}", "event", "model",
                                     "stage", e->index, "name", s->name, "file", file, "sha256",
                                     digest, "seconds", run_now() - began, "detail", detail));
    json_decref(detail);
    if (status == PRUNE_OK) status = snapshot_load(e, file, digest, state);
    return status;
}

/* What the log knows of the stage's work; *state stays NULL when it knows nothing. */
static prune_status recall_state(engine *e, const stage *s, prune_model **state)
{
    const json_t *line = run_directory_find(&e->directory, "model", e->index, -1);
    const char *file = json_string_value(json_object_get(line, "file"));
    const char *digest = json_string_value(json_object_get(line, "sha256"));
    if (!line) return PRUNE_OK;
    if (!file || !digest)
        return prune_error_set(PRUNE_E_FORMAT, "%s/run.jsonl: stage %d names no file",
                               e->directory.path, (int)e->index);
    prune_log_write(e->ctx, PRUNE_LOG_INFO, "stage %d of %zu: %s, finished earlier", (int)e->index,
                    e->recipe->count, s->name);
    return snapshot_load(e, file, digest, state);
}

static prune_status run_stage(engine *e, stage_kind kind, const recipe_stage *asked)
{
    stage *s;
    prune_model *state = NULL;
    char prefix[ENGINE_NAME_MAX], kept[ENGINE_NAME_MAX];
    prune_status status = record_add(&e->r, kind, &s);
    if (status == PRUNE_OK) status = recall_state(e, s, &state);
    if (status == PRUNE_OK && !state) status = make_state(e, s, asked, &state);
    if (status != PRUNE_OK) return status;
    const json_t *line = run_directory_find(&e->directory, "model", e->index, -1);
    s->detail = json_deep_copy(json_object_get(line, "detail"));
    s->seconds = json_number_value(json_object_get(line, "seconds"));
    /* Rounds and training states have served. */
    engine_file(e, s, ".", prefix);
    engine_file(e, s, ".safetensors", kept);
    run_directory_sweep(&e->directory, prefix + strlen("stages/"), kept + strlen("stages/"));
    prune_model_free(e->state);
    e->state = state;
    const double began = run_now();
    const bool numbered = run_directory_find(&e->directory, "stage", e->index, -1) != NULL;
    status = snapshot_ship(e, state, numbered ? NULL : &s->packed_bytes, &s->model);
    return status == PRUNE_OK ? number_stage(e, s, began) : status;
}

static bool asks_for_nothing(const engine *e, size_t index, const recipe_stage *asked)
{
    const prune_trim_options *t = &asked->trim;
    return asked->kind == RECIPE_TRIM && t->macs <= 0 && t->params <= 0 && t->bytes <= 0 &&
           !t->max_drop && asked->cut.heads <= 0 && asked->cut.neurons <= 0 &&
           !goals_drive(e->recipe, index);
}

static prune_status run_stages(engine *e)
{
    static const stage_kind kinds[RECIPE_KINDS] = {STAGE_TRIM, STAGE_TUNE, STAGE_QUANTIZE};
    prune_status status = PRUNE_OK;
    for (size_t i = 0; status == PRUNE_OK && i < e->recipe->count; i++) {
        recipe_stage asked;
        e->index = (int32_t)i + 1;
        status = recipe_stage_effective(e->recipe, i, &asked);
        if (status == PRUNE_OK && asks_for_nothing(e, i, &asked))
            prune_log_write(e->ctx, PRUNE_LOG_INFO,
                            "stage %d of %zu: nothing is trimmed: no macs, params, bytes or "
                            "max-drop",
                            (int)e->index, e->recipe->count);
        else if (status == PRUNE_OK)
            status = run_stage(e, kinds[asked.kind], &asked);
    }
    return status;
}

/* --- begin ------------------------------------------------------------------------------------*/

prune_status engine_write_recipe(const run_directory *directory, const prune_recipe *recipe)
{
    char *yaml = NULL;
    if (prune_recipe_text(recipe, &yaml) != PRUNE_OK) {
        prune_log_write(directory->ctx, PRUNE_LOG_WARNING, "no recipe.yaml is written: %s",
                        prune_last_error());
        return PRUNE_OK;
    }
    char *path = run_directory_path(directory, "recipe.yaml");
    prune_status status =
        path ? prune_file_write(directory->ctx, path, yaml, strlen(yaml)) : PRUNE_E_MEMORY;
    prune_memory_free(directory->ctx, path);
    prune_text_free(yaml);
    return status;
}

static prune_status begin_log(engine *e, const char *model_digest)
{
    json_t *now = NULL;
    prune_status status = identity_make(e, model_digest, &now);
    const json_t *line = run_directory_find(&e->directory, "begin", -1, -1);
    if (status != PRUNE_OK) return status;
    if (line) {
        status = identity_compare(e, json_object_get(line, "run"), now);
        if (status == PRUNE_OK)
            status = run_directory_note(&e->directory, json_pack("{s:s, s:I}", "event", "resume",
                                                                 "process", (json_int_t)getpid()));
    } else if (e->directory.present > 0) {
        status = prune_error_set(PRUNE_E_FORMAT,
                                 "%s/run.jsonl: it does not begin as a run's log does; begin again "
                                 "in another folder",
                                 e->directory.path);
    } else {
        status = engine_write_recipe(&e->directory, e->recipe);
        if (status == PRUNE_OK)
            status = run_directory_note(&e->directory, json_pack("{s:s, s:i, s:I, s:O}", "event",
                                                                 "begin", "format", 1, "process",
                                                                 (json_int_t)getpid(), "run", now));
    }
    json_decref(now);
    return status;
}

static prune_status run_before(engine *e, const prune_model *original)
{
    const prune_compress_options *o = &e->loop;
    prune_save_options plain = e->recipe->save, packed = e->recipe->save;
    char digest[65];
    stage *before;
    const double began = run_now();
    prune_status status = record_add(&e->r, STAGE_BEFORE, &before);
    if (status == PRUNE_OK) status = prune_model_clone(&before->model, original);
    if (status == PRUNE_OK) status = prune_model_clone(&e->state, original);
    plain.container = 2;
    plain.storage = 1;
    if (status == PRUNE_OK)
        status = snapshot_size(e, original, &plain, &before->file_bytes, digest);
    if (status == PRUNE_OK) status = begin_log(e, digest);
    if (status == PRUNE_OK)
        status = prune_judge_create(&e->r.judge, e->ctx, original, o->images, o->validation,
                                    o->protocol, o->metric, o->align);
    if (status != PRUNE_OK) return status;
    prune_log_write(e->ctx, PRUNE_LOG_INFO, "judge: %s", prune_judge_describe(e->r.judge));
    packed.container = 1;
    if (!run_directory_find(&e->directory, "stage", 0, -1))
        status = snapshot_size(e, original, &packed, &before->packed_bytes, NULL);
    return status == PRUNE_OK ? number_stage(e, before, began) : status;
}

/* --- end --------------------------------------------------------------------------------------*/

static prune_status measure_stages(record *r)
{
    const size_t count = (size_t)r->count;
    const prune_model **models = prune_memory_new(r->ctx, count, sizeof(prune_model *));
    prune_latency *latencies = prune_memory_zero(r->ctx, count, sizeof *latencies);
    json_t **json = prune_memory_zero(r->ctx, count, sizeof(json_t *));
    prune_status status = models && latencies && json ? PRUNE_OK : PRUNE_E_MEMORY;
    for (int32_t s = 0; status == PRUNE_OK && s < r->count; s++) models[s] = r->stages[s]->model;
    prune_log_write(r->ctx, PRUNE_LOG_INFO, "measuring latency and energy, models in turns");
    if (status == PRUNE_OK)
        status =
            measured_take(r->ctx, models, r->count, r->options->bench_seconds, latencies, json);
    for (int32_t s = 0; status == PRUNE_OK && s < r->count; s++) {
        r->stages[s]->latency = latencies[s];
        r->stages[s]->measured = json[s];
    }
    prune_memory_free(r->ctx, (void *)models);
    prune_memory_free(r->ctx, latencies);
    prune_memory_free(r->ctx, (void *)json);
    return status;
}

static prune_status save_result(engine *e)
{
    prune_save_options save = e->recipe->save;
    save.container = 1;
    char *path = run_directory_path(&e->directory, "model.safetensors.zst");
    prune_status status = path ? prune_model_save(e->state, path, &save) : PRUNE_E_MEMORY;
    prune_memory_free(e->ctx, path);
    return status;
}

/* What is seen by looking at models and frames once more: structure, analysis, pictures. */
static prune_status complete_report(const record *r, json_t *report)
{
    const stage *first = record_first(r), *last = record_last(r);
    prune_evaluation_options judging;
    report_source before = {.model = first->model}, after = {.model = last->model};
    const report_subject subject = {.ctx = r->ctx,
                                    .output = r->options->output,
                                    .samples = r->shown,
                                    .before = &before,
                                    .after = &after,
                                    .judged_before = first->evaluation,
                                    .judged_after = last->evaluation,
                                    .options = &judging,
                                    .metric = r->options->metric,
                                    .pictures = r->options->pictures,
                                    .analysed = 100};
    prune_align align;
    prune_evaluation_options_init(&judging);
    judging.protocol = r->options->protocol;
    prune_status status = prune_align_parse(&align, r->options->align);
    judging.align = (int32_t)align;
    if (status == PRUNE_OK) status = report_describe(report, first->model, last->model);
    if (status == PRUNE_OK) status = report_look(&subject, report);
    report_source_close(&before);
    report_source_close(&after);
    return status;
}

/* The recipe, and what exactly went in. */
static prune_status add_origin(const engine *e, json_t *report)
{
    const json_t *begin = run_directory_find(&e->directory, "begin", -1, -1);
    const char *digest = json_string_value(json_object_get(json_object_get(begin, "run"), "model"));
    return recipe_origin(e->recipe, digest ? digest : "", e->loop.images, e->loop.validation,
                         e->loop.test, report);
}

static prune_status finish(engine *e, prune_model *model, json_t **report)
{
    prune_status status = save_result(e);
    if (status == PRUNE_OK) status = measure_stages(&e->r);
    if (status == PRUNE_OK) status = goals_judge(e);
    json_t *json = status == PRUNE_OK ? record_json(&e->r) : NULL;
    if (status == PRUNE_OK && !json) status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    if (status == PRUNE_OK) status = complete_report(&e->r, json);
    if (status == PRUNE_OK) status = add_origin(e, json);
    if (status == PRUNE_OK) status = report_write(e->ctx, e->directory.path, json);
    if (status == PRUNE_OK && model) status = prune_model_assign(model, record_last(&e->r)->model);
    if (status == PRUNE_OK)
        status = run_directory_note(&e->directory, json_pack("{s:s}", "event", "finished"));
    if (status == PRUNE_OK)
        *report = json;
    else
        json_decref(json);
    return status;
}

/* --- the whole --------------------------------------------------------------------------------*/

/* Says where it happened and what is left of the work. */
static prune_status explain(engine *e, prune_status status)
{
    char reason[900], kept[200] = "nothing was finished yet";
    const int32_t count = e->r.count;
    int32_t finished = 0;
    while (finished < count && run_directory_find(&e->directory, "stage", finished, -1)) finished++;
    (void)snprintf(reason, sizeof reason, "%s", prune_last_error());
    const bool full = strstr(reason, strerror(ENOSPC)) != NULL;
    if (!run_directory_find(&e->directory, "begin", -1, -1)) return status;
    if (finished > 0)
        (void)snprintf(kept, sizeof kept, "what was finished before (%d of %zu stages) is kept",
                       (int)finished - 1, e->recipe->count);
    (void)run_directory_note(&e->directory, json_pack("{s:s, s:i, s:s}", "event", "failed", "stage",
                                                      e->index, "message", reason));
    return prune_error_set(
        status, "stage %d of %zu '%s': %s; %s in %s; %srun it again with --resume to go on",
        (int)e->index, e->recipe->count, count > 0 ? record_last(&e->r)->name : "before", reason,
        kept, e->directory.path, full ? "make room on the disk and " : "");
}

prune_status engine_run(prune_context *ctx, const prune_recipe *recipe,
                        const prune_compress_options *loop, const prune_model *original,
                        bool resume, prune_model *model, json_t **report)
{
    engine e = {.ctx = ctx, .recipe = recipe, .loop = *loop};
    e.r = (record){.ctx = ctx, .options = &e.loop, .more = json_object()};
    e.r.shown = loop->test ? loop->test : loop->validation;
    e.r.shown_role = loop->test ? "test" : "validation";
    e.loop.save_options = &recipe->save;
    prune_status status = run_directory_open(&e.directory, ctx, loop->output, resume);
    if (status == PRUNE_OK) {
        status = run_before(&e, original);
        if (status == PRUNE_OK) status = run_stages(&e);
        if (status == PRUNE_OK) status = finish(&e, model, report);
        if (status != PRUNE_OK) status = explain(&e, status);
    }
    prune_model_free(e.state);
    record_close(&e.r);
    run_directory_close(&e.directory);
    return status;
}
