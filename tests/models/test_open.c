/* Opening: wrappers are seen through, gaps are named, nothing is skipped silently.
 * Covers: open.c, checkpoint.c, finish.c, builder.c */
#include "libprune/formats/container.h"
#include "libprune/formats/safetensors.h"
#include "libprune/models/builder.h"
#include "libprune/models/models.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

static const char tiny[] = "tests/golden/dav2_tiny.pth";

typedef struct log_lines {
    char text[1 << 14];
    size_t length;
} log_lines;

static void note(void *user, prune_log_level level, const char *line)
{
    log_lines *log = user;
    if (level == PRUNE_LOG_DEBUG) return;
    log->length +=
        (size_t)snprintf(log->text + log->length, sizeof log->text - log->length, "%s\n", line);
}

static prune_context *logging_context(log_lines *log)
{
    prune_context *ctx;
    prune_context_options o;
    prune_context_options_init(&o);
    o.threads = 1;
    o.user = log;
    o.log = note;
    log->length = 0;
    ck_ok(prune_context_create(&ctx, &o));
    return ctx;
}

/* The tiny checkpoint with other names: prefix + name, except `without`, which is left out. */
static const char *rewrite(prune_context *ctx, const char *prefix, const char *middle,
                           const char *without, const char *extra)
{
    pr_table from, to;
    const char *path = test_path(0, "rewritten.safetensors");
    ck_ok(pr_container_read(&from, ctx, tiny, 0));
    pr_table_init(&to, ctx);
    for (size_t i = 0; i < from.count; i++) {
        char name[256];
        const char *key = from.items[i].name, *dot = strchr(key, '.') + 1;
        if (without && strcmp(key, without) == 0) continue;
        (void)snprintf(name, sizeof name, "%s%.*s%s%s", prefix, (int)(dot - key), key, middle, dot);
        ck_ok(pr_table_add(&to, name, pr_tensor_share(&from.items[i].tensor)));
    }
    if (extra) ck_ok(pr_table_add(&to, extra, pr_tensor_share(&from.items[0].tensor)));
    ck_ok(pr_safetensors_write(&to, path));
    pr_table_free(&from);
    pr_table_free(&to);
    return path;
}

static prune_status open_tiny(prune_model **out, prune_context *ctx, const char *path)
{
    prune_load_options o;
    prune_load_options_init(&o);
    o.heads = 4;
    return prune_model_load(out, ctx, path, &o);
}

START_TEST(wrappers_are_seen_through)
{
    static const char *const prefixes[] = {"module.", "model.", "_orig_mod.module.",
                                           "model.depth_net.", "net._orig_mod."};
    prune_context *ctx = test_context(1);
    prune_model *plain, *wrapped;
    ck_ok(open_tiny(&plain, ctx, tiny));
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
        const char *path = rewrite(ctx, prefixes[k], k == 2 ? "_orig_mod." : "", NULL, NULL);
        ck_ok(open_tiny(&wrapped, ctx, path));
        ck_assert_int_eq(wrapped->n_params, plain->n_params);
        for (int32_t i = 0; i < plain->n_params; i++)
            ck_assert_mem_eq(wrapped->params[i].tensor.data, plain->params[i].tensor.data,
                             pr_tensor_bytes(&plain->params[i].tensor));
        prune_model_free(wrapped);
    }
    prune_model *none = NULL;
    const char *path = rewrite(ctx, "student.", "", NULL, NULL);
    ck_fails(open_tiny(&none, ctx, path), PRUNE_E_UNSUPPORTED, "no known network");
    prune_model_free(plain);
    prune_context_free(ctx);
}
END_TEST

START_TEST(gaps_are_named)
{
    prune_context *ctx = test_context(1);
    prune_model *model = NULL;
    const char *path = rewrite(ctx, "", "", "pretrained.blocks.2.attn.proj.bias", NULL);
    ck_fails(open_tiny(&model, ctx, path), PRUNE_E_FORMAT,
             "1 missing ('pretrained.blocks.2.attn.proj.bias')");
    ck_assert_ptr_nonnull(strstr(prune_last_error(), "rewritten.safetensors"));
    path = rewrite(ctx, "", "", "pretrained.blocks.3.mlp.fc1.weight", NULL);
    ck_fails(open_tiny(&model, ctx, path), PRUNE_E_FORMAT, "4 transformer blocks");
    path = rewrite(ctx, "", "", "pretrained.pos_embed", NULL);
    ck_fails(open_tiny(&model, ctx, path), PRUNE_E_FORMAT, "pretrained.pos_embed");
    ck_fails(open_tiny(&model, ctx, "nowhere.pth"), PRUNE_E_IO, "nowhere.pth");
    ck_assert_ptr_null(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(wrong_shapes_are_named)
{
    prune_context *ctx = test_context(1);
    prune_model *model = NULL;
    pr_table table;
    ck_ok(pr_container_read(&table, ctx, tiny, 0));
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(table.items[i].name, "depth_head.scratch.layer3_rn.weight") == 0) {
            pr_shape *shape = &table.items[i].tensor.shape; /* 8x16x3x3 */
            shape->dim[0] = 16;
            shape->dim[1] = 8;
        }
    ck_ok(pr_safetensors_write(&table, test_path(1, "bad.safetensors")));
    pr_table_free(&table);
    ck_fails(open_tiny(&model, ctx, test_path(1, "bad.safetensors")), PRUNE_E_FORMAT,
             "'depth_head.scratch.layer3_rn.weight' is 16x8x3x3, expected 8x16x3x3");
    prune_context_free(ctx);
}
END_TEST

START_TEST(guesses_and_leftovers_are_logged)
{
    static log_lines log;
    prune_context *ctx = logging_context(&log);
    prune_model *model;
    const char *path = rewrite(ctx, "", "", NULL, "pretrained.register_tokens");
    ck_ok(open_tiny(&model, ctx, path));
    ck_assert_ptr_nonnull(strstr(log.text, "'pretrained.register_tokens' belongs to no layer"));
    ck_assert_ptr_nonnull(strstr(log.text, "--output-kind metric"));
    ck_assert_ptr_nonnull(strstr(log.text, "--taps"));
    ck_assert_ptr_null(strstr(log.text, "mask_token")); /* known to be without effect */
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Version 1 of the network has the same tensors and other taps: its file names tell. */
START_TEST(version_1_is_known_by_its_name)
{
    static log_lines log;
    prune_context *ctx = logging_context(&log);
    prune_model *model;
    pr_table table;
    const char *path = test_path(1, "depth_anything_vits14.safetensors");
    ck_ok(pr_container_read(&table, ctx, tiny, 0));
    ck_ok(pr_safetensors_write(&table, path));
    pr_table_free(&table);
    ck_ok(open_tiny(&model, ctx, path));
    ck_assert_ptr_nonnull(strstr(log.text, "taking version 1's taps 0,1,2,3"));
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(published_names_tell_the_output)
{
    static const struct {
        const char *name;
        int32_t kind;
        float depth;
    } names[] = {{"depth_anything_v2_metric_hypersim_vits.pth", PR_OUTPUT_METRIC, 20},
                 {"depth_anything_v2_metric_vkitti_vitl.pth", PR_OUTPUT_METRIC, 80},
                 {"depth_anything_v2_vitb.pth", PR_OUTPUT_RELATIVE, 0}};
    prune_context *ctx = test_context(1);
    pr_table table;
    ck_ok(pr_container_read(&table, ctx, tiny, 0));
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        prune_model *model;
        const char *path = test_path(1, names[k].name);
        ck_ok(pr_safetensors_write(&table, path));
        ck_ok(open_tiny(&model, ctx, path));
        ck_assert_int_eq(model->meta.output_kind, names[k].kind);
        ck_assert_float_eq(model->meta.max_depth, names[k].depth);
        prune_model_free(model);
    }
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

/* Memory that runs out after a number of allocations. */
typedef struct ration {
    int64_t left, held;
} ration;

static void *ration_allocate(void *user, size_t bytes, size_t alignment)
{
    ration *r = user;
    void *memory = NULL;
    if (r->left-- <= 0 || posix_memalign(&memory, alignment, bytes) != 0) return NULL;
    r->held++;
    return memory;
}

static void ration_release(void *user, void *memory)
{
    ration *r = user;
    if (memory) r->held--;
    free(memory);
}

/* Loading and saving with `allowed` allocations: a clean error, and everything is given back. */
static prune_status load_and_save(prune_context *ctx, ration *r, int64_t allowed, const char *path)
{
    prune_model *model = NULL;
    prune_save_options o;
    prune_save_options_init(&o);
    o.level = 1;
    o.container = 1;
    r->left = INT64_MAX;
    int64_t before = r->held;
    r->left = allowed;
    prune_status status = open_tiny(&model, ctx, path);
    if (status == PRUNE_OK) status = prune_model_save(model, test_path(2, "out.zst"), &o);
    prune_model_free(model);
    ck_assert_int_eq(r->held, before);
    return status;
}

START_TEST(memory_may_run_out_anywhere)
{
    static const char *const files[] = {tiny, "tests/golden/dav2_tiny_hf"};
    ration r = {.left = INT64_MAX};
    prune_context *ctx;
    prune_context_options o;
    prune_context_options_init(&o);
    o.threads = 1;
    o.user = &r;
    o.allocate = ration_allocate;
    o.release = ration_release;
    ck_ok(prune_context_create(&ctx, &o));
    for (int k = 0; k < 2; k++) {
        prune_status status = PRUNE_E_MEMORY;
        for (int64_t n = 0; status != PRUNE_OK; n += 1 + n / 40) {
            ck_assert_int_lt(n, 1 << 20);
            status = load_and_save(ctx, &r, n, files[k]);
            ck_assert_msg(status == PRUNE_OK || status == PRUNE_E_MEMORY, "%s: after %d: %s",
                          prune_status_name(status), (int)n, prune_last_error());
        }
    }
    r.left = INT64_MAX;
    prune_context_free(ctx);
    ck_assert_int_eq(r.held, 0);
}
END_TEST

START_TEST(permutes_axes)
{
    prune_context *ctx = test_context(1);
    pr_tensor in, out;
    pr_shape shape = pr_shape4(2, 3, 4, 5);
    ck_ok(pr_tensor_create(&in, ctx, PR_F32, &shape));
    for (int64_t i = 0; i < 120; i++) pr_f32(&in)[i] = (float)i;
    ck_ok(pr_models_permute(&out, ctx, &in, (int32_t[]){2, 3, 1, 0}));
    shape = pr_shape4(4, 5, 3, 2);
    ck_assert(pr_shape_equal(&out.shape, &shape));
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 5; b++)
            for (int c = 0; c < 3; c++)
                for (int d = 0; d < 2; d++)
                    ck_assert_float_eq(pr_f32(&out)[((a * 5 + b) * 3 + c) * 2 + d],
                                       (float)(((d * 3 + c) * 4 + a) * 5 + b));
    pr_tensor_release(&in);
    pr_tensor_release(&out);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/open", wrappers_are_seen_through, gaps_are_named, wrong_shapes_are_named,
          guesses_and_leftovers_are_logged, version_1_is_known_by_its_name,
          published_names_tell_the_output, memory_may_run_out_anywhere, permutes_axes)
