/* Covers: demand.c, pack.c */
#include "libprune/session/lower.h"
#include "tests/session/nets.h"

static const pr_unit *unit_named(const pr_lowered *low, const char *name)
{
    for (int32_t i = 0; i < low->n_units; i++) {
        if (strcmp(low->units[i].name, name) == 0) return &low->units[i];
    }
    ck_abort_msg("no unit '%s'", name);
    return NULL;
}

START_TEST(nodes_are_grouped)
{
    prune_context *ctx = test_context(1);
    prune_model *chain = net_chain(ctx), *vit = net_vit(ctx);
    pr_lowered low;
    ck_ok(pr_lower(&low, chain));
    const pr_unit *unit = unit_named(&low, "unit.conv2+unit.late");
    ck_assert_int_eq(unit->residual, pr_model_find_node(chain, "body"));
    ck_assert_int_eq(unit->late, PR_ACT_RELU);
    unit = unit_named(&low, "up1.conv2+up1.act2");
    ck_assert_int_eq(unit->upsample, 2);
    ck_assert_int_eq(unit->input, pr_model_find_node(chain, "up1.act1"));
    /* The relu between body and the unit stays a step of its own: body is read twice. */
    ck_assert(unit_named(&low, "unit.relu1")->live);
    for (int32_t i = 1; i < low.n_units; i++) {
        ck_assert_int_lt(low.units[i - 1].last, low.units[i].last);
    }
    pr_lowered_free(&low);

    /* Integers may be merged whatever their width; floats only by whole blocks of columns. */
    static float input[16 * 16 * 3];
    ck_ok(pr_lower(&low, vit));
    ck_assert_int_eq(unit_named(&low, "blocks.0.attn.q")->n_merged, 1);
    pr_lowered_free(&low);
    annotate(vit, input, 16, 16, true);
    ck_ok(pr_lower(&low, vit));
    unit = unit_named(&low, "blocks.0.attn.q+blocks.0.attn.k+blocks.0.attn.v");
    ck_assert_int_eq(unit->n_merged, 3);
    unit = unit_named(&low, "blocks.1.attn.proj+blocks.1.add1"); /* LayerScale went inside */
    ck_assert_int_eq(unit->act, PR_ACT_NONE);
    ck_assert_ptr_nonnull(unit->gain);
    ck_assert_int_ne(unit->residual, PR_NONE);
    ck_assert_int_eq(unit_named(&low, "blocks.1.mlp.fc1+blocks.1.mlp.act")->act, PR_ACT_GELU);
    pr_lowered_free(&low);
    pr_model_free(chain);
    pr_model_free(vit);
    prune_context_free(ctx);
}
END_TEST

START_TEST(bytes_replace_floats_where_nobody_reads_floats)
{
    enum { SIZE = 16 };
    static float input[SIZE * SIZE * 3];
    prune_context *ctx = test_context(1);
    prune_model *model = net_chain(ctx);
    pr_lowered low;
    test_fill(input, SIZE * SIZE * 3, 3);
    annotate(model, input, SIZE, SIZE, false);
    ck_ok(pr_lower(&low, model));
    ck_assert(!low.need_f32[pr_model_find_node(model, "down.act")]);
    ck_assert(!low.need_f32[pr_model_find_node(model, "up1.act1")]);
    /* Added later, and quantized through the relu on the way out. */
    int32_t body = pr_model_find_node(model, "body");
    ck_assert(low.need_f32[body]);
    ck_assert(!unit_named(&low, "unit.relu1")->live);
    const pr_unit *unit = unit_named(&low, "body");
    ck_assert_int_ne(unit->emits, PR_NONE);
    ck_assert(low.variants[unit->emits].relu);
    ck_assert_int_eq(low.variants[unit->emits].node, body);
    pr_lowered_free(&low);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(impossible_annotations_are_refused)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_chain(ctx);
    pr_lowered low;
    pr_precision *p = &model->nodes[pr_model_find_node(model, "body")].precision;
    p->compute = PR_COMPUTE_I8;
    ck_fails(pr_lower(&low, model), PRUNE_E_FORMAT, "body");
    p->input = PR_INPUT_TOKEN;
    ck_fails(pr_lower(&low, model), PRUNE_E_UNSUPPORTED, "per token");
    model->n_outputs = 0;
    ck_fails(pr_lower(&low, model), PRUNE_E_FORMAT, "no output");
    model->n_outputs = 1;
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session/lower", nodes_are_grouped, bytes_replace_floats_where_nobody_reads_floats,
          impossible_annotations_are_refused)
