/* One checkpoint in every container, naming, wrapping and floating-point type that people have:
 * all of them open as the same model, bit for bit.
 * Covers: shards.c */
#include "libprune/graph/graph.h"
#include "libprune/interpreter/interpreter.h"
#include "tests/models/checkpoints.h"

#include <prune/model.h>
#include <stdio.h>

static prune_context *ctx;
static pr_table original, port; /* the same F32 values under both namings */

static void open_tables(void)
{
    pr_table stored;
    ctx = test_context(1);
    ck_ok(pr_container_read(&stored, ctx, "tests/golden/dav2_tiny.pth", 0));
    round_table(&original, &stored);
    pr_table_free(&stored);
    ck_ok(pr_container_read(&stored, ctx, "tests/golden/dav2_tiny_hf/model.safetensors", 0));
    round_table(&port, &stored);
    pr_table_free(&stored);
}

static void close_tables(void)
{
    pr_table_free(&original);
    pr_table_free(&port);
    prune_context_free(ctx);
}

static prune_load_options options(void)
{
    prune_load_options o;
    prune_load_options_init(&o);
    o.heads = 4;
    o.output = 1;
    o.position_rule = 1; /* what the namings stand for by default differs */
    o.preprocess = 1;
    return o;
}

static prune_model *load(const char *path)
{
    prune_model *model = NULL;
    prune_load_options o = options();
    ck_ok(prune_model_load(&model, ctx, path, &o));
    return model;
}

static void check_same(const char *what, const prune_model *a, const prune_model *b)
{
    json_t *x = pr_model_to_json(a), *y = pr_model_to_json(b);
    ck_assert_msg(json_equal(x, y), "%s: another graph", what);
    json_decref(x);
    json_decref(y);
    ck_assert_int_eq(a->n_params, b->n_params);
    /* Fused layers are bound in another order: by name, not by number. */
    for (int32_t i = 0, k; i < a->n_params; i++) {
        for (k = 0; k < b->n_params && strcmp(a->params[i].name, b->params[k].name) != 0;) k++;
        ck_assert_msg(k < b->n_params, "%s: no parameter '%s'", what, a->params[i].name);
        const pr_tensor *s = &a->params[i].tensor, *t = &b->params[k].tensor;
        ck_assert_msg(s->dtype == t->dtype && pr_shape_equal(&s->shape, &t->shape) &&
                          memcmp(s->data, t->data, pr_tensor_bytes(s)) == 0,
                      "%s: parameter '%s' differs", what, a->params[i].name);
    }
}

/* Shards of three parts, and their index. */
static void write_shards(const pr_table *table, const char *folder, bool zip)
{
    json_t *map = json_object();
    ck_ok(pr_path_make_directory(folder));
    for (size_t k = 0; k < 3; k++) {
        char name[64], path[600];
        pr_table part;
        (void)snprintf(
            name, sizeof name,
            zip ? "pytorch_model-%05zu-of-00003.bin" : "model-%05zu-of-00003.safetensors", k + 1);
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        part_of_table(&part, table, table->count * k / 3, table->count * (k + 1) / 3);
        if (zip)
            write_zip(&part, &(wrapping){0}, path);
        else
            ck_ok(pr_safetensors_write(&part, path));
        for (size_t i = 0; i < part.count; i++)
            json_object_set_new(map, part.items[i].name, json_string(name));
        pr_table_free(&part);
    }
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s.index.json", folder,
                   zip ? "pytorch_model.bin" : "model.safetensors");
    json_t *index = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 1, "weight_map", map);
    ck_assert_int_eq(json_dump_file(index, path, 0), 0);
    json_decref(index);
}

START_TEST(every_container_and_type)
{
    static const pr_dtype dtypes[] = {PR_F32, PR_F16, PR_BF16};
    static const wrapping none;
    open_tables();
    char path[4][512];
    const char *endings[4] = {"zip.pth", "legacy.pth", "original.safetensors", "port.safetensors"};
    for (int k = 0; k < 4; k++)
        (void)snprintf(path[k], sizeof path[k], "%s", test_path(k, endings[k]));
    write_zip(&original, &none, path[0]);
    prune_model *reference = load(path[0]);
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        pr_table a, b;
        convert_table(&a, &original, dtypes[d]);
        convert_table(&b, &port, dtypes[d]);
        write_zip(&a, &none, path[0]);
        write_legacy(&a, &none, path[1]);
        ck_ok(pr_safetensors_write(&a, path[2]));
        ck_ok(pr_safetensors_write(&b, path[3]));
        for (int k = 0; k < 4; k++) {
            char what[64];
            (void)snprintf(what, sizeof what, "%s of %s", endings[k], pr_dtype_name(dtypes[d]));
            prune_model *model = load(path[k]);
            check_same(what, model, reference);
            prune_model_free(model);
        }
        pr_table_free(&a);
        pr_table_free(&b);
    }
    prune_model_free(reference);
    close_tables();
}
END_TEST

START_TEST(every_wrapping)
{
    static const wrapping wrappings[] = {
        {NULL, "model", "module."},         {NULL, "state_dict", "model."},
        {"state_dict", "model", "module."}, {NULL, "model_state_dict", NULL},
        {NULL, "net", "_orig_mod."},        {NULL, NULL, "module."},
        {NULL, "state_dict_ema", NULL},     {NULL, "state_dict", "model.depth_net."}};
    open_tables();
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(0, "wrapped.pth"));
    write_zip(&original, &(wrapping){0}, path);
    prune_model *reference = load(path);
    for (size_t k = 0; k < sizeof wrappings / sizeof *wrappings; k++)
        for (int naming = 0; naming < 2; naming++) {
            write_zip(naming ? &port : &original, &wrappings[k], path);
            prune_model *zip = load(path);
            check_same("wrapped zip", zip, reference);
            write_legacy(naming ? &port : &original, &wrappings[k], path);
            prune_model *legacy = load(path);
            check_same("wrapped stream", legacy, reference);
            prune_model_free(zip);
            prune_model_free(legacy);
        }
    prune_model_free(reference);
    close_tables();
}
END_TEST

START_TEST(shards)
{
    open_tables();
    char folder[400], path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(0, "whole.pth"));
    write_zip(&original, &(wrapping){0}, path);
    prune_model *reference = load(path);
    for (int k = 0; k < 4; k++) {
        pr_table half;
        (void)snprintf(folder, sizeof folder, "%s%d", test_path(1, "shards"), k);
        convert_table(&half, k % 2 ? &port : &original, PR_BF16);
        write_shards(&half, folder, k / 2);
        prune_model *model = load(folder);
        check_same(folder, model, reference);
        prune_model_free(model);
        (void)snprintf(path, sizeof path, "%s/%s.index.json", folder,
                       k / 2 ? "pytorch_model.bin" : "model.safetensors");
        model = load(path); /* the index itself stands for its folder */
        check_same(path, model, reference);
        prune_model_free(model);
        pr_table_free(&half);
    }
    prune_model_free(reference);
    close_tables();
}
END_TEST

/* An index with one tensor in one shard. */
static prune_status load_index(const char *folder, const char *text, char *path, size_t size)
{
    prune_model *model = NULL;
    (void)snprintf(path, size, "%s/model.safetensors.index.json", folder);
    ck_ok(pr_path_make_directory(folder));
    ck_ok(pr_file_write(ctx, path, text, strlen(text)));
    return prune_model_load(&model, ctx, path, NULL);
}

START_TEST(an_index_reads_its_own_folder_only)
{
    static const char *const names[] = {
        "../shard.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "a\\\\b", ".hidden"};
    open_tables();
    char folder[400], path[512], text[256];
    (void)snprintf(folder, sizeof folder, "%s", test_path(2, "index"));
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        (void)snprintf(text, sizeof text, "{\"weight_map\": {\"w\": \"%s\"}}", names[k]);
        ck_fails(load_index(folder, text, path, sizeof path), PRUNE_E_FORMAT,
                 "model.safetensors.index.json: the shard of tensor 'w' must be the name of a file "
                 "next to the index, not '");
    }
    ck_fails(load_index(folder, "{\"weight_map\": {\"w\": 7}}", path, sizeof path), PRUNE_E_FORMAT,
             "not 'something else than text'");
    ck_fails(load_index(folder, "{\"weight_map\": {}}", path, sizeof path), PRUNE_E_FORMAT,
             "model.safetensors.index.json: no 'weight_map' that says which tensor is in which "
             "file");
    ck_fails(load_index(folder, "[1]", path, sizeof path), PRUNE_E_FORMAT, "not a JSON object");
    ck_fails(
        load_index(folder, "{\"weight_map\": {\"w\": \"no-00001-of-00002.safetensors\"}}", path,
                   sizeof path),
        PRUNE_E_IO,
        "shard 'no-00001-of-00002.safetensors' is missing: the model consists of 1 such files");
    (void)snprintf(path, sizeof path, "%s/there.safetensors", folder);
    ck_ok(pr_safetensors_write(&original, path));
    ck_fails(
        load_index(folder, "{\"weight_map\": {\"w\": \"there.safetensors\"}}", path, sizeof path),
        PRUNE_E_FORMAT, "tensor 'w' is not in shard 'there.safetensors'");
    close_tables();
}
END_TEST

/* The file in a Hugging Face folder means the folder: its config.json is read. */
START_TEST(a_file_beside_its_config)
{
    open_tables();
    prune_model *folder, *file;
    ck_ok(prune_model_load(&folder, ctx, "tests/golden/dav2_tiny_hf", NULL));
    ck_ok(prune_model_load(&file, ctx, "tests/golden/dav2_tiny_hf/model.safetensors", NULL));
    ck_assert_int_eq(file->meta.output_kind, PR_OUTPUT_METRIC);
    check_same("file in a folder", file, folder);
    prune_model_free(folder);
    prune_model_free(file);
    close_tables();
}
END_TEST

START_TEST(equal_models_predict_equally)
{
    enum { H = 28, W = 42 };
    static float input[H * W * 3], wanted[H * W];
    open_tables();
    pr_table brain;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(0, "equal"));
    convert_table(&brain, &port, PR_BF16);
    test_fill(input, H * W * 3, 5);
    for (int k = 0; k < 2; k++) {
        if (k)
            ck_ok(pr_safetensors_write(&brain, path));
        else
            write_legacy(&original, &(wrapping){NULL, "model", "module."}, path);
        prune_model *model = load(path);
        pr_run *run;
        ck_ok(pr_run_create(&run, model, 1, H, W, NULL));
        ck_ok(pr_run_forward(run, input));
        const float *got = pr_f32(pr_run_output(run));
        if (k)
            ck_assert_mem_eq(got, wanted, sizeof wanted);
        else
            memcpy(wanted, got, sizeof wanted);
        pr_run_free(run);
        prune_model_free(model);
    }
    pr_table_free(&brain);
    close_tables();
}
END_TEST

TEST_MAIN("models/containers", every_container_and_type, every_wrapping, shards,
          an_index_reads_its_own_folder_only, a_file_beside_its_config,
          equal_models_predict_equally)
