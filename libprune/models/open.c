/* Anything that holds a model, to a model. */
#include "libprune/base/file.h"
#include "libprune/base/options.h"
#include "libprune/formats/container.h"
#include "libprune/models/families/families.h"
#include "libprune/models/models.h"
#include "libprune/models/shards.h"
#include "libprune/models/strangers.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PATH = 4096 };

#define FIELD(member) offsetof(prune_load_options, member)
static const prune_option options_of_load[] = {
    {"output-kind", PRUNE_OPTION_CHOICE, FIELD(output), "auto", 0, 0, "auto|relative|metric",
     "what the network predicts, where the file does not say"},
    {"max-depth", PRUNE_OPTION_FLOAT, FIELD(max_depth), "0", 0, 1e6, NULL,
     "largest depth of a metric model in metres; 0: config.json, else 80"},
    {"taps", PRUNE_OPTION_TEXT, FIELD(taps), NULL, 0, 0, NULL,
     "four blocks that feed the head, such as 2,5,8,11 (default: config.json, else V2's)"},
    {"position-rule", PRUNE_OPTION_CHOICE, FIELD(position_rule), "auto", 0, 0, "auto|offset|size",
     "how the position table is resampled: offset is the original release, size Hugging Face"},
    {"preprocess", PRUNE_OPTION_CHOICE, FIELD(preprocess), "auto", 0, 0, "auto|original|hf",
     "how pictures are resized: original (OpenCV) or hf (Pillow)"},
    {"max-bytes", PRUNE_OPTION_UINT64, FIELD(max_bytes), "0", 0, 1.8446744073709552e19, NULL,
     "bound on decompressed bytes; 0: 64 times the file's size"},
    {"attention-heads", PRUNE_OPTION_INT, FIELD(heads), "0", 0, 1024, NULL,
     "how many each block has; 0: config.json, else width / 64"},
};
#undef FIELD

const prune_option_table *prune_load_option_table(void)
{
    static const prune_option_table table = {"load", sizeof(prune_load_options), options_of_load,
                                             sizeof options_of_load / sizeof *options_of_load};
    return &table;
}

void prune_load_options_init(prune_load_options *options)
{
    prune_options_init(prune_load_option_table(), options);
}

/* Builds; where tensors are missing or have other shapes, asks the family for all that it needs,
 * so that the error tells the whole story rather than its beginning. */
static prune_status build_family(prune_model **out, const pr_family *family, const char *probe,
                                 pr_checkpoint *checkpoint, const prune_load_options *options)
{
    pr_survey survey = {0};
    prune_model *nothing = NULL;
    prune_status status = family->build(out, checkpoint, probe, options);
    if (status == PRUNE_OK || !checkpoint->gaps) return status;
    checkpoint->survey = &survey;
    status = family->build(&nothing, checkpoint, probe, options);
    checkpoint->survey = NULL;
    pr_model_free(nothing);
    return status == PRUNE_OK ? pr_checkpoint_refuse(checkpoint, &survey) : status;
}

/* A checkpoint of some family, known by a tensor that only that family has. */
static prune_status build(prune_model **out, pr_checkpoint *checkpoint,
                          const prune_load_options *options)
{
    for (size_t f = 0; f < pr_families_count; f++)
        for (const char *const *probe = pr_families[f].probes; *probe; probe++) {
            if (!pr_checkpoint_strip(checkpoint, *probe)) continue;
            PR_TRY(build_family(out, &pr_families[f], *probe, checkpoint, options));
            pr_checkpoint_report(checkpoint);
            json_t *fields = json_pack("{s:s}", "family", pr_families[f].name);
            if (!fields) return pr_fail_memory(64);
            return pr_model_record(*out, "import", fields);
        }
    return pr_strangers_refuse(checkpoint);
}

static prune_status open_table(prune_model **out, pr_checkpoint *checkpoint,
                               const prune_load_options *options)
{
    prune_model *model = NULL;
    prune_status status;
    if (pr_packed_probe(&checkpoint->table)) {
        status = pr_packed_open(&model, checkpoint->ctx, &checkpoint->table);
    } else {
        status = build(&model, checkpoint, options);
        if (status == PRUNE_OK) status = pr_models_finish(model);
    }
    if (status == PRUNE_OK)
        *out = model;
    else
        pr_model_free(model);
    return status;
}

static bool has_file(const char *folder, const char *name)
{
    char path[MAX_PATH];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t)length < sizeof path && pr_path_exists(path);
}

static prune_status read_part(pr_checkpoint *checkpoint, const char *folder, const char *name,
                              const char *prefix, uint64_t max_bytes)
{
    char *path = pr_path_join(checkpoint->ctx, folder, name);
    if (!path) return PRUNE_E_MEMORY;
    prune_status status = pr_checkpoint_read(checkpoint, path, prefix, max_bytes);
    pr_free(checkpoint->ctx, path);
    return status;
}

static prune_status read_config(pr_checkpoint *checkpoint, const char *folder, const char *name,
                                json_t **out)
{
    if (!has_file(folder, name)) {
        pr_log(checkpoint->ctx, PRUNE_LOG_INFO, "%s: no %s; defaults are used", folder, name);
        return PRUNE_OK;
    }
    char *path = pr_path_join(checkpoint->ctx, folder, name);
    if (!path) return PRUNE_E_MEMORY;
    prune_status status = pr_checkpoint_json(out, path);
    pr_free(checkpoint->ctx, path);
    return status;
}

/* What Hugging Face calls its weights, in the order in which transformers looks for them. */
static const char *const port_names[] = {"model.safetensors", "model.safetensors.index.json",
                                         "pytorch_model.bin", "pytorch_model.bin.index.json"};
enum { PORT_NAMES = sizeof port_names / sizeof *port_names };

static bool is_index(const char *name)
{
    return strstr(name, ".index.json") != NULL;
}

/* Weights of this name in a Hugging Face folder, with what its configuration tells. */
static prune_status read_port(pr_checkpoint *checkpoint, const char *folder, const char *name,
                              uint64_t max_bytes)
{
    PR_TRY(read_config(checkpoint, folder, "config.json", &checkpoint->config));
    PR_TRY(read_config(checkpoint, folder, "preprocessor_config.json", &checkpoint->preprocessor));
    return is_index(name) ? pr_shards_read(checkpoint, folder, name, max_bytes)
                          : read_part(checkpoint, folder, name, "", max_bytes);
}

/* A folder of one of the families, or a Hugging Face one. */
static prune_status read_folder(pr_checkpoint *checkpoint, const char *folder, uint64_t max_bytes)
{
    for (size_t f = 0; f < pr_families_count; f++) {
        const pr_family *family = &pr_families[f];
        size_t found = 0, count = 0;
        for (; family->files[count]; count++) found += has_file(folder, family->files[count]);
        if (count == 0 || found < count) continue;
        for (size_t k = 0; k < count; k++)
            PR_TRY(read_part(checkpoint, folder, family->files[k], family->prefixes[k], max_bytes));
        return PRUNE_OK;
    }
    for (size_t k = 0; k < PORT_NAMES; k++)
        if (has_file(folder, port_names[k]))
            return read_port(checkpoint, folder, port_names[k], max_bytes);
    return pr_fail(PRUNE_E_UNSUPPORTED,
                   "%s: no model in this folder; expected model.safetensors with config.json, or "
                   "encoder.pth and depth.pth",
                   folder);
}

/* A single file. One that is called as in a Hugging Face folder, and lies beside a config.json,
 * stands for the folder. */
static prune_status read_file(pr_checkpoint *checkpoint, const char *path, uint64_t max_bytes)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char folder[MAX_PATH] = ".";
    if (slash) (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash + 1 - path), path);
    for (size_t k = 0; k < PORT_NAMES; k++)
        if (strcmp(name, port_names[k]) == 0 &&
            (is_index(name) || has_file(folder, "config.json")) && pr_path_exists(path))
            return read_port(checkpoint, folder, name, max_bytes);
    return pr_checkpoint_read(checkpoint, path, "", max_bytes);
}

/* Before opening, which takes tensors away. */
static void note_table(pr_load_note *note, const pr_table *table)
{
    *note = (pr_load_note){.packed = pr_packed_probe(table), .tensors = table->count};
    for (size_t i = 0; i < table->count; i++) {
        note->of_type[table->items[i].tensor.dtype]++;
        note->bytes += pr_tensor_bytes(&table->items[i].tensor);
    }
}

static void note_unused(pr_load_note *note, const pr_checkpoint *checkpoint)
{
    for (size_t i = 0; !note->packed && i < checkpoint->table.count; i++)
        note->unused += !checkpoint->used[i];
}

prune_status prune_model_load(prune_model **out, prune_context *context, const char *path,
                              const prune_load_options *options)
{
    return pr_model_load_noted(out, NULL, context, path, options);
}

prune_status pr_model_load_noted(prune_model **out, pr_load_note *note, prune_context *context,
                                 const char *path, const prune_load_options *options)
{
    prune_load_options o;
    if (!out || !context || !path)
        return pr_fail(PRUNE_E_ARGUMENT, "load: out, context and path are needed");
    PR_TRY(pr_options_take(prune_load_option_table(), &o, options));
    pr_checkpoint checkpoint = {.ctx = context, .path = path};
    pr_table_init(&checkpoint.table, context);
    prune_status status = pr_path_is_directory(path) ? read_folder(&checkpoint, path, o.max_bytes)
                                                     : read_file(&checkpoint, path, o.max_bytes);
    if (status == PRUNE_OK) {
        if (note) note_table(note, &checkpoint.table);
        status = open_table(out, &checkpoint, &o);
        if (note && status == PRUNE_OK) note_unused(note, &checkpoint);
        if (status != PRUNE_OK) status = pr_fail_within(status, "%s", path);
    }
    pr_checkpoint_free(&checkpoint);
    return status;
}

prune_status prune_model_load_memory(prune_model **out, prune_context *context, const void *data,
                                     uint64_t bytes, const prune_load_options *options)
{
    prune_load_options o;
    pr_table table;
    if (!out || !context || !data)
        return pr_fail(PRUNE_E_ARGUMENT, "load: out, context and data are needed");
    PR_TRY(pr_options_take(prune_load_option_table(), &o, options));
    PR_TRY(pr_container_read_memory(&table, context, data, bytes, o.max_bytes));
    prune_status status =
        pr_packed_probe(&table)
            ? pr_packed_open(out, context, &table)
            : pr_fail(PRUNE_E_UNSUPPORTED, "the memory holds no model written by this library");
    pr_table_free(&table);
    return status;
}
