/* What the stages of a recipe do. Whatever takes long leaves its state in the run directory, and
 * whatever a clock decides is written down before it counts. */
#include "pipelines/run/goals.h"
#include "pipelines/run/run.h"
#include "pipelines/run/trim.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static int32_t member(const json_t *object, const char *key)
{
    return (int32_t)json_integer_value(json_object_get(object, key));
}

/* --- tuning -----------------------------------------------------------------------------------*/

/* Minutes become steps, once: the decision is logged, and a resumed run keeps to it. */
static prune_status decide_steps(engine *e, int32_t round, const prune_model *model,
                                 const prune_model *teacher, prune_samples *images,
                                 prune_tune_options *options)
{
    if (options->minutes <= 0) return PRUNE_OK;
    const json_t *line = run_directory_find(&e->directory, "decision", e->index, round);
    if (line) {
        options->steps = member(line, "steps");
        options->judge_every = member(line, "judge_every");
        options->minutes = 0;
        return PRUNE_OK;
    }
    const double minutes = options->minutes;
    prune_status status = prune_tune_fit(model, teacher, images, options);
    if (status == PRUNE_OK)
        status = run_directory_note(
            &e->directory, json_pack("{s:s, s:i, s:i, s:f, s:i, s:i}", "event", "decision", "stage",
                                     e->index, "round", round, "minutes", minutes, "steps",
                                     options->steps, "judge_every", options->judge_every));
    return status;
}

/* Tunes with a snapshot in the run directory. */
static prune_status tune(engine *e, const stage *s, int32_t round, prune_model *model,
                         const prune_model *teacher, prune_samples *images,
                         const prune_tune_options *given)
{
    prune_tune_options options = *given;
    char suffix[32], name[ENGINE_NAME_MAX];
    (void)snprintf(suffix, sizeof suffix, ".round-%d.tune", (int)round);
    engine_file(e, s, suffix, name);
    prune_status status = decide_steps(e, round, model, teacher, images, &options);
    if (status != PRUNE_OK) return status;
    char *path = run_directory_path(&e->directory, name);
    options.snapshot = path;
    options.resume = true;
    status = path ? prune_model_tune(model, teacher, images, &options) : PRUNE_E_MEMORY;
    prune_memory_free(e->ctx, path);
    /* An interrupted tuning ends early without failing; such a stage is not finished. */
    return status == PRUNE_OK ? prune_cancel_check(e->ctx) : status;
}

static prune_status tune_stage(engine *e, const stage *s, const recipe_stage *asked,
                               prune_model *model, json_t **detail)
{
    prune_tune_options options = asked->tune;
    prune_tune_report t = {.struct_size = (uint32_t)sizeof t};
    options.judge = prune_judge_samples(e->r.judge);
    options.metric = prune_judge_metric(e->r.judge);
    options.report = &t;
    prune_status status =
        tune(e, s, 0, model, record_first(&e->r)->model, prune_judge_images(e->r.judge), &options);
    if (status != PRUNE_OK) return status;
    *detail =
        json_pack("{s:{s:I, s:o, s:o, s:s?, s:o, s:o, s:b}}", "tune", "steps", (json_int_t)t.steps,
                  "loss_first", number(t.loss_first), "loss_last", number(t.loss_last), "judged_by",
                  t.judged_by, "score_before", number(t.score_before), "score_after",
                  number(t.score_after), "improved", t.improved);
    return PRUNE_OK;
}

/* --- trimming ---------------------------------------------------------------------------------*/

typedef struct rounds {
    engine *e;
    const stage *s;
} rounds;

static prune_status recall_round(void *user, int32_t round, json_t **entry, prune_model *candidate)
{
    const rounds *k = user;
    engine *e = k->e;
    const json_t *line = run_directory_find(&e->directory, "round", e->index, round);
    const json_t *known = json_object_get(line, "entry");
    const char *file = json_string_value(json_object_get(line, "file"));
    const char *digest = json_string_value(json_object_get(line, "sha256"));
    prune_model *loaded = NULL;
    prune_status status = PRUNE_OK;
    if (!known) return PRUNE_OK;
    if (file && digest) status = snapshot_load(e, file, digest, &loaded);
    if (status == PRUNE_OK && loaded) status = prune_model_assign(candidate, loaded);
    prune_model_free(loaded);
    if (status == PRUNE_OK) *entry = json_deep_copy(known);
    return status;
}

static prune_status keep_round(void *user, int32_t round, const json_t *entry,
                               prune_model *candidate)
{
    const rounds *k = user;
    engine *e = k->e;
    char suffix[40], file[ENGINE_NAME_MAX], digest[65];
    prune_model *loaded = NULL;
    json_t *line = json_pack("{s:s, s:i, s:i, s:o}", "event", "round", "stage", e->index, "round",
                             round, "entry", json_deep_copy(entry));
    prune_status status = PRUNE_OK;
    if (json_is_true(json_object_get(entry, "kept"))) {
        (void)snprintf(suffix, sizeof suffix, ".round-%d.safetensors", (int)round);
        engine_file(e, k->s, suffix, file);
        status = snapshot_save(e, candidate, file, digest);
        if (status == PRUNE_OK) status = snapshot_load(e, file, digest, &loaded);
        if (status == PRUNE_OK) status = prune_model_assign(candidate, loaded);
        prune_model_free(loaded);
        (void)json_object_set_new(line, "file", json_string(file));
        (void)json_object_set_new(line, "sha256", json_string(digest));
    }
    if (status == PRUNE_OK) return run_directory_note(&e->directory, line);
    json_decref(line);
    return status;
}

static prune_status tune_round(void *user, int32_t round, prune_model *candidate,
                               const prune_model *teacher, prune_samples *images,
                               const prune_tune_options *options)
{
    const rounds *k = user;
    return tune(k->e, k->s, round, candidate, teacher, images, options);
}

static prune_status look_ahead(void *user, int32_t round, const prune_model *model, double *left)
{
    const rounds *k = user;
    return goals_ahead(k->e, round, model, left);
}

static prune_status trim_stage(engine *e, const stage *s, const recipe_stage *asked,
                               prune_model *model, json_t **detail)
{
    rounds kept = {e, s};
    trim_keeper keeper = {
        .user = &kept, .recall = recall_round, .keep = keep_round, .tune = tune_round};
    prune_tune_options between = asked->tune;
    if (goals_drive(e->recipe, (size_t)e->index - 1)) keeper.ahead = look_ahead;
    /* A stage's minutes are for all of its rounds. */
    between.minutes /= (double)asked->trim.rounds;
    between.judge = NULL;
    between.metric = NULL;
    return run_trim(e->ctx, model, record_first(&e->r)->model, prune_judge_images(e->r.judge),
                    e->r.judge, &asked->trim, &asked->cut, &between, &keeper, detail);
}

/* --- quantizing -------------------------------------------------------------------------------*/

static prune_status quantize_stage(engine *e, const recipe_stage *asked, prune_model *model,
                                   json_t **detail)
{
    prune_quant_options options = asked->quant;
    char *text = NULL;
    options.judge = prune_judge_samples(e->r.judge);
    options.metric = prune_judge_metric(e->r.judge);
    prune_status status = prune_model_quantize(model, prune_judge_images(e->r.judge), &options);
    if (status == PRUNE_OK) status = prune_quant_report(model, &text);
    if (status == PRUNE_OK) *detail = json_pack("{s:o}", "quantize", json_loads(text, 0, NULL));
    prune_text_free(text);
    return status;
}

prune_status engine_work(engine *e, stage *s, const recipe_stage *asked, prune_model *model,
                         json_t **detail)
{
    prune_status status = PRUNE_OK;
    switch (asked->kind) {
    case RECIPE_TRIM:
        status = trim_stage(e, s, asked, model, detail);
        break;
    case RECIPE_TUNE:
        status = tune_stage(e, s, asked, model, detail);
        break;
    default:
        status = quantize_stage(e, asked, model, detail);
        break;
    }
    if (status == PRUNE_OK && !*detail)
        status = prune_error_set(PRUNE_E_MEMORY, "out of memory for the stage's report");
    return status;
}
