/* What a file is, and whether all of it is as it should be. */
#include "libprune/base/options.h"
#include "libprune/formats/crc32.h"
#include "libprune/formats/pytorch.h"
#include "libprune/formats/safetensors.h"
#include "libprune/formats/zip.h"
#include "libprune/formats/zstd.h"
#include "libprune/image/image.h"
#include "libprune/models/models.h"

#include <math.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <string.h>

typedef struct verdict {
    prune_context *ctx;
    const char *path;
    json_t *root;              /* the object that is handed out */
    json_t *checks, *warnings; /* lists of sentences in it */
} verdict;

static void say(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(json_t *list, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    (void)json_array_append_new(list, json_string(line));
}

static void set(verdict *v, const char *key, json_t *value)
{
    (void)json_object_set_new(v->root, key, value);
}

/* --- containers ----------------------------------------------------------------------------- */

static void look_at_zstd(verdict *v, const pr_mapped *file)
{
    pr_zstd_summary s;
    if (!pr_zstd_summarize(&s, file->data, file->size)) return; /* reading says what is wrong */
    say(v->checks, "zstd: %llu frames, %llu with a checksum, %llu bytes of content, %s",
        (unsigned long long)s.frames, (unsigned long long)s.checksums,
        (unsigned long long)s.content, s.seek_table ? "a seek table" : "no seek table");
    if (s.checksums < s.frames)
        say(v->warnings, "%llu of %llu frames have no checksum: damage there would not be noticed",
            (unsigned long long)(s.frames - s.checksums), (unsigned long long)s.frames);
}

/* PyTorch can be told not to compute checksums, so that all of them are wrong: only when some are
 * right does a wrong one mean damage. */
static prune_status look_at_zip(verdict *v, const pr_mapped *file)
{
    pr_zip zip;
    size_t right = 0, filled = 0;
    const pr_zip_entry *wrong = NULL;
    PR_TRY(pr_zip_open(&zip, v->ctx, file->data, file->size));
    for (size_t i = 0; i < zip.count; i++) {
        const pr_zip_entry *entry = &zip.entries[i];
        if (entry->size == 0) continue;
        filled++;
        if (pr_crc32(entry->data, (size_t)entry->size) == entry->crc)
            right++;
        else if (!wrong)
            wrong = entry;
    }
    prune_status status = PRUNE_OK;
    if (right > 0 && wrong)
        status = pr_fail(PRUNE_E_FORMAT,
                         "the checksum of record '%.*s' is wrong (%zu of %zu are): the file is "
                         "damaged, copy it again",
                         (int)(wrong->length < 200 ? wrong->length : 200), wrong->name,
                         filled - right, filled);
    else if (wrong)
        say(v->warnings, "the archive's checksums were not computed: damage would not be noticed");
    say(v->checks, "zip: %zu records, %zu checksums right", zip.count, right);
    pr_zip_close(&zip);
    return status;
}

/* Checks what reading the tensors does not; names the container. */
static prune_status look_at_container(verdict *v, const pr_mapped *file, const char **name)
{
    *name = "unknown";
    if (pr_zstd_probe(file->data, file->size)) {
        *name = "safetensors in zstd";
        look_at_zstd(v, file);
    } else if (pr_safetensors_probe(file->data, file->size)) {
        *name = "safetensors";
    } else if (pr_zip_probe(file->data, file->size)) {
        *name = "PyTorch zip";
        return look_at_zip(v, file);
    } else if (pr_pytorch_probe_legacy(file->data, file->size)) {
        *name = "PyTorch stream";
    } else if (strstr(v->path, ".index.json")) {
        *name = "shards with an index";
    }
    return PRUNE_OK;
}

/* --- models --------------------------------------------------------------------------------- */

static void note_tensors(verdict *v, const pr_load_note *note)
{
    json_t *types = json_object();
    for (int d = 0; d < PR_DTYPE_COUNT; d++)
        if (note->of_type[d])
            (void)json_object_set_new(types, pr_dtype_name((pr_dtype)d),
                                      json_integer((json_int_t)note->of_type[d]));
    set(v, "tensors", json_integer((json_int_t)note->tensors));
    set(v, "tensor_bytes", json_integer((json_int_t)note->bytes));
    set(v, "types", types);
    say(v->checks, "%zu tensors, %llu bytes, each within its bounds", note->tensors,
        (unsigned long long)note->bytes);
    if (note->unused)
        say(v->warnings, "%zu tensors belong to no layer and are ignored", note->unused);
}

/* Names the first parameter that holds something else than numbers. */
static prune_status check_values(const prune_model *model)
{
    for (int32_t i = 0; i < model->n_params; i++) {
        const pr_tensor *tensor = &model->params[i].tensor;
        if (tensor->dtype != PR_F32) continue;
        for (int64_t k = 0, n = pr_tensor_count(tensor); k < n; k++)
            if (!isfinite(pr_f32(tensor)[k]))
                return pr_fail(PRUNE_E_FORMAT,
                               "parameter '%s' holds a value that is no finite number: training "
                               "diverged, or the file is damaged",
                               model->params[i].name);
    }
    return PRUNE_OK;
}

static prune_status describe_model(verdict *v, const prune_model *model)
{
    static const char *const kinds[] = {"relative inverse depth", "disparity", "metric depth"};
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    const pr_meta *meta = &model->meta;
    PR_TRY(prune_model_describe(model, 0, 0, &info));
    json_t *json = json_pack(
        "{s:s?, s:s?, s:s?, s:[i,i], s:s, s:I, s:i, s:i, s:i, s:i, s:i}", "architecture",
        meta->architecture, "variant", meta->variant, "license", meta->license, "size",
        info.input_height, info.input_width, "output", kinds[meta->output_kind], "parameters",
        (json_int_t)info.parameters, "weighted_layers", info.layers, "int8_layers",
        info.int8_layers, "bf16_layers", info.bf16_layers, "int8_attentions", info.int8_attentions,
        "history", (int)json_array_size(model->history));
    if (!json) return pr_fail_memory(256);
    if (meta->output_kind == PR_OUTPUT_METRIC)
        (void)json_object_set_new(json, "max_depth", json_real((double)meta->max_depth));
    set(v, "model", json);
    say(v->checks, "graph of %d nodes; all shapes fit at %d x %d", model->n_nodes,
        info.input_height, info.input_width);
    return PRUNE_OK;
}

/* Archives in a folder have checksums of their own; what belongs together is up to loading. */
static prune_status look_at_folder(verdict *v)
{
    pr_list list;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_path_list(&list, v->ctx, v->path));
    for (size_t i = 0; i < list.count && status == PRUNE_OK; i++) {
        pr_mapped file;
        char *path = pr_path_join(v->ctx, v->path, list.names[i]);
        if (!path) status = PRUNE_E_MEMORY;
        if (path && !pr_path_is_directory(path) && pr_file_map(&file, path) == PRUNE_OK) {
            if (pr_zip_probe(file.data, file.size)) status = look_at_zip(v, &file);
            if (status != PRUNE_OK) status = pr_fail_within(status, "%s", list.names[i]);
            pr_file_unmap(&file);
        }
        pr_free(v->ctx, path);
    }
    pr_list_free(v->ctx, &list);
    return status;
}

static prune_status look_at_model(verdict *v, const pr_mapped *file,
                                  const prune_load_options *options)
{
    prune_model *model = NULL;
    pr_load_note note = {0};
    const char *container = "folder";
    prune_status status;
    status = file ? look_at_container(v, file, &container) : look_at_folder(v);
    set(v, "container", json_string(container));
    if (status != PRUNE_OK) return pr_fail_within(status, "%s", v->path);
    PR_TRY(pr_model_load_noted(&model, &note, v->ctx, v->path, options));
    set(v, "kind", json_string(note.packed ? "model of this library" : "checkpoint"));
    note_tensors(v, &note);
    status = check_values(model);
    if (status == PRUNE_OK) {
        say(v->checks, "all parameters are finite numbers");
        status = describe_model(v, model);
    }
    pr_model_free(model);
    return status == PRUNE_OK ? status : pr_fail_within(status, "%s", v->path);
}

/* --- whole ---------------------------------------------------------------------------------- */

static prune_status look_at_image(verdict *v, const pr_mapped *file)
{
    json_t *image;
    PR_TRY(pr_image_inspect(&image, v->ctx, file, v->path));
    set(v, "kind", json_string(json_object_get(image, "depth") ? "depth map" : "picture"));
    set(v, "image", image);
    say(v->checks, "all pixels can be read");
    return PRUNE_OK;
}

static prune_status look(verdict *v, const prune_load_options *options)
{
    pr_mapped file;
    if (pr_path_is_directory(v->path)) return look_at_model(v, NULL, options);
    PR_TRY(pr_file_map(&file, v->path));
    bool image = pr_png_matches(&file) || pr_jpeg_matches(&file);
    prune_status status = image ? look_at_image(v, &file) : look_at_model(v, &file, options);
    pr_file_unmap(&file);
    return status;
}

prune_status prune_file_verify(char **json, prune_context *context, const char *path,
                               const prune_load_options *options)
{
    if (!json || !context || !path)
        return pr_fail(PRUNE_E_ARGUMENT, "verify: json, context and path are needed");
    verdict v = {.ctx = context, .path = path};
    v.root = json_pack("{s:b, s:s, s:[], s:[]}", "ok", 0, "kind", "unknown", "checks", "warnings");
    if (!v.root) return pr_fail_memory(256);
    v.checks = json_object_get(v.root, "checks");
    v.warnings = json_object_get(v.root, "warnings");
    set(&v, "file", json_string(path)); /* left out when it is not UTF-8 */
    prune_status status = look(&v, options);
    if (status == PRUNE_OK)
        set(&v, "ok", json_true());
    else
        set(&v, "problem", json_string(prune_last_error()));
    char *text =
        prune_json_text(v.root, JSON_INDENT(1) | JSON_PRESERVE_ORDER, prune_json_failures());
    json_decref(v.root);
    if (!text) return pr_fail_memory(1024);
    *json = text;
    return PRUNE_OK;
}
