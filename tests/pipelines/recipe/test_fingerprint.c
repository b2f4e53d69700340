#include "pipelines/recipe/fingerprint.h"
#include "tests/support/support.h"

#include <prune/sys/error.h>
#include <prune/sys/hash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* What the shell says: the first 64 characters that the command prints. */
static void shell(const char *command, char digest[65])
{
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    ck_assert_ptr_nonnull(fgets(digest, 65, pipe));
    ck_assert_uint_eq(strlen(digest), 64);
    (void)pclose(pipe);
}

START_TEST(files_and_folders_as_sha256sum_has_them)
{
    prune_context *ctx = test_context(1);
    char folder[512], path[700], line[1500], digest[65], wanted[65];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "checkpoint"));
    (void)snprintf(line, sizeof line, "rm -rf '%s'; mkdir -p '%s/inner'", folder, folder);
    ck_assert_int_eq(system(line), 0);
    write_file(folder, "model.safetensors", "weights");
    write_file(folder, "config.json", "abc");
    write_file(folder, ".hidden", "not counted");
    write_file(folder, "inner/file", "not counted");
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    ck_ok(fingerprint_path(ctx, path, digest));
    /* FIPS 180-2, "abc". */
    ck_assert_str_eq(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_ok(fingerprint_path(ctx, folder, digest));
    (void)snprintf(line, sizeof line, "cd '%s' && sha256sum *.* | sha256sum", folder);
    shell(line, wanted);
    ck_assert_str_eq(digest, wanted);
    ck_fails(fingerprint_path(ctx, "/nowhere/model.pth", digest), PRUNE_E_IO, "/nowhere/model.pth");
    prune_context_free(ctx);
}
END_TEST

typedef struct frames {
    uint8_t rgb[3][6];
    float depth[2];
    const char *names[3];
    bool labelled;
    int bad; /* index of a frame that cannot be read; -1: none */
} frames;

static prune_status load_frame(void *user, uint64_t index, prune_sample *sample)
{
    const frames *f = user;
    if ((int)index == f->bad) return prune_error_set(PRUNE_E_FORMAT, "frame %s is broken", "x");
    *sample = (prune_sample){
        .name = f->names[index], .group = "drive", .width = 2, .height = 1, .rgb = f->rgb[index]};
    if (f->labelled) {
        sample->depth = f->depth;
        sample->depth_width = 2;
        sample->depth_height = 1;
    }
    return PRUNE_OK;
}

static void release_frame(void *user, prune_sample *sample)
{
    (void)user, (void)sample;
}

static prune_status name_frame(void *user, uint64_t index, const char **name, const char **group)
{
    *name = ((const frames *)user)->names[index];
    *group = "drive";
    return PRUNE_OK;
}

static prune_status hash_frames(prune_context *ctx, frames *f, uint64_t count, char digest[65])
{
    prune_samples *samples;
    const prune_sample_source source = {.struct_size = (uint32_t)sizeof source,
                                        .user = f,
                                        .count = count,
                                        .load = load_frame,
                                        .release = release_frame,
                                        .identify = name_frame};
    ck_ok(prune_samples_create(&samples, ctx, &source));
    const prune_status status = fingerprint_samples(ctx, samples, digest);
    prune_samples_free(samples);
    return status;
}

START_TEST(samples_by_name_pixels_and_depth_but_not_by_order)
{
    prune_context *ctx = test_context(2);
    frames f = {.rgb = {{1, 2, 3, 4, 5, 6}, {7}, {8}},
                .depth = {1.5F, 0},
                .names = {"b", "a", "c"},
                .bad = -1};
    char digest[65], other[65], one[65], two[65], text[500];
    ck_ok(hash_frames(ctx, &f, 2, digest));
    prune_sha256(f.rgb[1], 6, one);
    prune_sha256(f.rgb[0], 6, two);
    (void)snprintf(text, sizeof text, "a\tdrive\t2x1\t%s\t-\t-\nb\tdrive\t2x1\t%s\t-\t-\n", one,
                   two);
    prune_sha256(text, strlen(text), other);
    ck_assert_str_eq(digest, other);
    frames g = f; /* the other way round */
    g.names[0] = "a", g.names[1] = "b";
    memcpy(g.rgb[0], f.rgb[1], 6);
    memcpy(g.rgb[1], f.rgb[0], 6);
    ck_ok(hash_frames(ctx, &g, 2, other));
    ck_assert_str_eq(digest, other);
    g.rgb[0][5] ^= 1;
    ck_ok(hash_frames(ctx, &g, 2, other));
    ck_assert_str_ne(digest, other);
    ck_ok(hash_frames(ctx, &f, 3, other));
    ck_assert_str_ne(digest, other);
    f.labelled = true;
    ck_ok(hash_frames(ctx, &f, 2, one));
    ck_assert_str_ne(digest, one);
    f.depth[0] = 1.25F;
    ck_ok(hash_frames(ctx, &f, 2, two));
    ck_assert_str_ne(one, two);
    f.bad = 1;
    ck_fails(hash_frames(ctx, &f, 2, two), PRUNE_E_FORMAT, "frame x is broken");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.fingerprint", files_and_folders_as_sha256sum_has_them,
          samples_by_name_pixels_and_depth_but_not_by_order)
