#include "libprune/models/checkpoint.h"

#include "libprune/base/file.h"
#include "libprune/formats/container.h"

#include <prune/sys/json.h>
#include <stdio.h>
#include <string.h>

enum { MAX_JSON = 1 << 20, MAX_NAME = 2048 };

void pr_checkpoint_free(pr_checkpoint *checkpoint)
{
    pr_table_free(&checkpoint->table);
    pr_free(checkpoint->ctx, checkpoint->used);
    json_decref(checkpoint->config);
    json_decref(checkpoint->preprocessor);
    *checkpoint = (pr_checkpoint){.ctx = checkpoint->ctx};
}

static prune_status make_flags(pr_checkpoint *c)
{
    pr_free(c->ctx, c->used);
    c->used = pr_calloc(c->ctx, c->table.count + 1, sizeof *c->used);
    return c->used ? PRUNE_OK : PRUNE_E_MEMORY;
}

prune_status pr_checkpoint_read(pr_checkpoint *c, const char *path, const char *prefix,
                                uint64_t max_bytes)
{
    pr_table table;
    PR_TRY(pr_container_read(&table, c->ctx, path, max_bytes));
    prune_status status = PRUNE_OK;
    for (size_t i = 0; i < table.count && status == PRUNE_OK; i++) {
        char name[MAX_NAME];
        (void)snprintf(name, sizeof name, "%s%s", prefix, table.items[i].name);
        status = pr_table_add(&c->table, name, pr_tensor_share(&table.items[i].tensor));
    }
    for (size_t i = 0; i < table.n_notes && status == PRUNE_OK; i++)
        status = pr_table_note(&c->table, table.notes[i].key, table.notes[i].text);
    pr_table_free(&table);
    return status == PRUNE_OK ? pr_checkpoint_finish(c) : status;
}

prune_status pr_checkpoint_finish(pr_checkpoint *c)
{
    PR_TRY(pr_table_sort(&c->table));
    return make_flags(c);
}

prune_status pr_checkpoint_json(json_t **out, const char *path)
{
    pr_mapped file;
    PR_TRY(pr_file_map(&file, path));
    json_error_t error = {.text = "the file is empty or too large"};
    json_t *json = file.size > 0 && file.size <= MAX_JSON
                       ? json_loadb((const char *)file.data, (size_t)file.size, 0, &error)
                       : NULL;
    pr_file_unmap(&file);
    if (!json && prune_json_parse_status(&error) == PRUNE_E_MEMORY) return PRUNE_E_MEMORY;
    if (!json_is_object(json)) {
        json_decref(json);
        return pr_fail(PRUNE_E_FORMAT, "%s: not a JSON object: %s", path, error.text);
    }
    *out = json;
    return PRUNE_OK;
}

/* --- prefixes ------------------------------------------------------------------------------- */

/* The text is nothing but prefixes of trainers, one after the other. */
static bool only_wrappers(const char *text, size_t length)
{
    static const char *const words[] = {"module.", "_orig_mod.", "model.", "net.", "depth_net."};
    while (length > 0) {
        size_t taken = 0;
        for (size_t w = 0; w < sizeof words / sizeof *words && !taken; w++) {
            size_t n = strlen(words[w]);
            if (n <= length && memcmp(text, words[w], n) == 0) taken = n;
        }
        if (!taken) return false;
        text += taken;
        length -= taken;
    }
    return true;
}

/* torch.compile puts "_orig_mod." in front of any module, also in the middle of a name. */
static void remove_compile_marks(pr_table *table)
{
    static const char mark[] = "_orig_mod.";
    for (size_t i = 0; i < table->count; i++) {
        char *found;
        while ((found = strstr(table->items[i].name, mark)) != NULL)
            memmove(found, found + sizeof mark - 1, strlen(found + sizeof mark - 1) + 1);
    }
}

/* Length of the wrappers in front of a name that ends with the probe, 0 where it does not. */
static size_t wrapper_length(const char *name, const char *probe)
{
    size_t length = strlen(name), tail = strlen(probe);
    bool fits = length > tail && strcmp(name + length - tail, probe) == 0 &&
                only_wrappers(name, length - tail);
    return fits ? length - tail : 0;
}

bool pr_checkpoint_strip(pr_checkpoint *c, const char *probe)
{
    char wrapper[MAX_NAME];
    size_t prefix = 0;
    remove_compile_marks(&c->table);
    for (size_t i = 0; i < c->table.count && !prefix; i++) {
        prefix = wrapper_length(c->table.items[i].name, probe);
        memcpy(wrapper, c->table.items[i].name, prefix);
    }
    for (size_t i = 0; i < c->table.count && prefix; i++) {
        char *name = c->table.items[i].name;
        if (strncmp(name, wrapper, prefix) == 0)
            memmove(name, name + prefix, strlen(name + prefix) + 1);
    }
    return pr_table_sort(&c->table) == PRUNE_OK && pr_table_find(&c->table, probe) != NULL;
}

/* --- tensors -------------------------------------------------------------------------------- */

const pr_tensor *pr_checkpoint_find(const pr_checkpoint *checkpoint, const char *key)
{
    return pr_table_find(&checkpoint->table, key);
}

prune_status pr_checkpoint_axis(const pr_checkpoint *checkpoint, const char *key, int32_t rank,
                                int32_t axis, int32_t *out)
{
    char text[128];
    const pr_tensor *tensor = pr_checkpoint_find(checkpoint, key);
    if (!tensor)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s' is missing; is this the whole checkpoint?",
                       key);
    if (tensor->shape.rank != rank || tensor->shape.dim[axis] < 1 ||
        tensor->shape.dim[axis] > 1 << 20)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s': expected %d axes of at least 1, found %s", key,
                       rank, pr_shape_text(&tensor->shape, text, sizeof text));
    *out = (int32_t)tensor->shape.dim[axis];
    return PRUNE_OK;
}

static size_t index_of(const pr_checkpoint *c, const pr_tensor *tensor)
{
    const char *item = (const char *)tensor - offsetof(pr_named, tensor);
    return (size_t)((const pr_named *)(const void *)item - c->table.items);
}

static void note_gap(size_t *count, char *names, size_t size, const char *text)
{
    size_t length = strlen(names);
    if ((*count)++ < 3)
        (void)snprintf(names + length, size - length, "%s%s", length ? ", " : "", text);
}

/* Adds to the survey what is wrong with this tensor, if anything. */
static void survey(pr_survey *s, const char *key, const pr_tensor *tensor, const pr_shape *shape)
{
    char text[256], wanted[96], found[96];
    if (!tensor) {
        (void)snprintf(text, sizeof text, "'%.80s'", key);
        note_gap(&s->missing, s->missing_names, sizeof s->missing_names, text);
    } else if (!pr_shape_equal(&tensor->shape, shape)) {
        (void)snprintf(text, sizeof text, "'%.80s' is %s, expected %s", key,
                       pr_shape_text(&tensor->shape, found, sizeof found),
                       pr_shape_text(shape, wanted, sizeof wanted));
        note_gap(&s->misshaped, s->misshaped_names, sizeof s->misshaped_names, text);
    }
}

/* ", 7 of no layer ('a', 'b' and 5 more)"; empty when there are none. */
static void list_unused(const pr_checkpoint *c, char *text, size_t size)
{
    char names[200] = "", more[32] = "";
    size_t count = 0;
    for (size_t i = 0; i < c->table.count; i++) {
        size_t length = strlen(names);
        if (c->used[i] || count++ >= 2) continue;
        (void)snprintf(names + length, sizeof names - length, "%s'%.80s'", length ? ", " : "",
                       c->table.items[i].name);
    }
    if (count > 2) (void)snprintf(more, sizeof more, " and %zu more", count - 2);
    text[0] = '\0';
    if (count) (void)snprintf(text, size, ", %zu of no layer (%s%s)", count, names, more);
}

prune_status pr_checkpoint_refuse(const pr_checkpoint *c, const pr_survey *s)
{
    char unused[280];
    list_unused(c, unused, sizeof unused);
    char missing[400] = "", misshaped[400] = "", more[2][32] = {"", ""};
    if (s->missing > 3) (void)snprintf(more[0], sizeof more[0], " and %zu more", s->missing - 3);
    if (s->misshaped > 3)
        (void)snprintf(more[1], sizeof more[1], " and %zu more", s->misshaped - 3);
    if (s->missing)
        (void)snprintf(missing, sizeof missing, "%zu missing (%s%s)", s->missing, s->missing_names,
                       more[0]);
    if (s->misshaped)
        (void)snprintf(misshaped, sizeof misshaped, "%zu with another shape (%s%s)", s->misshaped,
                       s->misshaped_names, more[1]);
    return pr_fail(
        PRUNE_E_FORMAT,
        "its %zu tensors do not make the network: %s%s%s%s; is this the whole checkpoint, "
        "and of this network?",
        c->table.count, missing, s->missing && s->misshaped ? ", " : "", misshaped, unused);
}

prune_status pr_checkpoint_fetch(void *user, const char *key, const pr_shape *shape, pr_tensor *out)
{
    pr_checkpoint *c = user;
    char wanted[128], found[128];
    const pr_tensor *tensor = pr_checkpoint_find(c, key);
    if (tensor) c->used[index_of(c, tensor)] = true;
    if (c->survey) {
        survey(c->survey, key, tensor, shape);
        *out = (pr_tensor){0};
        return PRUNE_OK;
    }
    c->gaps = !tensor || !pr_shape_equal(&tensor->shape, shape);
    (void)pr_shape_text(shape, wanted, sizeof wanted);
    if (!tensor)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s' is missing, expected with shape %s", key,
                       wanted);
    if (!pr_shape_equal(&tensor->shape, shape))
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s' has shape %s, expected %s", key,
                       pr_shape_text(&tensor->shape, found, sizeof found), wanted);
    if (tensor->dtype == PR_F32) {
        *out = pr_tensor_share(tensor);
        return PRUNE_OK;
    }
    if (tensor->dtype != PR_F16 && tensor->dtype != PR_BF16 && tensor->dtype != PR_F64)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s' has dtype %s, expected a floating-point one",
                       key, pr_dtype_name(tensor->dtype));
    return pr_tensor_convert(out, c->ctx, tensor, PR_F32);
}

void pr_checkpoint_dead(pr_checkpoint *c, const char *prefix)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < c->table.count; i++)
        if (strncmp(c->table.items[i].name, prefix, length) == 0) {
            c->used[i] = true;
            if (c->survey) continue;
            pr_log(c->ctx, PRUNE_LOG_DEBUG, "%s: tensor '%s' has no effect and is dropped", c->path,
                   c->table.items[i].name);
        }
}

void pr_checkpoint_report(const pr_checkpoint *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->table.count; i++) {
        if (c->used[i]) continue;
        if (count++ < 5)
            pr_log(c->ctx, PRUNE_LOG_WARNING, "%s: tensor '%s' belongs to no layer and is ignored",
                   c->path, c->table.items[i].name);
    }
    if (count > 5) pr_log(c->ctx, PRUNE_LOG_WARNING, "%s: so are %zu more", c->path, count - 5);
}
