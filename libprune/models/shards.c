#include "libprune/models/shards.h"

#include "libprune/base/file.h"
#include "libprune/formats/container.h"

#include <string.h>

enum { MAX_SHARDS = 1024, MAX_SHARD_NAME = 255 };

/* A file next to the index and nothing else: an index must not make us open other files. */
static bool plain_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= MAX_SHARD_NAME && name[0] != '.' && !strchr(name, '/') &&
           !strchr(name, '\\');
}

/* The names of the shards, each once, as keys. */
static prune_status list_shards(json_t **out, json_t *map)
{
    const char *tensor;
    json_t *value, *shards = json_object();
    if (!shards) return pr_fail_memory(64);
    json_object_foreach(map, tensor, value)
    {
        const char *shard = json_string_value(value);
        prune_status status = PRUNE_OK;
        if (!shard || !plain_name(shard))
            status = pr_fail(PRUNE_E_FORMAT,
                             "the shard of tensor '%s' must be the name of a file next to the "
                             "index, not '%.100s'",
                             tensor, shard ? shard : "something else than text");
        else if (json_object_set_new(shards, shard, json_null()) != 0)
            status = pr_fail_memory(64);
        else if (json_object_size(shards) > MAX_SHARDS)
            status = pr_fail(PRUNE_E_FORMAT, "more than %d shards", MAX_SHARDS);
        if (status != PRUNE_OK) {
            json_decref(shards);
            return status;
        }
    }
    *out = shards;
    return PRUNE_OK;
}

/* Moves the tensors that the index places in this shard; others there are left out, as they are
 * nobody's. */
static prune_status take_tensors(pr_checkpoint *c, const pr_table *table, json_t *map,
                                 const char *shard)
{
    const char *tensor;
    json_t *value;
    json_object_foreach(map, tensor, value)
    {
        if (strcmp(json_string_value(value), shard) != 0) continue;
        const pr_tensor *found = pr_table_find(table, tensor);
        if (!found)
            return pr_fail(PRUNE_E_FORMAT,
                           "tensor '%s' is not in shard '%s': index and shards belong to "
                           "different models, or the shard was not downloaded whole",
                           tensor, shard);
        PR_TRY(pr_table_add(&c->table, tensor, pr_tensor_share(found)));
    }
    return PRUNE_OK;
}

static prune_status read_shard(pr_checkpoint *c, const char *folder, json_t *map, size_t count,
                               const char *shard, uint64_t max_bytes)
{
    pr_table table;
    char *path = pr_path_join(c->ctx, folder, shard);
    if (!path) return PRUNE_E_MEMORY;
    prune_status status = PRUNE_OK;
    if (!pr_path_exists(path))
        status = pr_fail(PRUNE_E_IO, "shard '%s' is missing: the model consists of %zu such files",
                         shard, count);
    else
        status = pr_container_read(&table, c->ctx, path, max_bytes);
    pr_free(c->ctx, path);
    PR_TRY(status);
    status = take_tensors(c, &table, map, shard);
    pr_table_free(&table);
    return status;
}

static prune_status read_all(pr_checkpoint *c, const char *folder, const json_t *index,
                             uint64_t max_bytes)
{
    json_t *map = json_object_get(index, "weight_map"), *shards = NULL, *unused;
    const char *shard;
    if (!json_is_object(map) || json_object_size(map) == 0)
        return pr_fail(PRUNE_E_FORMAT, "no 'weight_map' that says which tensor is in which file");
    PR_TRY(list_shards(&shards, map));
    prune_status status = PRUNE_OK;
    json_object_foreach(shards, shard, unused)
    {
        status = read_shard(c, folder, map, json_object_size(shards), shard, max_bytes);
        if (status != PRUNE_OK) break;
    }
    json_decref(shards);
    return status == PRUNE_OK ? pr_checkpoint_finish(c) : status;
}

prune_status pr_shards_read(pr_checkpoint *c, const char *folder, const char *index,
                            uint64_t max_bytes)
{
    json_t *json = NULL;
    char *path = pr_path_join(c->ctx, folder, index);
    if (!path) return PRUNE_E_MEMORY;
    prune_status status = pr_checkpoint_json(&json, path);
    if (status == PRUNE_OK) {
        status = read_all(c, folder, json, max_bytes);
        if (status != PRUNE_OK) status = pr_fail_within(status, "%s", index);
    }
    json_decref(json);
    pr_free(c->ctx, path);
    return status;
}
