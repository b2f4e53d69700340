/* Packing and unpacking: nothing is lost, the bytes are reproducible, damage is noticed. */
#include "libprune/base/file.h"
#include "libprune/base/random.h"
#include "libprune/formats/safetensors.h"
#include "libprune/models/models.h"
#include "libprune/passes/integer.h"
#include "libprune/passes/shapes.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static prune_model *tiny_model(prune_context *ctx)
{
    prune_new_options o;
    prune_model *model;
    prune_new_options_init(&o);
    o.width = 24;
    o.blocks = 4;
    o.heads = 3;
    o.neck = "8,12,16,20";
    o.fusion = 8;
    o.head = 6;
    o.input_height = 42;
    o.input_width = 56;
    o.license = "Apache-2.0";
    ck_ok(prune_model_new(&model, ctx, &o));
    return model;
}

/* Annotates a node as the quantizer would. */
static void make_int8(prune_model *model, const char *name)
{
    int32_t index = pr_model_find_node(model, name);
    ck_assert_int_ne(index, PR_NONE);
    pr_precision *precision = &model->nodes[index].precision;
    pr_shape one = pr_shape1(1);
    precision->compute = PR_COMPUTE_I8;
    precision->input = PR_INPUT_TENSOR;
    ck_ok(pr_tensor_create(&precision->input_scale, model->ctx, PR_F32, &one));
    ck_ok(pr_tensor_create(&precision->input_zero, model->ctx, PR_I8, &one));
    pr_f32(&precision->input_scale)[0] = 0.037f;
    ((int8_t *)precision->input_zero.data)[0] = -5;
}

static void save(prune_model *model, const char *path, int32_t container, int32_t storage)
{
    prune_save_options o;
    prune_save_options_init(&o);
    o.container = container;
    o.storage = storage;
    o.level = 3;
    ck_ok(prune_model_save(model, path, &o));
}

static void check_same_file(const char *a, const char *b)
{
    pr_mapped x, y;
    ck_ok(pr_file_map(&x, a));
    ck_ok(pr_file_map(&y, b));
    ck_assert_uint_eq(x.size, y.size);
    ck_assert(memcmp(x.data, y.data, x.size) == 0);
    pr_file_unmap(&x);
    pr_file_unmap(&y);
}

static void check_same_params(const prune_model *a, const prune_model *b)
{
    ck_assert_int_eq(a->n_params, b->n_params);
    for (int32_t i = 0; i < a->n_params; i++) {
        const pr_tensor *x = &a->params[i].tensor;
        int32_t j = pr_model_find_param(b, a->params[i].name);
        ck_assert_int_ne(j, PR_NONE);
        const pr_tensor *y = &b->params[j].tensor;
        ck_assert_int_eq(x->dtype, y->dtype);
        ck_assert(pr_shape_equal(&x->shape, &y->shape));
        ck_assert_mem_eq(x->data, y->data, pr_tensor_bytes(x));
    }
}

START_TEST(round_trip_keeps_every_byte)
{
    prune_context *ctx = test_context(2), *serial = test_context(1);
    prune_model *model = tiny_model(ctx), *loaded, *again;
    save(model, test_path(0, "a.safetensors.zst"), 0, 0);
    ck_ok(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors.zst"), NULL));
    check_same_params(model, loaded);
    ck_assert_str_eq(loaded->meta.license, "Apache-2.0");
    ck_assert_int_eq(loaded->meta.preprocess.width, 56);
    ck_assert_uint_eq(loaded->origin_macs, model->origin_macs);
    ck_assert_uint_gt(loaded->origin_macs, 0);
    ck_assert_int_eq((int)json_array_size(loaded->history), 1);
    /* unpack, pack again with another number of threads */
    save(loaded, test_path(1, "b.safetensors"), 0, 0);
    ck_ok(prune_model_load(&again, serial, test_path(1, "b.safetensors"), NULL));
    save(again, test_path(2, "c.safetensors.zst"), 0, 0);
    check_same_file(test_path(0, "a.safetensors.zst"), test_path(2, "c.safetensors.zst"));
    prune_model_free(model);
    prune_model_free(loaded);
    prune_model_free(again);
    prune_context_free(ctx);
    prune_context_free(serial);
}
END_TEST

START_TEST(integers_are_baked_once)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx), *loaded;
    make_int8(model, "blocks.1.mlp.fc1");
    make_int8(model, "scratch.layer2_rn");
    make_int8(model, "resize_layers.1");
    save(model, test_path(0, "a.safetensors.zst"), 0, 0);
    /* the caller's model keeps its floats */
    int32_t node = pr_model_find_node(model, "scratch.layer2_rn");
    ck_assert_int_eq(pr_node_param(model, &model->nodes[node], 0)->dtype, PR_F32);
    ck_ok(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors.zst"), NULL));
    node = pr_model_find_node(loaded, "scratch.layer2_rn");
    const pr_node *n = &loaded->nodes[node];
    ck_assert_int_eq(pr_node_param(loaded, n, 0)->dtype, PR_I8);
    ck_assert_int_eq(n->precision.compute, PR_COMPUTE_I8);
    ck_assert_int_eq((int)pr_tensor_count(&n->precision.weight_scale), 8);
    ck_assert_float_eq(pr_f32(&n->precision.input_scale)[0], 0.037f);
    ck_assert_int_eq(((int8_t *)n->precision.input_zero.data)[0], -5);
    pr_integer before, after;
    ck_ok(pr_integer_derive(&before, model, pr_model_find_node(model, "scratch.layer2_rn")));
    ck_ok(pr_integer_derive(&after, loaded, node));
    ck_assert_mem_eq(before.weight.data, after.weight.data, pr_tensor_bytes(&before.weight));
    ck_assert_mem_eq(before.scale.data, after.scale.data, pr_tensor_bytes(&before.scale));
    pr_integer_free(&before);
    pr_integer_free(&after);
    save(loaded, test_path(1, "b.safetensors.zst"), 0, 0);
    check_same_file(test_path(0, "a.safetensors.zst"), test_path(1, "b.safetensors.zst"));
    prune_model_free(model);
    prune_model_free(loaded);
    prune_context_free(ctx);
}
END_TEST

/* Without integers the floats go through the file as they are, annotation and all, and the packed
 * file that comes of them is the same as without the detour. */
START_TEST(floats_of_integer_layers_survive_when_asked)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx), *loaded;
    prune_save_options o;
    make_int8(model, "blocks.1.mlp.fc1");
    make_int8(model, "resize_layers.1");
    prune_save_options_init(&o);
    o.integers = false;
    ck_ok(prune_model_save(model, test_path(0, "floats.safetensors"), &o));
    ck_ok(prune_model_load(&loaded, ctx, test_path(0, "floats.safetensors"), NULL));
    check_same_params(model, loaded);
    const int32_t node = pr_model_find_node(loaded, "resize_layers.1");
    ck_assert_int_eq(loaded->nodes[node].precision.compute, PR_COMPUTE_I8);
    ck_ok(prune_model_save(loaded, test_path(1, "again.safetensors"), &o));
    check_same_file(test_path(0, "floats.safetensors"), test_path(1, "again.safetensors"));
    save(model, test_path(0, "direct.safetensors.zst"), 0, 0);
    save(loaded, test_path(1, "detour.safetensors.zst"), 0, 0);
    check_same_file(test_path(0, "direct.safetensors.zst"), test_path(1, "detour.safetensors.zst"));
    prune_model_free(model);
    prune_model_free(loaded);
    prune_context_free(ctx);
}
END_TEST

/* Attention has no weight: its record alone says how it computes, and comes back as it went. */
START_TEST(integer_attention_is_a_record)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx), *loaded;
    const int32_t index = pr_model_find_node(model, "blocks.2.attn");
    ck_assert_int_ne(index, PR_NONE);
    model->nodes[index].precision.compute = PR_COMPUTE_I8;
    model->nodes[index].precision.input = PR_INPUT_TOKEN;
    save(model, test_path(0, "a.safetensors.zst"), 0, 0);
    ck_ok(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors.zst"), NULL));
    const int32_t again = pr_model_find_node(loaded, "blocks.2.attn");
    ck_assert_int_eq(loaded->nodes[again].precision.compute, PR_COMPUTE_I8);
    ck_assert_int_eq(loaded->nodes[again].precision.input, PR_INPUT_TOKEN);
    check_same_params(model, loaded);
    save(loaded, test_path(1, "b.safetensors.zst"), 0, 0);
    check_same_file(test_path(0, "a.safetensors.zst"), test_path(1, "b.safetensors.zst"));
    prune_model_free(loaded);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

static void make_bf16(prune_model *model, const char *name)
{
    int32_t index = pr_model_find_node(model, name);
    ck_assert_int_ne(index, PR_NONE);
    model->nodes[index].precision.compute = PR_COMPUTE_BF16;
}

/* Weights of BF16 nodes take two bytes each, rounded once; what computes with them rounds anyway.
 */
START_TEST(bf16_weights_are_stored_as_such)
{
    prune_context *ctx = test_context(2);
    prune_model *model = tiny_model(ctx), *loaded;
    const uint64_t before = pr_model_bytes(model);
    make_bf16(model, "blocks.1.mlp.fc1");
    make_bf16(model, "resize_layers.1");
    make_bf16(model, "blocks.2.attn");
    const int32_t fc1 = pr_model_find_node(model, "blocks.1.mlp.fc1");
    const int32_t resize = pr_model_find_node(model, "resize_layers.1");
    const pr_tensor *floats[2] = {pr_node_param(model, &model->nodes[fc1], 0),
                                  pr_node_param(model, &model->nodes[resize], 0)};
    const int64_t weights = pr_tensor_count(floats[0]) + pr_tensor_count(floats[1]);
    ck_assert_uint_eq(before - pr_model_bytes(model), 2 * (uint64_t)weights);
    save(model, test_path(0, "a.safetensors.zst"), 0, 0);
    ck_ok(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors.zst"), NULL));
    for (int i = 0; i < 2; i++) {
        const pr_tensor *read = pr_node_param(loaded, &loaded->nodes[i ? resize : fc1], 0);
        ck_assert_int_eq(read->dtype, PR_F32);
        for (int64_t k = 0; k < pr_tensor_count(read); k++) {
            const float wanted = pr_bf16_to_f32(pr_f32_to_bf16(pr_f32(floats[i])[k]));
            ck_assert(pr_f32(read)[k] == wanted);
        }
    }
    const int32_t attention = pr_model_find_node(loaded, "blocks.2.attn");
    ck_assert_int_eq(loaded->nodes[attention].precision.compute, PR_COMPUTE_BF16);
    save(loaded, test_path(1, "b.safetensors.zst"), 0, 0);
    check_same_file(test_path(0, "a.safetensors.zst"), test_path(1, "b.safetensors.zst"));
    prune_save_options o;
    prune_save_options_init(&o);
    o.integers = false;
    ck_ok(prune_model_save(model, test_path(2, "floats.safetensors"), &o));
    prune_model_free(loaded);
    ck_ok(prune_model_load(&loaded, ctx, test_path(2, "floats.safetensors"), NULL));
    check_same_params(model, loaded);
    prune_model_free(loaded);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(half_storage_rounds_once_and_stays)
{
    prune_context *ctx = test_context(1);
    prune_model *model = tiny_model(ctx), *loaded, *again;
    save(model, test_path(0, "a.safetensors"), 0, 2);
    ck_ok(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors"), NULL));
    const pr_tensor *x = &model->params[0].tensor, *y = &loaded->params[0].tensor;
    ck_assert_int_eq(y->dtype, PR_F32);
    for (int64_t i = 0; i < pr_tensor_count(x); i++)
        ck_assert(pr_f32(y)[i] == pr_f16_to_f32(pr_f32_to_f16(pr_f32(x)[i])));
    save(loaded, test_path(1, "b.safetensors"), 0, 0);
    check_same_file(test_path(0, "a.safetensors"), test_path(1, "b.safetensors"));
    /* packed as well, where halves become floats in the memory that they were decompressed into */
    save(loaded, test_path(3, "d.safetensors.zst"), 0, 0);
    ck_ok(prune_model_load(&again, ctx, test_path(3, "d.safetensors.zst"), NULL));
    check_same_params(loaded, again);
    save(again, test_path(1, "b.safetensors"), 0, 0);
    check_same_file(test_path(0, "a.safetensors"), test_path(1, "b.safetensors"));
    prune_model_free(again);
    /* a value that F16 cannot hold makes its tensor F32 again: "same" never loses anything */
    ck_ok(pr_tensor_own(&loaded->params[0].tensor, ctx));
    pr_f32(&loaded->params[0].tensor)[0] = 0.1f;
    save(loaded, test_path(2, "c.safetensors"), 0, 0);
    ck_ok(prune_model_load(&again, ctx, test_path(2, "c.safetensors"), NULL));
    check_same_params(loaded, again);
    prune_model_free(model);
    prune_model_free(loaded);
    prune_model_free(again);
    prune_context_free(ctx);
}
END_TEST

/* Every flipped or missing byte either gives a clean error or the very same model. */
START_TEST(damage_is_noticed)
{
    prune_context *ctx = test_context(1);
    prune_model *model = tiny_model(ctx), *loaded = NULL;
    save(model, test_path(0, "a.safetensors.zst"), 0, 0);
    pr_mapped file;
    ck_ok(pr_file_map(&file, test_path(0, "a.safetensors.zst")));
    uint8_t *copy = pr_alloc(ctx, file.size);
    pr_random random;
    pr_random_seed(&random, 3, 0);
    for (int round = 0; round < 60; round++) {
        memcpy(copy, file.data, file.size);
        uint64_t size = file.size;
        if (round % 2)
            copy[pr_random_below(&random, (uint32_t)size)] ^= (uint8_t)(1u << (round / 2 % 8));
        else
            size = pr_random_below(&random, (uint32_t)size);
        ck_ok(pr_file_write(ctx, test_path(1, "bad.safetensors.zst"), copy, size));
        prune_status status =
            prune_model_load(&loaded, ctx, test_path(1, "bad.safetensors.zst"), NULL);
        ck_assert_int_ne(status, PRUNE_OK);
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "bad.safetensors.zst"));
    }
    pr_free(ctx, copy);
    pr_file_unmap(&file);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(decompression_is_bounded)
{
    prune_context *ctx = test_context(1);
    prune_model *model = tiny_model(ctx), *loaded = NULL;
    prune_load_options o;
    save(model, test_path(0, "a.safetensors.zst"), 0, 0);
    prune_load_options_init(&o);
    o.max_bytes = 1000;
    ck_fails(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors.zst"), &o), PRUNE_E_MEMORY,
             "--max-bytes");
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Graphs that lie: the message names what is wrong, and nothing is read or written out of place. */
START_TEST(hostile_graphs)
{
    static const struct {
        const char *graph, *part;
    } cases[] = {
        {"{", "not valid JSON"},
        {"[]", "version"},
        {"{\"version\":2}", "version"},
        {"{\"version\":1,\"nodes\":[],\"outputs\":{}}", "a.safetensors"},
        {"{\"version\":1,\"version\":1}", "duplicate"},
    };
    prune_context *ctx = test_context(1);
    prune_model *loaded = NULL;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        pr_table table;
        pr_table_init(&table, ctx);
        ck_ok(pr_table_note(&table, "prune.graph", cases[k].graph));
        ck_ok(pr_safetensors_write(&table, test_path(0, "a.safetensors")));
        pr_table_free(&table);
        prune_status status = prune_model_load(&loaded, ctx, test_path(0, "a.safetensors"), NULL);
        ck_assert_msg(status != PRUNE_OK, "accepted: %s", cases[k].graph);
        ck_assert_msg(strstr(prune_last_error(), cases[k].part) != NULL, "%s", prune_last_error());
    }
    /* a bomb of empty lists, and lists inside lists */
    static char bomb[1200000];
    for (int deep = 0; deep < 2; deep++) {
        memset(bomb, '[', sizeof bomb - 1);
        for (size_t i = 0; !deep && i + 3 < sizeof bomb; i += 3) memcpy(bomb + i, "[],", 3);
        if (deep) bomb[100000] = '\0';
        pr_table table;
        pr_table_init(&table, ctx);
        ck_ok(pr_table_note(&table, "prune.graph", bomb));
        ck_ok(pr_safetensors_write(&table, test_path(0, "a.safetensors")));
        pr_table_free(&table);
        ck_fails(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors"), NULL),
                 PRUNE_E_FORMAT, "the graph");
    }
    prune_context_free(ctx);
}
END_TEST

/* Every dimension in a file is checked against the tensors: shapes that do not fit are refused. */
START_TEST(shapes_must_fit)
{
    prune_context *ctx = test_context(1);
    prune_model *model = tiny_model(ctx), *loaded = NULL;
    static const char *const names[] = {"blocks.2.mlp.fc2.weight", "tokens.position",
                                        "projects.1.weight", "resize_layers.0.bias"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        prune_model *bad;
        ck_ok(prune_model_clone(&bad, model));
        pr_tensor *tensor = &bad->params[pr_model_find_param(bad, names[k])].tensor;
        tensor->shape.dim[0] -= 1;
        save(bad, test_path(0, "a.safetensors"), 0, 0);
        ck_fails(prune_model_load(&loaded, ctx, test_path(0, "a.safetensors"), NULL), PRUNE_E_SHAPE,
                 "a.safetensors");
        prune_model_free(bad);
    }
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* tests/tools/read_packed.py reads the file from docs/format.md alone. */
static bool read_with_python(const char *file, const char *folder)
{
    const char *python = getenv("PRUNE_TEST_PYTHON");
    char command[2048];
    (void)snprintf(command, sizeof command, "%s tests/tools/read_packed.py %s --dump %s",
                   python && pr_path_exists(python) ? python : "python3", file, folder);
    int status = system(command);
    bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    if (skipped)
        (void)printf("SKIP: the second reader needs zstd and the safetensors package\n");
    else
        ck_assert_msg(status == 0, "%s failed", command);
    return !skipped;
}

START_TEST(a_second_reader_agrees)
{
    prune_context *ctx = test_context(1);
    prune_model *model = tiny_model(ctx), *loaded;
    make_int8(model, "blocks.1.mlp.fc1");
    make_int8(model, "scratch.layer2_rn");
    make_int8(model, "resize_layers.1");
    make_bf16(model, "blocks.0.mlp.fc2");
    make_bf16(model, "blocks.0.attn");
    char file[256], folder[256];
    (void)snprintf(file, sizeof file, "%s", test_path(0, "second.safetensors.zst"));
    (void)snprintf(folder, sizeof folder, "%s", test_path(1, "dump"));
    save(model, file, 0, 2);
    ck_ok(prune_model_load(&loaded, ctx, file, NULL));
    for (int32_t n = 0; n < loaded->n_nodes && (n > 0 || read_with_python(file, folder)); n++)
        for (int32_t s = 0; s < PR_MAX_PARAMS; s++) {
            int32_t param = loaded->nodes[n].params[s];
            if (param == PR_NONE) continue;
            pr_tensor wanted;
            if (loaded->params[param].tensor.dtype == PR_I8)
                ck_ok(pr_integer_dequantize(&wanted, loaded, n));
            else
                wanted = pr_tensor_share(&loaded->params[param].tensor);
            char path[1024];
            pr_mapped got;
            (void)snprintf(path, sizeof path, "%s/%s.f32", folder, loaded->params[param].name);
            ck_ok(pr_file_map(&got, path));
            ck_assert_uint_eq(got.size, pr_tensor_bytes(&wanted));
            const float *values = (const float *)(const void *)got.data;
            for (int64_t i = 0; i < pr_tensor_count(&wanted); i++)
                ck_assert_float_eq_tol(values[i], pr_f32(&wanted)[i], 1e-6f);
            pr_file_unmap(&got);
            pr_tensor_release(&wanted);
        }
    prune_model_free(model);
    prune_model_free(loaded);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/packed", round_trip_keeps_every_byte, integers_are_baked_once,
          floats_of_integer_layers_survive_when_asked, integer_attention_is_a_record,
          bf16_weights_are_stored_as_such, half_storage_rounds_once_and_stays, damage_is_noticed,
          decompression_is_bounded, a_second_reader_agrees, hostile_graphs, shapes_must_fit)
