/* Verdicts on files, good and bad. */
#include "libprune/graph/graph.h"
#include "tests/models/checkpoints.h"

#include <prune/model.h>
#include <stdio.h>

static prune_context *ctx;

static json_t *verify(const char *path)
{
    char *text = NULL;
    prune_load_options o;
    prune_load_options_init(&o);
    o.heads = 4;
    ck_ok(prune_file_verify(&text, ctx, path, &o));
    json_t *verdict = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(verdict);
    ck_assert_str_eq(json_string_value(json_object_get(verdict, "file")), path);
    prune_text_free(text);
    return verdict;
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Some sentence of the list contains this. */
static bool said(const json_t *list, const char *part)
{
    size_t i;
    const json_t *line;
    json_array_foreach(list, i, line) if (strstr(json_string_value(line), part)) return true;
    return false;
}

static void fine(const char *path, const char *kind, const char *container, const char *check)
{
    json_t *verdict = verify(path);
    ck_assert_msg(json_is_true(json_object_get(verdict, "ok")), "%s: %s", path,
                  word(verdict, "problem"));
    ck_assert_str_eq(word(verdict, "kind"), kind);
    ck_assert_str_eq(word(verdict, "container"), container);
    ck_assert_msg(said(json_object_get(verdict, "checks"), check), "%s: %s", path, check);
    json_decref(verdict);
}

static void bad(const char *path, const char *problem)
{
    json_t *verdict = verify(path);
    ck_assert(json_is_false(json_object_get(verdict, "ok")));
    ck_assert_msg(strstr(word(verdict, "problem"), problem) != NULL, "\"%s\" lacks \"%s\"",
                  word(verdict, "problem"), problem);
    ck_assert_msg(strstr(word(verdict, "problem"), path) != NULL, "\"%s\" lacks the path",
                  word(verdict, "problem"));
    json_decref(verdict);
}

/* A small model of our own, packed; returns its path. */
static const char *packed(void)
{
    static char path[512];
    prune_model *model;
    prune_new_options o;
    prune_new_options_init(&o);
    o.width = 16;
    o.blocks = 4;
    o.heads = 2;
    o.neck = "8,8,12,12";
    o.fusion = 8;
    o.input_height = o.input_width = 28;
    ck_ok(prune_model_new(&model, ctx, &o));
    (void)snprintf(path, sizeof path, "%s", test_path(0, "packed.safetensors.zst"));
    ck_ok(prune_model_save(model, path, NULL));
    prune_model_free(model);
    return path;
}

START_TEST(says_what_a_file_is)
{
    ctx = test_context(1);
    fine("tests/golden/dav2_tiny.pth", "checkpoint", "PyTorch zip",
         "zip: 133 records, 133 checksums right");
    fine("tests/golden/dav2_tiny_hf", "checkpoint", "folder", "graph of ");
    fine("tests/golden/dav2_tiny_hf/model.safetensors", "checkpoint", "safetensors",
         "143 tensors, 81256 bytes, each within its bounds");
    fine(packed(), "model of this library", "safetensors in zstd", "a seek table");
    fine("tests/image/golden/depth16.png", "depth map", "", "all pixels");
    fine("tests/image/golden/kinds/cmyk.jpg", "picture", "", "all pixels");
    json_t *verdict = verify("tests/golden/dav2_tiny_hf");
    const json_t *model = json_object_get(verdict, "model");
    ck_assert_str_eq(word(model, "architecture"), "depth_anything_v2");
    ck_assert_str_eq(word(model, "output"), "metric depth");
    ck_assert_double_eq(json_number_value(json_object_get(model, "max_depth")), 80);
    const json_t *types = json_object_get(verdict, "types");
    ck_assert_int_eq(json_integer_value(json_object_get(types, "F32")), 81);
    ck_assert_int_eq(json_integer_value(json_object_get(types, "F16")), 62);
    json_decref(verdict);
    prune_context_free(ctx);
}
END_TEST

/* One bit anywhere in a packed file is noticed: in data by checksums, in tables by comparison. */
START_TEST(one_flipped_bit_in_a_packed_file)
{
    ctx = test_context(1);
    pr_mapped file;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(1, "flipped.safetensors.zst"));
    ck_ok(pr_file_map(&file, packed()));
    uint8_t *copy = malloc((size_t)file.size);
    for (uint64_t at = 0; at < file.size; at += 1 + file.size / 200) {
        memcpy(copy, file.data, (size_t)file.size);
        copy[at] ^= 4;
        ck_ok(pr_file_write(ctx, path, copy, (size_t)file.size));
        bad(path, "");
    }
    ck_ok(pr_file_write(ctx, path, file.data, (size_t)file.size - 1));
    bad(path, "damaged or truncated");
    free(copy);
    pr_file_unmap(&file);
    prune_context_free(ctx);
}
END_TEST

START_TEST(checksums_of_an_archive)
{
    ctx = test_context(1);
    pr_mapped file;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(1, "flipped.pth"));
    ck_ok(pr_file_map(&file, "tests/golden/dav2_tiny.pth"));
    uint8_t *copy = malloc((size_t)file.size);
    memcpy(copy, file.data, (size_t)file.size);
    copy[file.size / 2] ^= 4; /* among the weights */
    ck_ok(pr_file_write(ctx, path, copy, (size_t)file.size));
    bad(path, "the checksum of record 'dav2_tiny/data/");
    /* In a folder too. */
    const char *folder = test_path(3, "damaged_hf");
    char inside[600];
    ck_ok(pr_path_make_directory(folder));
    (void)snprintf(inside, sizeof inside, "%s/pytorch_model.bin", folder);
    ck_ok(pr_file_write(ctx, inside, copy, (size_t)file.size));
    bad(folder, "pytorch_model.bin: the checksum of record 'dav2_tiny/data/");
    ck_ok(pr_file_write(ctx, inside, file.data, (size_t)file.size));
    fine(folder, "checkpoint", "folder", "133 checksums right");
    free(copy);
    pr_file_unmap(&file);
    /* Nobody computed them: a warning, no more. */
    pr_table table;
    ck_ok(pr_container_read(&table, ctx, "tests/golden/dav2_tiny.pth", 0));
    write_zip(&table, &(wrapping){0}, path);
    json_t *verdict = verify(path);
    ck_assert(json_is_true(json_object_get(verdict, "ok")));
    ck_assert(said(json_object_get(verdict, "warnings"), "checksums were not computed"));
    json_decref(verdict);
    /* A tensor of nobody's, and a value that is no number. */
    pr_tensor extra;
    const pr_shape shape = pr_shape1(3);
    ck_ok(pr_tensor_zeros(&extra, ctx, PR_F32, &shape));
    ck_ok(pr_table_add(&table, "pretrained.register_tokens", extra));
    (void)snprintf(path, sizeof path, "%s", test_path(1, "extra.safetensors"));
    ck_ok(pr_safetensors_write(&table, path));
    verdict = verify(path);
    ck_assert(said(json_object_get(verdict, "warnings"), "1 tensors belong to no layer"));
    json_decref(verdict);
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(table.items[i].name, "pretrained.norm.bias") == 0) {
            ck_ok(pr_tensor_own(&table.items[i].tensor, ctx));
            pr_f32(&table.items[i].tensor)[3] = NAN;
        }
    ck_ok(pr_safetensors_write(&table, path));
    bad(path, "parameter 'norm.0.bias' holds a value that is no finite number");
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

START_TEST(says_what_is_wrong)
{
    ctx = test_context(1);
    bad("tests/models/test_verify.c", "neither zstd, safetensors nor a PyTorch file");
    bad("tests/models/nothing.pth", "cannot be opened");
    bad("tests/models", "no model in this folder");
    const char *path = test_path(2, "cut.png");
    pr_mapped file;
    ck_ok(pr_file_map(&file, "tests/image/golden/rgb16.png"));
    ck_ok(pr_file_write(ctx, path, file.data, (size_t)file.size - 13));
    pr_file_unmap(&file);
    bad(path, "damaged PNG");
    char *json = NULL;
    ck_fails(prune_file_verify(&json, ctx, NULL, NULL), PRUNE_E_ARGUMENT, "verify");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/verify", says_what_a_file_is, one_flipped_bit_in_a_packed_file,
          checksums_of_an_archive, says_what_is_wrong)
