#include "pipelines/recipe/fingerprint.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/hash.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- files and folders -----------------------------------------------------------------------*/
static prune_status hash_folder(prune_context *ctx, const char *path, const prune_file_list *list,
                                FILE *lines)
{
    prune_status status = PRUNE_OK;
    for (size_t i = 0; status == PRUNE_OK && i < list->count; i++) {
        char digest[65];
        if (list->names[i][0] == '.') continue;
        char *file = prune_path_join(ctx, path, list->names[i]);
        if (!file) return PRUNE_E_MEMORY;
        if (!prune_path_is_folder(file)) {
            status = prune_sha256_file(file, digest);
            if (status == PRUNE_OK) (void)fprintf(lines, "%s  %s\n", digest, list->names[i]);
        }
        prune_memory_free(ctx, file);
    }
    return status;
}

prune_status fingerprint_path(prune_context *ctx, const char *path, char digest[65])
{
    prune_file_list list = {0};
    char *text = NULL;
    size_t size = 0;
    if (!prune_path_is_folder(path)) return prune_sha256_file(path, digest);
    prune_status status = prune_folder_list(&list, ctx, path);
    if (status != PRUNE_OK) return status;
    FILE *lines = open_memstream(&text, &size);
    status = lines ? hash_folder(ctx, path, &list, lines) : PRUNE_E_MEMORY;
    const bool failed = !lines || ferror(lines);
    if (((lines && fclose(lines) != 0) || failed || !text) && status == PRUNE_OK)
        status = PRUNE_E_MEMORY;
    if (status == PRUNE_OK) prune_sha256(text, size, digest);
    if (status == PRUNE_E_MEMORY) status = prune_error_set(status, "out of memory");
    free(text);
    prune_file_list_free(ctx, &list);
    return status;
}

/* --- samples ---------------------------------------------------------------------------------*/
typedef struct hashing {
    prune_context *ctx;
    prune_samples *samples;
    char **lines;
    prune_status *statuses; /* per frame: messages belong to threads, so the first is done again */
} hashing;

static prune_status hash_sample(hashing *h, uint64_t index)
{
    prune_sample s;
    char rgb[65], depth[65] = "-", size[32] = "-";
    prune_status status = prune_samples_load(h->samples, index, &s);
    if (status != PRUNE_OK) return status;
    prune_sha256(s.rgb, (size_t)s.width * (size_t)s.height * 3, rgb);
    if (s.depth) {
        prune_sha256(s.depth, (size_t)s.depth_width * (size_t)s.depth_height * sizeof *s.depth,
                     depth);
        (void)snprintf(size, sizeof size, "%dx%d", s.depth_width, s.depth_height);
    }
    const char *group = s.group ? s.group : "";
    const size_t bytes = strlen(s.name) + strlen(group) + 256;
    h->lines[index] = prune_memory_new(h->ctx, bytes, 1);
    if (h->lines[index])
        (void)snprintf(h->lines[index], bytes, "%s\t%s\t%dx%d\t%s\t%s\t%s\n", s.name, group,
                       s.width, s.height, rgb, size, depth);
    else
        status = PRUNE_E_MEMORY;
    prune_samples_release(h->samples, &s);
    return status;
}

static void hash_some(void *argument, int64_t begin, int64_t end, int lane)
{
    hashing *h = argument;
    (void)lane;
    for (int64_t i = begin; i < end; i++) h->statuses[i] = hash_sample(h, (uint64_t)i);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static prune_status hash_lines(hashing *h, uint64_t count, char digest[65])
{
    size_t bytes = 0, at = 0;
    qsort(h->lines, (size_t)count, sizeof *h->lines, by_text);
    for (uint64_t i = 0; i < count; i++) bytes += strlen(h->lines[i]);
    char *text = prune_memory_new(h->ctx, bytes + 1, 1);
    if (!text) return PRUNE_E_MEMORY;
    for (uint64_t i = 0; i < count; i++) {
        const size_t length = strlen(h->lines[i]);
        memcpy(text + at, h->lines[i], length);
        at += length;
    }
    prune_sha256(text, bytes, digest);
    prune_memory_free(h->ctx, text);
    return PRUNE_OK;
}

prune_status fingerprint_samples(prune_context *ctx, prune_samples *samples, char digest[65])
{
    const uint64_t count = prune_samples_count(samples);
    hashing h = {.ctx = ctx,
                 .samples = samples,
                 .lines = prune_memory_zero(ctx, (size_t)count + 1, sizeof *h.lines),
                 .statuses = prune_memory_zero(ctx, (size_t)count + 1, sizeof *h.statuses)};
    prune_status status = h.lines && h.statuses ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) prune_parallel_for(ctx, (int64_t)count, 1, hash_some, &h);
    for (uint64_t i = 0; status == PRUNE_OK && i < count; i++) {
        if (h.statuses[i] == PRUNE_OK) continue;
        prune_memory_free(ctx, h.lines[i]);
        h.lines[i] = NULL;
        status = hash_sample(&h, i);
    }
    if (status == PRUNE_OK) status = hash_lines(&h, count, digest);
    for (uint64_t i = 0; h.lines && i < count; i++) prune_memory_free(ctx, h.lines[i]);
    prune_memory_free(ctx, h.lines);
    prune_memory_free(ctx, h.statuses);
    return status;
}
