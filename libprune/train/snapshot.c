/* Snapshots: weights, moments, averages, the best model so far and the counters. The feed's order
 * and views follow from seed and step, so there is no other state. */
#include "libprune/formats/safetensors.h"
#include "libprune/train/tuner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 512 };

static const char *entry_name(char *buffer, const char *kind, const char *param)
{
    (void)snprintf(buffer, NAME_MAX_BYTES, "%s/%s", kind, param);
    return buffer;
}

/* --- writing ---------------------------------------------------------------------------------*/

static prune_status add_tensors(pr_table *table, const pr_tuner *tuner)
{
    char name[NAME_MAX_BYTES];
    for (int32_t p = 0; p < tuner->model->n_params; p++) {
        const pr_param *param = &tuner->model->params[p];
        if (!param->trainable) continue;
        PR_TRY(pr_table_add(table, entry_name(name, "weight", param->name),
                            pr_tensor_share(&param->tensor)));
        PR_TRY(pr_table_add(table, entry_name(name, "first", param->name),
                            pr_tensor_share(&tuner->adamw.first[p])));
        PR_TRY(pr_table_add(table, entry_name(name, "second", param->name),
                            pr_tensor_share(&tuner->adamw.second[p])));
        if (tuner->adamw.average)
            PR_TRY(pr_table_add(table, entry_name(name, "average", param->name),
                                pr_tensor_share(&tuner->adamw.average[p])));
        if (tuner->best)
            PR_TRY(pr_table_add(table, entry_name(name, "best", param->name),
                                pr_tensor_share(&tuner->best->params[p].tensor)));
    }
    return PRUNE_OK;
}

/* %a writes every bit of a double. */
static prune_status note_number(pr_table *table, const char *key, double value)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%a", value);
    return pr_table_note(table, key, text);
}

static prune_status note_integer(pr_table *table, const char *key, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return pr_table_note(table, key, text);
}

static prune_status add_notes(pr_table *table, const pr_tuner *tuner)
{
    PR_TRY(pr_table_note(table, "format", "libprune tune snapshot 1"));
    PR_TRY(note_integer(table, "step", tuner->adamw.step));
    PR_TRY(note_integer(table, "judged_at", tuner->judged_at));
    PR_TRY(note_integer(table, "seed", tuner->options.seed));
    PR_TRY(note_integer(table, "batch", (uint64_t)tuner->options.batch));
    PR_TRY(note_number(table, "score_original", tuner->score_original));
    PR_TRY(note_number(table, "score_best", tuner->score_best));
    PR_TRY(note_number(table, "loss_first", tuner->loss_sums[0]));
    PR_TRY(note_number(table, "loss_first_count", tuner->loss_counts[0]));
    PR_TRY(note_number(table, "loss_last", tuner->loss_sums[1]));
    return note_number(table, "loss_last_count", tuner->loss_counts[1]);
}

prune_status pr_snapshot_write(const pr_tuner *tuner, const char *path)
{
    pr_table table;
    pr_table_init(&table, tuner->ctx);
    prune_status status = add_tensors(&table, tuner);
    if (status == PRUNE_OK) status = add_notes(&table, tuner);
    if (status == PRUNE_OK) status = pr_safetensors_write(&table, path);
    pr_table_free(&table);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------*/

/* Replaces *target by the table's tensor, when that is F32 of the same shape. */
static prune_status take(const pr_table *table, prune_context *ctx, const char *kind,
                         const char *param, pr_tensor *target)
{
    char name[NAME_MAX_BYTES];
    const pr_tensor *found = pr_table_find(table, entry_name(name, kind, param));
    if (!found)
        return pr_fail(PRUNE_E_FORMAT,
                       "tensor '%s' is missing: resume with the model and the options that the "
                       "snapshot was written with",
                       name);
    if (found->dtype != PR_F32 || !pr_shape_equal(&found->shape, &target->shape)) {
        char has[96], wanted[96];
        return pr_fail(PRUNE_E_SHAPE,
                       "tensor '%s' is %s %s, the model has %s: it belongs to another model", name,
                       pr_dtype_name(found->dtype), pr_shape_text(&found->shape, has, sizeof has),
                       pr_shape_text(&target->shape, wanted, sizeof wanted));
    }
    pr_tensor copy;
    PR_TRY(pr_tensor_copy(&copy, ctx, found));
    pr_tensor_release(target);
    *target = copy;
    return PRUNE_OK;
}

static bool has_any(const pr_table *table, const char *kind)
{
    const size_t length = strlen(kind);
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->items[i].name;
        if (strncmp(name, kind, length) == 0 && name[length] == '/') return true;
    }
    return false;
}

static prune_status take_tensors(pr_tuner *tuner, const pr_table *table)
{
    prune_context *ctx = tuner->ctx;
    pr_adamw *adamw = &tuner->adamw;
    if (adamw->average && !has_any(table, "average"))
        return pr_fail(PRUNE_E_ARGUMENT, "written without averaged weights: resume with ema 0");
    for (int32_t p = 0; p < tuner->model->n_params; p++) {
        pr_param *param = &tuner->model->params[p];
        if (!param->trainable) continue;
        PR_TRY(take(table, ctx, "weight", param->name, &param->tensor));
        PR_TRY(take(table, ctx, "first", param->name, &adamw->first[p]));
        PR_TRY(take(table, ctx, "second", param->name, &adamw->second[p]));
        if (adamw->average) PR_TRY(take(table, ctx, "average", param->name, &adamw->average[p]));
    }
    return PRUNE_OK;
}

static prune_status take_best(pr_tuner *tuner, const pr_table *table)
{
    if (tuner->best) pr_model_free(tuner->best);
    tuner->best = NULL;
    if (!has_any(table, "best")) return PRUNE_OK;
    prune_model *best = NULL;
    PR_TRY(pr_model_clone(&best, tuner->model));
    prune_status status = PRUNE_OK;
    for (int32_t p = 0; p < best->n_params && status == PRUNE_OK; p++)
        if (best->params[p].trainable)
            status = take(table, tuner->ctx, "best", best->params[p].name, &best->params[p].tensor);
    if (status == PRUNE_OK)
        tuner->best = best;
    else
        pr_model_free(best);
    return status;
}

static prune_status noted(const pr_table *table, const char *key, const char **text)
{
    *text = pr_table_noted(table, key);
    if (*text) return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT, "'%s' is missing: this is no snapshot of a tuning run", key);
}

static prune_status read_integer(const pr_table *table, const char *key, uint64_t *value)
{
    const char *text;
    char *end;
    PR_TRY(noted(table, key, &text));
    *value = strtoull(text, &end, 10);
    if (end != text && *end == '\0') return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT, "'%s' is '%s', not a number: the snapshot is damaged", key,
                   text);
}

static prune_status read_number(const pr_table *table, const char *key, double *value)
{
    const char *text;
    char *end;
    PR_TRY(noted(table, key, &text));
    *value = strtod(text, &end);
    if (end != text && *end == '\0') return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT, "'%s' is '%s', not a number: the snapshot is damaged", key,
                   text);
}

static prune_status take_state(pr_tuner *tuner, const pr_table *table)
{
    uint64_t seed, batch, step, judged_at;
    PR_TRY(read_integer(table, "step", &step));
    PR_TRY(read_integer(table, "judged_at", &judged_at));
    PR_TRY(read_integer(table, "seed", &seed));
    PR_TRY(read_integer(table, "batch", &batch));
    if (seed != tuner->options.seed || batch != (uint64_t)tuner->options.batch)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "written with seed %" PRIu64 " and batch %" PRIu64 ": resume with the same",
                       seed, batch);
    PR_TRY(take_tensors(tuner, table));
    PR_TRY(take_best(tuner, table));
    PR_TRY(read_number(table, "score_original", &tuner->score_original));
    PR_TRY(read_number(table, "score_best", &tuner->score_best));
    PR_TRY(read_number(table, "loss_first", &tuner->loss_sums[0]));
    PR_TRY(read_number(table, "loss_first_count", &tuner->loss_counts[0]));
    PR_TRY(read_number(table, "loss_last", &tuner->loss_sums[1]));
    PR_TRY(read_number(table, "loss_last_count", &tuner->loss_counts[1]));
    tuner->adamw.step = step;
    tuner->judged_at = judged_at;
    return PRUNE_OK;
}

prune_status pr_snapshot_read(pr_tuner *tuner, const char *path)
{
    pr_buffer *buffer = NULL;
    uint64_t size;
    pr_table table;
    pr_table_init(&table, tuner->ctx);
    prune_status status = pr_formats_map(&buffer, &size, tuner->ctx, path);
    if (status != PRUNE_OK) return status;
    status = pr_safetensors_read(&table, tuner->ctx, buffer, buffer->data, size);
    if (status == PRUNE_OK) status = take_state(tuner, &table);
    pr_table_free(&table);
    pr_formats_drop(buffer);
    return status == PRUNE_OK ? status : pr_fail_within(status, "%s", path);
}
