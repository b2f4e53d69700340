#include "pipelines/run/sweep.h"

#include "pipelines/report/report.h"

#include <ctype.h>
#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the choice -------------------------------------------------------------------------------*/

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* Whether a point is nowhere worse than another and somewhere better. Only what is the same in
 * every run counts: MACs, packed bytes, score; not the clock. */
static bool dominates(const json_t *a, const json_t *b, bool higher)
{
    const double sign = higher ? -1 : 1;
    const double x[3] = {number(a, "macs"), number(a, "packed_bytes"), sign * number(a, "score")};
    const double y[3] = {number(b, "macs"), number(b, "packed_bytes"), sign * number(b, "score")};
    bool better = false;
    for (int i = 0; i < 3; i++) {
        if (!(x[i] <= y[i])) return false;
        better = better || x[i] < y[i];
    }
    return better;
}

/* Fewest MACs, then fewest packed bytes. */
static bool smaller(const json_t *a, const json_t *b)
{
    const double x = number(a, "macs"), y = number(b, "macs");
    return x != y ? x < y : number(a, "packed_bytes") < number(b, "packed_bytes");
}

static bool more_accurate(const json_t *a, const json_t *b, bool higher)
{
    const double x = number(a, "score"), y = number(b, "score");
    if (isnan(y)) return !isnan(x);
    return higher ? x > y : x < y;
}

const char *sweep_choose(json_t *points, bool higher, bool goals)
{
    const size_t count = json_array_size(points);
    size_t chosen = count;
    for (size_t i = 0; i < count; i++) {
        json_t *point = json_array_get(points, i);
        bool pareto = true;
        for (size_t k = 0; k < count; k++)
            if (dominates(json_array_get(points, k), point, higher)) pareto = false;
        (void)json_object_set_new(point, "pareto", json_boolean(pareto));
        (void)json_object_set_new(point, "chosen", json_false());
        if (!goals || !json_is_true(json_object_get(point, "goals_met"))) continue;
        if (chosen == count || smaller(point, json_array_get(points, chosen))) chosen = i;
    }
    const bool met = chosen < count;
    for (size_t i = 0; !met && i < count; i++)
        if (chosen == count ||
            more_accurate(json_array_get(points, i), json_array_get(points, chosen), higher))
            chosen = i;
    if (chosen < count)
        (void)json_object_set_new(json_array_get(points, chosen), "chosen", json_true());
    if (!goals) return "no goal is set: the best score of the judge";
    return met ? "the fewest MACs among the points that meet every goal"
               : "no point meets every goal: the best score of the judge";
}

/* --- the points -------------------------------------------------------------------------------*/

static void point_folder(const char *value, char name[80])
{
    (void)snprintf(name, 80, "sweep-%.64s", value);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".-_", *c)) *c = '_';
}

static bool all_met(const json_t *goals)
{
    const json_t *goal;
    size_t i;
    json_array_foreach(goals, i,
                       goal) if (!json_is_true(json_object_get(goal, "met"))) return false;
    return json_array_size(goals) > 0;
}

/* A point's row, from the report of its run. */
static json_t *describe_point(const char *value, const char *folder, const json_t *report)
{
    const json_t *stages = json_object_get(report, "stages");
    const json_t *last = json_array_get(stages, json_array_size(stages) - 1);
    const char *metric =
        json_string_value(json_object_get(json_object_get(report, "accuracy_on"), "metric"));
    const json_t *cell = metric ? json_object_get(json_object_get(last, "accuracy"), metric) : NULL;
    json_t *point = json_pack("{s:s, s:s, s:b}", "value", value, "folder", folder, "goals_met",
                              all_met(json_object_get(report, "goals")));
    static const char *const keys[][2] = {{"stage", "name"},
                                          {"macs", "macs"},
                                          {"parameters", "parameters"},
                                          {"packed_bytes", "packed_bytes"},
                                          {"score", "judge_score"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        (void)json_object_set(point, keys[i][0], json_object_get(last, keys[i][1]));
    (void)json_object_set(point, "latency_ms",
                          json_object_get(json_object_get(last, "latency_ms"), "median"));
    (void)json_object_set(point, "energy_mj",
                          json_object_get(json_object_get(last, "energy_mj"), "value"));
    (void)json_object_set(point, "accuracy", json_object_get(cell, "mean"));
    return point;
}

typedef struct sweep {
    prune_context *ctx;
    const prune_recipe *recipe;
    const prune_compress_options *loop;
    const prune_model *original;
    run_directory directory;
    json_t *points;
    bool higher; /* scores */
} sweep;

/* Runs a point, or goes on with it, or only looks at what it left: whatever the log says. What it
 * measured is logged, so that the choice is the same after an interruption. */
static prune_status run_point(sweep *s, int32_t index)
{
    const char *value = s->recipe->sweep.values[index];
    const json_t *line = run_directory_find(&s->directory, "point", index, -1);
    prune_compress_options loop = *s->loop;
    prune_recipe *recipe = NULL;
    json_t *report = NULL;
    char name[80];
    if (line) {
        s->higher = json_is_true(json_object_get(line, "higher_is_better"));
        (void)json_array_append_new(s->points, json_deep_copy(json_object_get(line, "point")));
        return PRUNE_OK;
    }
    point_folder(value, name);
    char *folder = run_directory_path(&s->directory, name);
    loop.output = folder;
    prune_log_write(s->ctx, PRUNE_LOG_INFO, "sweep: %s %s (%d of %zu)", s->recipe->sweep.key, value,
                    (int)index + 1, s->recipe->sweep.count);
    prune_status status = folder ? recipe_at(&recipe, s->recipe, (size_t)index) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK)
        status = engine_run(s->ctx, recipe, &loop, s->original, true, NULL, &report);
    if (status == PRUNE_OK) {
        json_t *point = describe_point(value, name, report);
        s->higher = json_is_true(json_object_get(report, "judge_higher_is_better"));
        (void)json_array_append(s->points, point);
        status = run_directory_note(
            &s->directory, json_pack("{s:s, s:i, s:b, s:o}", "event", "point", "stage", index,
                                     "higher_is_better", s->higher, "point", point));
    }
    json_decref(report);
    prune_recipe_free(recipe);
    prune_memory_free(s->ctx, folder);
    return status;
}

/* --- the chosen one ---------------------------------------------------------------------------*/

static prune_status copy_file(sweep *s, const char *from, const char *name)
{
    char relative[700];
    char *data = NULL;
    size_t size = 0;
    (void)snprintf(relative, sizeof relative, "%s/%s", from, name);
    char *source = run_directory_path(&s->directory, relative);
    char *target = run_directory_path(&s->directory, name);
    FILE *file = source ? fopen(source, "rb") : NULL;
    prune_status status = source && target ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK && (!file || fseek(file, 0, SEEK_END) != 0))
        status = prune_error_set(PRUNE_E_IO, "%s: cannot be read", source);
    const long length = status == PRUNE_OK ? ftell(file) : -1;
    if (length >= 0) {
        size = (size_t)length;
        rewind(file);
        data = prune_memory_new(s->ctx, size + 1, 1);
        if (!data) status = PRUNE_E_MEMORY;
        if (data && fread(data, 1, size, file) != size)
            status = prune_error_set(PRUNE_E_IO, "%s: cannot be read", source);
    }
    if (status == PRUNE_OK) status = prune_file_write(s->ctx, target, data, size);
    if (file) (void)fclose(file);
    prune_memory_free(s->ctx, data);
    prune_memory_free(s->ctx, source);
    prune_memory_free(s->ctx, target);
    return status;
}

static prune_status copy_pictures(sweep *s, const char *from)
{
    char relative[200], name[600];
    prune_file_list list;
    (void)snprintf(relative, sizeof relative, "%s/pictures", from);
    char *source = run_directory_path(&s->directory, relative);
    char *target = run_directory_path(&s->directory, "pictures");
    prune_status status = source && target ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK && prune_path_is_folder(source)) {
        status = prune_folder_create(target);
        if (status == PRUNE_OK) status = prune_folder_list(&list, s->ctx, source);
        if (status == PRUNE_OK) {
            for (size_t i = 0; status == PRUNE_OK && i < list.count; i++) {
                (void)snprintf(name, sizeof name, "pictures/%s", list.names[i]);
                status = copy_file(s, from, name);
            }
            prune_file_list_free(s->ctx, &list);
        }
    }
    prune_memory_free(s->ctx, source);
    prune_memory_free(s->ctx, target);
    return status;
}

static const json_t *chosen_point(const json_t *points)
{
    const json_t *point;
    size_t i;
    json_array_foreach(points, i,
                       point) if (json_is_true(json_object_get(point, "chosen"))) return point;
    return NULL;
}

static bool has_goals(const prune_recipe *recipe)
{
    const prune_goal_options *g = &recipe->goals;
    return g->macs > 0 || g->params > 0 || g->bytes > 0 || g->max_drop || g->packed_bytes ||
           g->latency_ms > 0 || g->energy_mj > 0;
}

static prune_status take_chosen(sweep *s, prune_model *model, json_t **out)
{
    const char *rule = sweep_choose(s->points, s->higher, has_goals(s->recipe));
    const json_t *point = chosen_point(s->points);
    const char *from = json_string_value(json_object_get(point, "folder"));
    json_t *report = NULL;
    prune_model *loaded = NULL;
    if (!from) return prune_error_set(PRUNE_E_INTERNAL, "sweep: no point was chosen");
    char *folder = run_directory_path(&s->directory, from);
    prune_status status = folder ? report_read(&report, s->ctx, folder) : PRUNE_E_MEMORY;
    prune_memory_free(s->ctx, folder);
    if (status == PRUNE_OK) status = copy_file(s, from, "model.safetensors.zst");
    if (status == PRUNE_OK) status = copy_pictures(s, from);
    if (status == PRUNE_OK) {
        (void)json_object_set_new(report, "sweep",
                                  json_pack("{s:s, s:s, s:O}", "key", s->recipe->sweep.key, "rule",
                                            rule, "points", s->points));
        status = report_write(s->ctx, s->directory.path, report);
    }
    if (status == PRUNE_OK && model) {
        char *path = run_directory_path(&s->directory, "model.safetensors.zst");
        status = path ? prune_model_load(&loaded, s->ctx, path, NULL) : PRUNE_E_MEMORY;
        if (status == PRUNE_OK) status = prune_model_assign(model, loaded);
        prune_model_free(loaded);
        prune_memory_free(s->ctx, path);
    }
    if (status == PRUNE_OK)
        status = run_directory_note(&s->directory,
                                    json_pack("{s:s, s:s}", "event", "finished", "chosen", from));
    if (status == PRUNE_OK)
        *out = report;
    else
        json_decref(report);
    return status;
}

/* --- the whole --------------------------------------------------------------------------------*/

/* The whole of what the points have in common, and the values: a point that is finished is not
 * looked at again, so that this is where another recipe is noticed. */
static prune_status identify(sweep *s, engine *e, json_t **out)
{
    prune_save_options plain = s->recipe->save;
    uint64_t bytes;
    char digest[65];
    json_t *values = json_object();
    plain.container = 2;
    plain.storage = 1;
    for (size_t i = 0; i < s->recipe->sweep.count; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, "value %zu", i + 1);
        (void)json_object_set_new(values, number, json_string(s->recipe->sweep.values[i]));
    }
    prune_status status = snapshot_size(e, s->original, &plain, &bytes, digest);
    if (status == PRUNE_OK) status = identity_make(e, digest, out);
    if (status == PRUNE_OK) {
        (void)json_object_set_new(*out, "sweep", json_string(s->recipe->sweep.key));
        (void)json_object_set(*out, "values", values);
    }
    json_decref(values);
    return status;
}

static prune_status begin(sweep *s)
{
    engine e = {.ctx = s->ctx, .recipe = s->recipe, .loop = *s->loop, .directory = s->directory};
    const json_t *line = run_directory_find(&s->directory, "begin", -1, -1);
    json_t *now = NULL;
    if (!line && s->directory.present > 0)
        return prune_error_set(PRUNE_E_FORMAT, "%s/run.jsonl: it does not begin as a run's log",
                               s->directory.path);
    prune_status status = identify(s, &e, &now);
    if (status == PRUNE_OK && line)
        status = identity_compare(&e, json_object_get(line, "run"), now);
    if (status == PRUNE_OK && !line) status = engine_write_recipe(&s->directory, s->recipe);
    if (status == PRUNE_OK && !line)
        status = run_directory_note(
            &s->directory, json_pack("{s:s, s:i, s:O}", "event", "begin", "format", 1, "run", now));
    json_decref(now);
    return status;
}

prune_status sweep_run(prune_context *ctx, const prune_recipe *recipe,
                       const prune_compress_options *loop, const prune_model *original, bool resume,
                       prune_model *model, json_t **report)
{
    sweep s = {
        .ctx = ctx, .recipe = recipe, .loop = loop, .original = original, .points = json_array()};
    prune_status status = run_directory_open(&s.directory, ctx, loop->output, resume);
    if (status == PRUNE_OK) status = begin(&s);
    for (size_t i = 0; status == PRUNE_OK && i < recipe->sweep.count; i++)
        status = run_point(&s, (int32_t)i);
    if (status == PRUNE_OK) status = take_chosen(&s, model, report);
    run_directory_close(&s.directory);
    json_decref(s.points);
    return status;
}
