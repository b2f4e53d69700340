/* Writes the honest seed inputs to $PRUNE_FUZZ_CORPUS (tests/fuzz/corpus). The inputs there whose
 * names begin with "found-" are not made by it: they once broke something. PNG and JPEG start from
 * the pictures of tests/image/golden. */
#include "libprune/base/file.h"
#include "libprune/formats/safetensors.h"
#include "libprune/models/models.h"
#include "tests/formats/bytes.h"
#include "tests/support/graphs.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <prune/image.h>
#include <prune/model.h>
#include <stdlib.h>

static const char *root;
static prune_context *ctx;

static const char *seed_path(const char *reader, const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", root, reader);
    ck_ok(pr_path_make_directory(path));
    (void)snprintf(path, sizeof path, "%s/%s/%s", root, reader, name);
    return path;
}

static void put(const char *reader, const char *name, const void *data, size_t size)
{
    ck_ok(pr_file_write(ctx, seed_path(reader, name), data, size));
}

static void put_text(const char *reader, const char *name, const char *text)
{
    put(reader, name, text, strlen(text));
}

static void add_tensor_named(pr_table *table, const char *name, pr_dtype dtype, pr_shape shape)
{
    pr_tensor tensor;
    ck_ok(pr_tensor_zeros(&tensor, ctx, dtype, &shape));
    ck_ok(pr_table_add(table, name, tensor));
}

static void safetensors(void)
{
    pr_table table;
    pr_table_init(&table, ctx);
    put("safetensors", "empty", "\2\0\0\0\0\0\0\0{}", 10);
    add_tensor_named(&table, "a\n\xc3\xa4", PR_F32, pr_shape2(2, 3));
    add_tensor_named(&table, "half", PR_F16, pr_shape1(3));
    add_tensor_named(&table, "none", PR_I8, pr_shape2(0, 4));
    add_tensor_named(&table, "scalar", PR_I64, (pr_shape){0});
    ck_ok(pr_table_note(&table, "key", "value"));
    ck_ok(pr_safetensors_write(&table, seed_path("safetensors", "tensors")));
    ck_ok(pr_safetensors_pack(&table, seed_path("packed", "tensors"), 3));
    pr_table_free(&table);
}

static void make_pickle(bytes *b, int legacy)
{
    b->size = 0;
    add_text(b, "\x80\2}q\1(");
    add_string(b, "epoch");
    add_text(b, "K\3");
    add_string(b, "optimizer");
    add_text(b, "ctorch.optim\nSGD\n)R}b");
    add_string(b, "state_dict");
    add_text(b, "ccollections\nOrderedDict\n)R(");
    add_string(b, "w");
    add_tensor(b, "FloatStorage", "0", 24, 4, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}, legacy);
    add_string(b, "lists");
    add_text(b, "](K\1G@\t\x21\xfbTD-\x18Neq\2");
    add_text(b, "h\2\x85q\3r\4");
    add(b, "\0\0", 2); /* the rest of LONG_BINPUT's operand */
    add_text(b, "u");
    add_text(b, "u.");
}

static void pytorch(void)
{
    static bytes b, stream;
    static zip_maker zip;
    float values[24] = {1, 2, 3};
    make_pickle(&b, 0);
    put("pickle", "wrapped", b.data, b.size);
    b.size = 0;
    add_text(&b, "\x80\2}");
    add_string(&b, "w");
    add_tensor(&b, "FloatStorage", "0", 24, 0, 1, (int64_t[]){24}, (int64_t[]){1}, 0);
    add_text(&b, "s.");
    put("pickle", "plain", b.data, b.size);
    zip_entry(&zip, "archive/data.pkl", b.data, b.size);
    zip_entry(&zip, "archive/byteorder", "little", 6);
    zip_entry(&zip, "archive/data/0", values, sizeof values);
    zip_entry(&zip, "archive/version", "3\n", 2);
    zip_end(&zip);
    put("zip", "plain", zip.file.data, zip.file.size);
    add(&stream, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    add(&stream, "\x80\2M\xe9\3.\x80\2}", 9);
    add_string(&stream, "little_endian");
    add_text(&stream, "\x88s.\x80\2}");
    add_string(&stream, "w");
    add_tensor(&stream, "FloatStorage", "94", 6, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}, 1);
    add_text(&stream, "s.\x80\2](");
    add_string(&stream, "94");
    add_text(&stream, "e.");
    add_number(&stream, 6, 8);
    add(&stream, values, 24);
    put("legacy", "plain", stream.data, stream.size);
}

/* The graph's JSON with the shapes of its tensors (target_graph.c). */
static void graph(const char *name, prune_model *model)
{
    json_t *json = pr_model_to_json(model), *tensors = json_object();
    for (int32_t i = 0; i < model->n_params; i++) {
        const pr_shape *shape = &model->params[i].tensor.shape;
        json_t *list = json_array();
        for (int32_t d = 0; d < shape->rank; d++)
            (void)json_array_append_new(list, json_integer(shape->dim[d]));
        (void)json_object_set_new(tensors, model->params[i].name, list);
    }
    (void)json_object_set_new(json, "tensors", tensors);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
    put_text("graph", name, text);
    free(text);
    json_decref(json);
    prune_model_free(model);
}

static void graphs(void)
{
    test_graph g = test_graph_create(ctx, 8, 12, 1);
    int32_t x = test_graph_conv(&g, "stem", 0, 3, 4, 3, 2, 1);
    int32_t y = test_graph_node(&g, PR_OP_GELU, "act", x, PR_NONE, NULL);
    y = test_graph_conv(&g, "deep", y, 4, 4, 3, 1, 4);
    x = test_graph_node(&g, PR_OP_ADD, "sum", x, y, NULL);
    test_graph_finish(&g, test_graph_conv(&g, "head", x, 4, 1, 1, 1, 1));
    ck_ok(prune_model_save(g.model, seed_path("packed", "model"), NULL));
    graph("small", g.model);
    graph("convolutional", net_conv(ctx));
    graph("transformer", net_vit(ctx));
    static const char integers[] =
        "{\"version\":1,\"meta\":{\"output_kind\":\"disparity\",\"disparity_scale\":9.99,"
        "\"preprocess\":{\"fit\":\"lower_bound\",\"width\":8,\"height\":8,\"multiple\":4,"
        "\"mean\":[0,0,0],\"std\":[1,1,1]}},\"nodes\":[{\"op\":\"input\",\"name\":\"i\"},"
        "{\"op\":\"conv\",\"name\":\"c\",\"inputs\":[\"i\"],\"attrs\":{\"pad\":[1,1,1,1]},"
        "\"params\":{\"weight\":\"c.weight\"},\"precision\":{\"compute\":\"int8\",\"input\":"
        "\"channel\"}}],\"outputs\":{\"depth\":\"c\"},\"history\":[],\"tensors\":{\"c.weight\":"
        "[\"I8\",1,3,3,3],\"c.input_scale\":[3],\"c.input_zero\":[\"I8\",3],"
        "\"c.weight_scale\":[1]}}";
    put_text("graph", "integers", integers);
}

static void maps(void)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    ck_ok(prune_map_write_npy(ctx, seed_path("map", "npy"), values, 3, 2));
    ck_ok(prune_depth_write(ctx, seed_path("map", "depth.png"), values, 3, 2, 256));
}

static void texts(void)
{
    put_text("frames", "eigen",
             "# a comment\n2011_09_26/2011_09_26_drive_0001_sync 0000000005 l\n\n"
             "2011_09_26/2011_09_26_drive_0001_sync/image_03/data/0000000005.png x.png\nplain\n");
    put_text("config", "metric",
             "{\"config\":{\"backbone_config\":{\"num_attention_heads\":4,\"out_indices\":"
             "[1,2,3,4],\"out_features\":[\"stage1\",\"stage2\",\"stage3\",\"stage4\"]},"
             "\"depth_estimation_type\":\"metric\",\"max_depth\":80},\"preprocessor\":{"
             "\"ensure_multiple_of\":14,\"image_mean\":[0.485,0.456,0.406],\"image_std\":"
             "[0.229,0.224,0.225],\"keep_aspect_ratio\":false,\"resample\":3,\"size\":"
             "{\"height\":84,\"width\":84}}}");
    put_text(
        "evaluation", "two-frames",
        "{\"protocol\":\"eigen\",\"align\":\"none\",\"seed\":1,\"frames\":2,\"images\":["
        "{\"name\":\"a\",\"group\":\"\",\"pixels\":9,\"abs_rel\":0.1,\"sq_rel\":0.1,\"rmse\":1,"
        "\"rmse_log\":0.1,\"delta1\":0.9,\"delta2\":1,\"delta3\":1},{\"name\":\"b\",\"group\":"
        "\"\",\"pixels\":9,\"abs_rel\":0.2,\"sq_rel\":0.1,\"rmse\":1,\"rmse_log\":0.1,"
        "\"delta1\":0.9,\"delta2\":1,\"delta3\":1}]}");
    put("exif", "big", "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0\0\0\0\0", 26);
    put("exif", "little", "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26);
    put("options", "number", "threads\0-1e3", 12);
    put("options", "choice", "int8\0true", 10);
}

START_TEST(seeds)
{
    root = getenv("PRUNE_FUZZ_CORPUS") ? getenv("PRUNE_FUZZ_CORPUS") : test_path(0, "corpus");
    ctx = test_context(1);
    safetensors();
    pytorch();
    graphs();
    maps();
    texts();
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("fuzz/seeds", seeds)
