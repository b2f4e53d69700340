#include "libprune/graph/graph.h"
#include "tests/support/support.h"

#include <stdlib.h>

static prune_status find(void *user, const char *name, pr_tensor *out)
{
    prune_model *model = user;
    const int32_t index = pr_model_find_param(model, name);
    if (index == PR_NONE) return pr_fail(PRUNE_E_FORMAT, "no tensor '%s'", name);
    *out = pr_tensor_share(&model->params[index].tensor);
    return PRUNE_OK;
}

static prune_model *sample(prune_context *ctx)
{
    prune_model *model;
    pr_attrs attrs = pr_attrs_default();
    int32_t image, conv;
    pr_tensor weight;
    pr_shape shape = pr_shape4(1, 3, 3, 3);
    ck_ok(pr_model_create(&model, ctx));
    model->meta.preprocess.width = 64;
    model->meta.preprocess.height = 32;
    model->meta.preprocess.multiple = 14;
    model->meta.preprocess.filter = PR_FILTER_LANCZOS_PIL;
    model->meta.output_kind = PR_OUTPUT_METRIC;
    model->meta.max_depth = 80.0f;
    model->meta.architecture = pr_strdup(ctx, "made_up");
    ck_ok(pr_model_add_node(model, &image, PR_OP_INPUT, "image", NULL, 0, &attrs));
    attrs.pad_mode = PR_PAD_REFLECT;
    for (int i = 0; i < 4; i++) attrs.pad[i] = 1;
    ck_ok(pr_model_add_node(model, &conv, PR_OP_CONV, "head", &image, 1, &attrs));
    ck_ok(pr_tensor_zeros(&weight, ctx, PR_F32, &shape));
    ck_ok(pr_model_add_param(model, conv, 0, weight));
    ck_ok(pr_model_add_output(model, "depth", conv));
    return model;
}

START_TEST(what_is_written_is_read)
{
    prune_context *ctx = test_context(1);
    prune_model *model = sample(ctx), *back;
    model->nodes[1].precision.keep_float = true;
    model->nodes[1].precision.compute = PR_COMPUTE_BF16;
    model->origin_macs = 12345;
    json_t *json = pr_model_to_json(model);
    ck_ok(pr_model_from_json(&back, ctx, json, find, model));
    json_t *again = pr_model_to_json(back);
    ck_assert(json_equal(json, again));
    ck_assert_int_eq(back->nodes[1].attrs.pad_mode, PR_PAD_REFLECT);
    ck_assert_int_eq(back->nodes[1].precision.compute, PR_COMPUTE_BF16);
    ck_assert_str_eq(pr_compute_name(back->nodes[1].precision.compute), "bf16");
    ck_assert_float_eq(back->meta.max_depth, 80.0f);
    ck_assert_uint_eq(back->origin_macs, 12345);
    json_decref(json);
    json_decref(again);
    pr_model_free(back);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Each edit breaks one thing; the message must name it. */
START_TEST(hostile_json_is_refused)
{
    const struct {
        const char *path[3], *json, *part;
    } edits[] = {
        {{"version"}, "2", "version"},
        {{"nodes"}, "7", "'nodes'"},
        {{"nodes", "0", "op"}, "\"exec\"", "unknown operator 'exec'"},
        {{"nodes", "1", "name"}, "\"\"", "name"},
        {{"nodes", "1", "inputs"}, "[\"head\"]", "does not come before"},
        {{"nodes", "1", "inputs"}, "[1,2]", "input must be a name"},
        {{"nodes", "1", "inputs"}, "[1,2,3,4,5,6,7,8,9]", "more than 8"},
        {{"nodes", "1", "attrs"}, "{\"pad\":[1,1]}", "list of 4"},
        {{"nodes", "1", "attrs"}, "{\"groups\":-1}", "'groups'"},
        {{"nodes", "1", "attrs"}, "{\"groups\":99999999999}", "'groups'"},
        {{"nodes", "1", "attrs"}, "{\"pad_mode\":\"moebius\"}", "'pad_mode'"},
        {{"nodes", "1", "attrs"}, "{\"scale\":\"big\"}", "'scale'"},
        {{"nodes", "1", "params"}, "{\"weight\":\"other\"}", "no tensor 'other'"},
        {{"nodes", "1", "precision"}, "{\"input\":\"tensor\"}", "head.input_scale"},
        {{"outputs"}, "{}", "no output"},
        {{"outputs"}, "{\"depth\":\"nobody\"}", "names no node"},
        {{"meta", "preprocess"}, "{\"width\":0}", "width"},
        {{"meta", "output_kind"}, "\"colour\"", "output_kind"},
    };
    prune_context *ctx = test_context(1);
    prune_model *model = sample(ctx), *back = NULL;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        json_t *json = pr_model_to_json(model), *at = json;
        const char *last = edits[i].path[0];
        for (int d = 1; d < 3 && edits[i].path[d]; d++) {
            at = json_is_array(at) ? json_array_get(at, (size_t)atoi(last))
                                   : json_object_get(at, last);
            last = edits[i].path[d];
        }
        (void)json_object_set_new(at, last, json_loads(edits[i].json, JSON_DECODE_ANY, NULL));
        prune_status status = pr_model_from_json(&back, ctx, json, find, model);
        ck_assert_msg(status != PRUNE_OK && strstr(prune_last_error(), edits[i].part),
                      "edit %zu: \"%s\" lacks \"%s\"", i, prune_last_error(), edits[i].part);
        ck_assert_ptr_null(back);
        json_decref(json);
    }
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("graph.json", what_is_written_is_read, hostile_json_is_refused)
