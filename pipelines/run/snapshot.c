/* Models on their way through files. Every stage's result is written, read back and only then used,
 * so that a run that was interrupted and one that was not go through the same states. */
#include "pipelines/run/engine.h"

#include <prune/sys/error.h>
#include <prune/sys/hash.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void engine_file(const engine *e, const stage *s, const char *suffix, char name[ENGINE_NAME_MAX])
{
    (void)snprintf(name, ENGINE_NAME_MAX, "stages/%02d-%s%s", (int)e->index, s->name, suffix);
    for (char *c = name; *c; c++)
        if (*c == ' ') *c = '-';
}

prune_status snapshot_save(engine *e, const prune_model *model, const char *file, char digest[65])
{
    prune_save_options save;
    prune_save_options_init(&save);
    save.container = 2;
    save.integers = false;
    char *path = run_directory_path(&e->directory, file);
    prune_status status = path ? prune_model_save(model, path, &save) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = prune_sha256_file(path, digest);
    prune_memory_free(e->ctx, path);
    return status;
}

prune_status snapshot_load(engine *e, const char *file, const char *digest, prune_model **out)
{
    char found[65];
    char *path = run_directory_path(&e->directory, file);
    prune_status status = path ? prune_sha256_file(path, found) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK && strcmp(found, digest) != 0)
        status = prune_error_set(PRUNE_E_FORMAT,
                                 "%s: it is not what the run wrote (its SHA-256 differs); begin "
                                 "again in another folder",
                                 path);
    if (status == PRUNE_OK) status = prune_model_load(out, e->ctx, path, NULL);
    prune_memory_free(e->ctx, path);
    return status;
}

/* A file that is only looked at. Its name says that nobody should. */
static prune_status pass_through(engine *e, const prune_model *model,
                                 const prune_save_options *save, uint64_t *bytes, char *digest,
                                 prune_model **out)
{
    struct stat info;
    char *path = run_directory_path(&e->directory, save->container == 1 ? ".passing.safetensors.zst"
                                                                        : ".passing.safetensors");
    prune_status status = path ? prune_model_save(model, path, save) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK && bytes) *bytes = stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
    if (status == PRUNE_OK && digest) status = prune_sha256_file(path, digest);
    if (status == PRUNE_OK && out) status = prune_model_load(out, e->ctx, path, NULL);
    if (path) (void)unlink(path);
    prune_memory_free(e->ctx, path);
    return status;
}

prune_status snapshot_size(engine *e, const prune_model *model, const prune_save_options *save,
                           uint64_t *bytes, char digest[65])
{
    return pass_through(e, model, save, bytes, digest, NULL);
}

prune_status snapshot_ship(engine *e, const prune_model *state, uint64_t *packed, prune_model **out)
{
    prune_save_options save = e->recipe->save;
    /* Compression loses nothing: who does not need the size is spared the work. */
    save.container = packed ? 1 : 2;
    return pass_through(e, state, &save, packed, NULL, out);
}
