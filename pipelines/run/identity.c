/* When two runs are the same run. */
#include "pipelines/run/engine.h"

#include <prune/sys/error.h>
#include <prune/sys/hash.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Options that change nothing in models and figures, or that the run sets itself. */
static bool is_aside(const prune_option_table *table, const char *name)
{
    static const char *const aside[] = {
        "compress.output", "compress.pictures",   "compress.bench-seconds",
        "compress.trim",   "compress.tune",       "compress.quantize",
        "tune.snapshot",   "tune.snapshot-every", "tune.resume",
    };
    char whole[128];
    (void)snprintf(whole, sizeof whole, "%s.%s", table->stage, name);
    for (size_t i = 0; i < sizeof aside / sizeof *aside; i++)
        if (strcmp(whole, aside[i]) == 0) return true;
    return false;
}

static void add_options(json_t *into, const prune_option_table *table, const void *options)
{
    char text[4096];
    json_t *object = json_object();
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->options[i].name;
        if (!is_aside(table, name) &&
            prune_options_get(table, options, name, text, sizeof text) == PRUNE_OK)
            (void)json_object_set_new(object, name, json_string(text));
    }
    (void)json_object_set_new(into, table->stage, object);
}

static prune_status add_stages(const engine *e, json_t *root)
{
    char title[64];
    for (size_t i = 0; i < e->recipe->count; i++) {
        recipe_stage asked;
        recipe_section parts[RECIPE_STAGE_SECTIONS];
        prune_status status = recipe_stage_effective(e->recipe, i, &asked);
        if (status != PRUNE_OK) return status;
        json_t *object = json_object();
        const size_t count = recipe_stage_sections(&asked, parts);
        for (size_t p = 0; p < count; p++) add_options(object, parts[p].table, parts[p].options);
        (void)snprintf(title, sizeof title, "stage %zu (%s)", i + 1, recipe_kind_name(asked.kind));
        (void)json_object_set_new(root, title, object);
    }
    return PRUNE_OK;
}

/* Names and groups in their order, not what the files hold: a picture that was repaired is no other
 * set of pictures. */
static prune_status add_samples(json_t *root, const char *role, prune_context *ctx,
                                prune_samples *samples)
{
    char digest[65];
    prune_status status = PRUNE_OK;
    if (!samples) return PRUNE_OK;
    const uint64_t count = prune_samples_count(samples);
    char(*digests)[65] = prune_memory_zero(ctx, (size_t)count + 1, sizeof *digests);
    if (!digests) return PRUNE_E_MEMORY;
    for (uint64_t i = 0; status == PRUNE_OK && i < count; i++) {
        const char *name, *group;
        char line[1200];
        status = prune_samples_identify(samples, i, &name, &group);
        if (status != PRUNE_OK) break;
        (void)snprintf(line, sizeof line, "%s\n%s", name, group ? group : "");
        prune_sha256(line, strlen(line), digests[i]);
    }
    prune_sha256(digests, (size_t)count * sizeof *digests, digest);
    prune_memory_free(ctx, digests);
    if (status == PRUNE_OK)
        (void)json_object_set_new(
            root, role, json_pack("{s:I, s:s}", "frames", (json_int_t)count, "names", digest));
    return status;
}

prune_status identity_make(engine *e, const char *model_digest, json_t **out)
{
    const prune_recipe *recipe = e->recipe;
    json_t *root = json_pack("{s:s, s:s, s:s, s:s}", "version", prune_version(), "isa",
                             prune_context_isa(e->ctx), "threads", "", "model", model_digest);
    char threads[16];
    if (!root) return prune_error_set(PRUNE_E_MEMORY, "out of memory");
    (void)snprintf(threads, sizeof threads, "%d", (int)prune_context_threads(e->ctx));
    (void)json_object_set_new(root, "threads", json_string(threads));
    add_options(root, prune_compress_option_table(), &recipe->loop);
    add_options(root, prune_goal_option_table(), &recipe->goals);
    add_options(root, prune_save_option_table(), &recipe->save);
    prune_status status = add_stages(e, root);
    if (status == PRUNE_OK) status = add_samples(root, "images", e->ctx, e->loop.images);
    if (status == PRUNE_OK) status = add_samples(root, "val", e->ctx, e->loop.validation);
    if (status == PRUNE_OK) status = add_samples(root, "test", e->ctx, e->loop.test);
    if (status == PRUNE_OK)
        *out = root;
    else
        json_decref(root);
    return status;
}

/* The first place where they differ, with what stands there; false: nowhere. */
static bool differ(const json_t *a, const json_t *b, char *place, size_t room, char said[2][128])
{
    const char *key;
    json_t *value;
    if (!json_is_object(a) || !json_is_object(b)) {
        if (json_equal(a, b)) return false;
        const json_t *both[2] = {a, b};
        for (int i = 0; i < 2; i++) {
            char *text = both[i] ? prune_json_text(both[i], JSON_ENCODE_ANY | JSON_COMPACT,
                                                   prune_json_failures())
                                 : NULL;
            (void)snprintf(said[i], 128, "%.120s", text ? text : "not there");
            free(text);
        }
        return true;
    }
    const size_t at = strlen(place);
    for (int side = 0; side < 2; side++)
        json_object_foreach((json_t *)(uintptr_t)(side ? b : a), key, value)
        {
            (void)snprintf(place + at, room - at, "%s%s", at ? ", " : "", key);
            if (differ(json_object_get(a, key), json_object_get(b, key), place, room, said))
                return true;
            place[at] = '\0';
        }
    return false;
}

prune_status identity_compare(const engine *e, const json_t *there, const json_t *now)
{
    char place[256] = "", said[2][128];
    if (!differ(there, now, place, sizeof place, said)) return PRUNE_OK;
    return prune_error_set(PRUNE_E_ARGUMENT,
                           "%s: the run in this folder is another one: %s was %s and is %s now; "
                           "resume with the same, or choose another folder",
                           e->directory.path, place, said[0], said[1]);
}
