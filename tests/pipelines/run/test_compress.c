#include "libprune/passes/shapes.h"
#include "tests/pipelines/scene.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *read_json(const char *folder, const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_msg(json != NULL, "%s", path);
    return json;
}

static long size_of(const char *folder, const char *name)
{
    char path[600];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

static void check_stages(const json_t *report, const char *folder)
{
    static const char *const names[] = {"before", "trimmed", "tuned", "int8"};
    const json_t *stages = json_object_get(report, "stages");
    ck_assert_uint_eq(json_array_size(stages), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *s = json_array_get(stages, i);
        ck_assert_str_eq(json_string_value(json_object_get(s, "name")), names[i]);
        const json_t *metric = json_object_get(json_object_get(s, "accuracy"), "abs_rel");
        ck_assert_double_gt(json_number_value(json_object_get(metric, "mean")), 0);
        ck_assert(i == 0 || json_object_get(metric, "change") != NULL);
        ck_assert_double_gt(
            json_number_value(json_object_get(json_object_get(s, "latency_ms"), "minimum")), 0);
    }
    const json_t *first = json_array_get(stages, 0), *last = json_array_get(stages, 3);
    ck_assert_int_lt(json_integer_value(json_object_get(last, "macs")),
                     json_integer_value(json_object_get(first, "macs")));
    ck_assert_int_gt(json_integer_value(json_object_get(last, "int8_layers")), 0);
    ck_assert_int_lt(json_integer_value(json_object_get(last, "file_bytes")),
                     json_integer_value(json_object_get(first, "file_bytes")));
    ck_assert_int_eq(json_integer_value(json_object_get(last, "packed_bytes")),
                     size_of(folder, "model.safetensors.zst"));
}

START_TEST(everything_is_written_and_adds_up)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_vit(ctx), *packed;
    scene_options o;
    char *table = NULL, folder[512], path[600];
    scene_options_init(&o);
    ck_ok(pr_model_set_origin(model)); /* as every loaded model has it */
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "compressed"));
    o.cut.granularity = 1;
    o.compress.output = folder;
    o.compress.images = scene_samples(ctx, 8, 1);
    o.compress.test = scene_samples(ctx, 5, 2);
    o.compress.command = "prune compress <tiny>";
    ck_ok(prune_compress(ctx, model, &o.compress, &table));
    ck_assert_ptr_nonnull(strstr(table, "abs_rel (test)"));
    ck_assert_ptr_nonnull(strstr(table, "int8"));
    json_t *report = read_json(folder, "report.json");
    check_stages(report, folder);
    ck_assert_uint_eq(json_array_size(json_object_get(report, "pictures")), 3);
    const json_t *entry = json_array_get(json_object_get(report, "pictures"), 2);
    ck_assert_str_eq(json_string_value(json_object_get(entry, "rank")), "worst");
    ck_assert_int_gt(size_of(folder, json_string_value(json_object_get(entry, "error_after"))), 99);
    ck_assert_int_gt(size_of(folder, "report.csv"), 200);
    ck_assert_int_gt(size_of(folder, "report.html"), 1000);
    /* The file is the model that the caller now holds. */
    (void)snprintf(path, sizeof path, "%s/model.safetensors.zst", folder);
    ck_ok(prune_model_load(&packed, ctx, path, NULL));
    ck_assert_int_eq(packed->n_nodes, model->n_nodes);
    prune_model_free(packed);
    ck_assert_int_eq(size_of(folder, ".measured-size"), -1);
    json_decref(report);
    prune_text_free(table);
    prune_samples_free(o.compress.images);
    prune_samples_free((prune_samples *)o.compress.test);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(stages_can_be_left_out)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_conv(ctx);
    scene_options o;
    char *table = NULL;
    scene_options_init(&o);
    o.compress.output = test_path(0, "quantized");
    o.compress.images = scene_samples(ctx, 8, 1);
    o.compress.align = "default";
    o.compress.trim = o.compress.tune = false;
    ck_ok(prune_compress(ctx, model, &o.compress, &table));
    ck_assert_ptr_null(strstr(table, "trimmed"));
    ck_assert_ptr_nonnull(strstr(table, "int8"));
    ck_assert_ptr_null(strstr(table, "(test)"));
    prune_text_free(table);
    prune_samples_free(o.compress.images);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(mistakes_are_named_before_work_begins)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    scene_options o;
    char *table = NULL;
    scene_options_init(&o);
    ck_fails(prune_compress(ctx, model, &o.compress, &table), PRUNE_E_ARGUMENT, "-o");
    o.compress.output = test_path(0, "never");
    ck_fails(prune_compress(ctx, model, &o.compress, &table), PRUNE_E_ARGUMENT, "--images");
    o.compress.images = scene_samples(ctx, 4, 1);
    o.compress.protocol = "guess";
    ck_fails(prune_compress(ctx, model, &o.compress, &table), PRUNE_E_ARGUMENT, "guess");
    ck_assert_int_ne(access(o.compress.output, F_OK), 0);
    prune_samples_free(o.compress.images);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.run.compress", everything_is_written_and_adds_up, stages_can_be_left_out,
          mistakes_are_named_before_work_begins)
