/* What commands share about models and results. */
#include "pipelines/cli/command.h"

#include <prune/eval.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

prune_status cli_parse_size(const char *text, int32_t *height, int32_t *width)
{
    char *end = NULL;
    if (!text) return PRUNE_OK;
    const long h = strtol(text, &end, 10);
    const long w = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end != '\0' || h < 1 || w < 1 || h > 16384 || w > 16384)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "'%s' is not a size: give HEIGHTxWIDTH, such as 196x644", text);
    *height = (int32_t)h;
    *width = (int32_t)w;
    return PRUNE_OK;
}

prune_status cli_write_json(const cli_call *call, const char *text)
{
    const char *path = call->common->json;
    if (!path) return PRUNE_OK;
    if (strcmp(path, "-") != 0) return prune_file_write(call->ctx, path, text, strlen(text));
    return puts(text) >= 0 ? PRUNE_OK
                           : prune_error_set(PRUNE_E_IO, "cannot write to standard output");
}

#ifdef PRUNE_HAS_BUNDLED
/* pipelines/models/bundled.safetensors.zst, put into the program by cli/bundled.S. */
extern const unsigned char cli_bundled_model[], cli_bundled_model_end[];

static prune_status open_bundled(cli_call *call, const prune_load_options *options,
                                 prune_model **model)
{
    return prune_model_load_memory(model, call->ctx, cli_bundled_model,
                                   (uint64_t)(cli_bundled_model_end - cli_bundled_model), options);
}
#else
static prune_status open_bundled(cli_call *call, const prune_load_options *options,
                                 prune_model **model)
{
    (void)call, (void)options, (void)model;
    return prune_error_set(PRUNE_E_UNSUPPORTED, "this build has no bundled model: train it with "
                                                "pipelines/models/train.sh and build again");
}
#endif

prune_status cli_open_model(cli_call *call, const char *path, const prune_load_options *options,
                            prune_model **model)
{
    if (strcmp(path, "bundled") == 0) return open_bundled(call, options, model);
    return prune_model_load(model, call->ctx, path, options);
}

prune_status cli_open_images(cli_call *call, const char *path, prune_samples **out)
{
    char *pairs = prune_path_join(call->ctx, path, "groundtruth_depth");
    const bool labelled = pairs && prune_path_exists(pairs);
    prune_memory_free(call->ctx, pairs);
    return labelled ? prune_dataset_open(out, call->ctx, path, NULL)
                    : prune_samples_open(out, call->ctx, path);
}
