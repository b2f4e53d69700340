/* prune predict: depth maps of pictures into files of the same names. */
#include "pipelines/cli/command.h"

#include <math.h>
#include <prune/session.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct predict_options {
    uint32_t struct_size;
    const char *output, *size;
    int32_t format, resolution;
    bool color;
} predict_options;

enum { FORMAT_KITTI, FORMAT_DEPTH16, FORMAT_F32, FORMAT_NPY, FORMAT_PFM };

#define FIELD(member) offsetof(predict_options, member)
static const prune_option rows[] = {
    {"output", PRUNE_OPTION_TEXT, FIELD(output), NULL, 0, 0, NULL, "folder for the results (-o)"},
    {"format", PRUNE_OPTION_CHOICE, FIELD(format), "f32", 0, 0, "kitti|depth16|f32|npy|pfm",
     "kitti: 16-bit PNG of metres x 256; depth16: of millimetres; f32, npy, pfm: the model's own "
     "units"},
    {"resolution", PRUNE_OPTION_CHOICE, FIELD(resolution), "image", 0, 0, "image|network",
     "size of the results"},
    {"size", PRUNE_OPTION_TEXT, FIELD(size), NULL, 0, 0, NULL,
     "network input HEIGHTxWIDTH (default: the model's own rule)"},
    {"color", PRUNE_OPTION_BOOL, FIELD(color), "false", 0, 0, NULL,
     "also write NAME_color.png, near is warm"},
};
#undef FIELD
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"predict", sizeof(predict_options), rows, 5};
    return &t;
}

typedef struct work {
    cli_call *call;
    const predict_options *options;
    prune_session *session;
    prune_prediction kind;
    char **paths;
    size_t count, capacity;
} work;

static prune_status push(work *w, const char *path)
{
    if (w->count == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 64;
        char **grown = prune_memory_zero(w->call->ctx, capacity, sizeof *grown);
        if (!grown) return PRUNE_E_MEMORY;
        if (w->count) memcpy(grown, w->paths, w->count * sizeof *grown);
        prune_memory_free(w->call->ctx, w->paths);
        w->paths = grown;
        w->capacity = capacity;
    }
    char *copy = prune_path_join(w->call->ctx, ".", path);
    if (!copy) return PRUNE_E_MEMORY;
    if (path[0] == '/') memmove(copy, copy + 2, strlen(copy + 2) + 1);
    w->paths[w->count++] = copy;
    return PRUNE_OK;
}

static bool is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot &&
           (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

/* A folder's pictures in order of their names; anything else there is reported, not skipped
 * silently. */
static prune_status add_folder(work *w, const char *folder)
{
    prune_file_list list;
    prune_status status = prune_folder_list(&list, w->call->ctx, folder);
    size_t others = 0, before = w->count;
    if (status != PRUNE_OK) return status;
    for (size_t i = 0; status == PRUNE_OK && i < list.count; i++) {
        if (!is_picture(list.names[i])) {
            others++;
            continue;
        }
        char *path = prune_path_join(w->call->ctx, folder, list.names[i]);
        status = path ? push(w, path) : PRUNE_E_MEMORY;
        prune_memory_free(w->call->ctx, path);
    }
    if (status == PRUNE_OK && w->count == before)
        status = prune_error_set(PRUNE_E_IO, "%s holds no PNG or JPEG pictures", folder);
    if (others > 0)
        prune_log_write(w->call->ctx, PRUNE_LOG_WARNING,
                        "%s: %zu entries are not PNG or JPEG pictures and were left out", folder,
                        others);
    prune_file_list_free(w->call->ctx, &list);
    return status;
}

static void stem_of(const char *path, char *stem, size_t size)
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(stem, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(stem, '.');
    if (dot) *dot = '\0';
}

static prune_status write_color(work *w, const char *stem, const float *values, int32_t width,
                                int32_t height)
{
    char name[512];
    float low = INFINITY, high = -INFINITY;
    const int64_t count = (int64_t)width * height;
    for (int64_t i = 0; i < count; i++) {
        low = fminf(low, values[i]);
        high = fmaxf(high, values[i]);
    }
    uint8_t *rgb = prune_memory_new(w->call->ctx, (size_t)count, 3);
    if (!rgb) return PRUNE_E_MEMORY;
    (void)snprintf(name, sizeof name, "%s_color.png", stem);
    char *path = prune_path_join(w->call->ctx, w->options->output, name);
    /* Only metric depth grows with distance: turn the rest round, so that near is always warm. */
    const bool depth = w->kind.output_kind == 2;
    prune_map_colorize(values, width, height, depth ? low : high, depth ? high : low, rgb);
    prune_status status =
        path ? prune_image_write_png(w->call->ctx, path, rgb, width, height) : PRUNE_E_MEMORY;
    prune_memory_free(w->call->ctx, path);
    prune_memory_free(w->call->ctx, rgb);
    return status;
}

static prune_status write_map(work *w, const char *stem, const float *values, int32_t width,
                              int32_t height)
{
    static const char *const endings[] = {"png", "png", "f32", "npy", "pfm"};
    prune_context *ctx = w->call->ctx;
    char name[512];
    (void)snprintf(name, sizeof name, "%s.%s", stem, endings[w->options->format]);
    char *path = prune_path_join(ctx, w->options->output, name);
    prune_status status = PRUNE_E_MEMORY;
    if (path && w->options->format == FORMAT_F32)
        status = prune_map_write_f32(ctx, path, values, width, height);
    else if (path && w->options->format == FORMAT_NPY)
        status = prune_map_write_npy(ctx, path, values, width, height);
    else if (path && w->options->format == FORMAT_PFM)
        status = prune_map_write_pfm(ctx, path, values, width, height);
    else if (path)
        status = prune_depth_write(ctx, path, values, width, height,
                                   w->options->format == FORMAT_KITTI ? 256.0 : 1000.0);
    prune_memory_free(ctx, path);
    if (status == PRUNE_OK && w->options->color)
        status = write_color(w, stem, values, width, height);
    return status;
}

static prune_status predict_one(work *w, const char *path)
{
    prune_context *ctx = w->call->ctx;
    prune_image image;
    char stem[400];
    prune_status status = prune_image_read(&image, ctx, path);
    if (status != PRUNE_OK) return status;
    int32_t width = image.width, height = image.height;
    const bool network = w->options->resolution == 1;
    if (network)
        status = prune_session_network_size(w->session, image.height, image.width, &height, &width);
    float *values = prune_memory_new(ctx, (size_t)width * (size_t)height, sizeof *values);
    const prune_pixels pixels = {image.rgb, image.width, image.height, 0, PRUNE_RGB};
    if (!values) status = PRUNE_E_MEMORY;
    if (status == PRUNE_OK)
        status = network ? prune_session_predict_network(w->session, &pixels, values)
                         : prune_session_predict(w->session, &pixels, values);
    stem_of(path, stem, sizeof stem);
    if (status == PRUNE_OK) status = write_map(w, stem, values, width, height);
    prune_memory_free(ctx, values);
    prune_image_free(ctx, &image);
    return status == PRUNE_OK ? status : prune_error_within(status, "%s", path);
}

static prune_status check(work *w)
{
    char a[400], b[400];
    if (w->options->format <= FORMAT_DEPTH16 && w->kind.output_kind != 2)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "--format %s needs metres, but this model predicts %s; use --format "
                               "f32, npy or pfm",
                               w->options->format == FORMAT_KITTI ? "kitti" : "depth16",
                               w->kind.output_kind == 0 ? "relative depth" : "disparity");
    /* Same name from two folders would overwrite the first result. */
    for (size_t i = 1; i < w->count; i++)
        for (size_t j = 0; j < i; j++) {
            stem_of(w->paths[i], a, sizeof a);
            stem_of(w->paths[j], b, sizeof b);
            if (strcmp(a, b) == 0)
                return prune_error_set(PRUNE_E_ARGUMENT,
                                       "%s and %s would be written to the same file: predict them "
                                       "into different folders",
                                       w->paths[j], w->paths[i]);
        }
    return prune_folder_create(w->options->output);
}

static prune_status predict_all(work *w)
{
    prune_status status = check(w);
    for (size_t i = 0; status == PRUNE_OK && i < w->count; i++) {
        prune_progress_report(w->call->ctx, "predict", i, w->count);
        status = prune_cancel_check(w->call->ctx);
        if (status == PRUNE_OK) status = predict_one(w, w->paths[i]);
    }
    if (status != PRUNE_OK) return status;
    prune_progress_report(w->call->ctx, "predict", w->count, w->count);
    (void)printf("%s: %zu predictions\n", w->options->output, w->count);
    char json[64];
    (void)snprintf(json, sizeof json, "{\"predictions\": %zu}", w->count);
    return cli_write_json(w->call, json);
}

static prune_status run(cli_call *call)
{
    work w = {.call = call, .options = call->options[0]};
    prune_session_options session;
    prune_model *model = NULL;
    prune_status status = PRUNE_OK;
    if (!w.options->output) return cli_usage_error("-o DIR is needed: where should results go?");
    prune_session_options_init(&session);
    session.precision = ((const prune_session_options *)call->options[2])->precision;
    status = cli_parse_size(w.options->size, &session.height, &session.width);
    for (int32_t i = 1; status == PRUNE_OK && i < call->count; i++)
        status = prune_path_is_folder(call->arguments[i]) ? add_folder(&w, call->arguments[i])
                                                          : push(&w, call->arguments[i]);
    if (status == PRUNE_OK)
        status = cli_open_model(call, call->arguments[0], call->options[1], &model);
    if (status == PRUNE_OK) status = prune_session_create(&w.session, model, &session);
    if (status == PRUNE_OK) {
        prune_session_describe(w.session, &w.kind);
        status = predict_all(&w);
    }
    for (size_t i = 0; i < w.count; i++) prune_memory_free(call->ctx, w.paths[i]);
    prune_memory_free(call->ctx, w.paths);
    prune_session_free(w.session);
    prune_model_free(model);
    return status;
}

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "MODEL IMAGE|DIR...",
    .summary = "writes depth maps of pictures, under the same names",
    .example = "prune predict bundled scenes/image -o depth --format kitti --color",
    .min_arguments = 2,
    .max_arguments = 1 << 20,
    .tables = {table, prune_load_option_table, prune_session_option_table},
    .run = run,
};
