/* A fresh network: its structure, its reproducibility, and what is refused. */
#include "libprune/models/models.h"
#include "tests/support/support.h"

static prune_new_options tiny(void)
{
    prune_new_options o;
    prune_new_options_init(&o);
    o.width = 24;
    o.blocks = 4;
    o.heads = 3;
    o.neck = "8,12,16,20";
    o.fusion = 8;
    o.head = 6;
    o.input_height = 42;
    o.input_width = 56;
    return o;
}

START_TEST(builds_the_whole_network)
{
    prune_context *ctx = test_context(1);
    prune_model *model;
    prune_new_options o = tiny();
    ck_ok(prune_model_new(&model, ctx, &o));
    ck_assert_str_eq(model->meta.architecture, "depth_anything_v2");
    ck_assert_int_eq(model->meta.output_kind, PR_OUTPUT_METRIC);
    ck_assert_int_eq(model->meta.preprocess.height, 42);
    int32_t q = pr_model_find_node(model, "blocks.3.attn.q");
    ck_assert_int_ne(q, PR_NONE);
    const pr_tensor *weight = pr_node_param(model, &model->nodes[q], PR_SLOT_WEIGHT);
    pr_shape expected = pr_shape2(24, 24);
    ck_assert(pr_shape_equal(&weight->shape, &expected));
    const pr_node *attention = &model->nodes[pr_model_find_node(model, "blocks.0.attn")];
    ck_assert_int_eq(attention->n_inputs, 3);
    ck_assert_int_eq(attention->attrs.qk_width, 8);
    ck_assert_float_eq_tol(attention->attrs.scale, 0.35355339f, 1e-7f);
    const pr_node *up = &model->nodes[pr_model_find_node(model, "resize_layers.0")];
    expected = pr_shape4(4, 4, 8, 8);
    ck_assert(pr_shape_equal(&pr_node_param(model, up, PR_SLOT_WEIGHT)->shape, &expected));
    const pr_node *table = &model->nodes[pr_model_find_node(model, "tokens")];
    expected = pr_shape2(1 + 3 * 4, 24);
    ck_assert(pr_shape_equal(&pr_node_param(model, table, PR_SLOT_POSITION)->shape, &expected));
    ck_assert_int_eq(model->n_outputs, 1);
    ck_assert_uint_gt(model->origin_params, 20000);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(gated_mlps_follow_the_rounding_rule)
{
    static const int32_t widths[][2] = {{24, 64}, {20, 56}, {48, 128}}; /* width, hidden */
    prune_context *ctx = test_context(1);
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        prune_model *model;
        prune_new_options o = tiny();
        o.width = widths[k][0];
        o.heads = 4;
        o.mlp = 1;
        ck_ok(prune_model_new(&model, ctx, &o));
        const pr_node *gate = &model->nodes[pr_model_find_node(model, "blocks.3.mlp.gate")];
        ck_assert_int_eq(gate->op, PR_OP_SWIGLU);
        const pr_node *out = &model->nodes[pr_model_find_node(model, "blocks.3.mlp.w3")];
        pr_shape expected = pr_shape2(widths[k][0], widths[k][1]);
        ck_assert(pr_shape_equal(&pr_node_param(model, out, PR_SLOT_WEIGHT)->shape, &expected));
        prune_model_free(model);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(same_seed_gives_the_same_weights)
{
    prune_context *ctx = test_context(1);
    prune_model *a, *b, *c;
    prune_new_options o = tiny();
    ck_ok(prune_model_new(&a, ctx, &o));
    ck_ok(prune_model_new(&b, ctx, &o));
    o.seed = 2;
    ck_ok(prune_model_new(&c, ctx, &o));
    int32_t different = 0;
    for (int32_t i = 0; i < a->n_params; i++) {
        size_t bytes = pr_tensor_bytes(&a->params[i].tensor);
        ck_assert_mem_eq(a->params[i].tensor.data, b->params[i].tensor.data, bytes);
        different += memcmp(a->params[i].tensor.data, c->params[i].tensor.data, bytes) != 0;
    }
    ck_assert_int_gt(different, 20);
    prune_model_free(a);
    prune_model_free(b);
    prune_model_free(c);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
    prune_context *ctx = test_context(1);
    prune_model *model = NULL;
    prune_new_options o = tiny();
    o.heads = 5;
    ck_fails(prune_model_new(&model, ctx, &o), PRUNE_E_ARGUMENT, "--heads 5");
    o = tiny();
    o.input_width = 57;
    ck_fails(prune_model_new(&model, ctx, &o), PRUNE_E_ARGUMENT, "multiples of 14");
    o = tiny();
    o.taps = "1,2,2,3";
    ck_fails(prune_model_new(&model, ctx, &o), PRUNE_E_ARGUMENT, "--taps 1,2,2,3");
    o = tiny();
    o.taps = "0,1,2,3,4";
    ck_fails(prune_model_new(&model, ctx, &o), PRUNE_E_ARGUMENT, "four ascending");
    o = tiny();
    o.neck = "8,12,16";
    ck_fails(prune_model_new(&model, ctx, &o), PRUNE_E_ARGUMENT, "--neck");
    ck_assert_ptr_null(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/new", builds_the_whole_network, gated_mlps_follow_the_rounding_rule,
          same_seed_gives_the_same_weights, refuses_what_does_not_fit)
