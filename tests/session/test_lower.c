/* Covers: demand.c, pack.c */
#include "libprune/passes/bf16.h"
#include "libprune/session/plan.h"
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

/* Many units fail, on several threads: the message is that of the first, on the caller's thread. */
START_TEST(the_first_failure_is_the_one_that_is_told)
{
    enum { SIZE = 16 };
    static float input[SIZE * SIZE * 3];
    char expected[512] = "";
    for (int32_t threads = 1; threads <= 4; threads++) {
        prune_context *ctx = test_context(threads);
        prune_model *model = net_chain(ctx);
        pr_lowered low;
        annotate(model, input, SIZE, SIZE, false);
        int32_t refused = 0;
        for (int32_t i = 0; i < model->n_nodes; i++) {
            pr_precision *p = &model->nodes[i].precision;
            if (p->compute != PR_COMPUTE_I8 || model->nodes[i].op != PR_OP_CONV) continue;
            p->input = PR_INPUT_TOKEN;
            refused++;
        }
        ck_assert_int_gt(refused, 2);
        for (int round = 0; round < 20; round++) {
            ck_fails(pr_lower(&low, model), PRUNE_E_UNSUPPORTED, "per token");
            if (!*expected) (void)snprintf(expected, sizeof expected, "%s", prune_last_error());
            ck_assert_str_eq(prune_last_error(), expected);
        }
        pr_model_free(model);
        prune_context_free(ctx);
    }
}
END_TEST

/* What is packed keeps its shape, and nothing holds on to the memory of a whole file. */
START_TEST(packed_weights_leave_the_model)
{
    enum { SIZE = 16 };
    static float input[SIZE * SIZE * 3], before[SIZE * SIZE], after[SIZE * SIZE];
    prune_context *ctx = test_context(2);
    prune_model *model = net_vit(ctx);
    const char *path = test_path(0, "lower.safetensors.zst");
    pr_lowered low;
    pr_plan plan;
    test_fill(input, SIZE * SIZE * 3, 3);
    annotate(model, input, SIZE, SIZE, true);
    ck_ok(prune_model_save(model, path, NULL));
    pr_model_free(model);
    ck_ok(prune_model_load(&model, ctx, path, NULL));
    prune_session *session;
    ck_ok(prune_session_create(&session, model, NULL));
    ck_ok(prune_session_run(session, input, SIZE, SIZE, before));
    ck_ok(pr_lower(&low, model));
    ck_ok(pr_lower_release(&low, model));
    int32_t gone = 0;
    for (int32_t i = 0; i < model->n_params; i++) {
        const pr_tensor *t = &model->params[i].tensor;
        gone += t->data == NULL;
        ck_assert_int_gt(pr_tensor_count(t), 0);
        if (t->data) ck_assert_ptr_eq(t->data, t->buffer->data);
    }
    ck_assert_int_gt(gone, 10);
    ck_assert_ptr_nonnull(unit_named(&low, "blocks.1.attn.proj+blocks.1.add1")->gain);
    /* Another size is planned from what is left; the session did not need the model at all. */
    ck_ok(pr_plan_create(&plan, &low, 1, 2 * SIZE, SIZE));
    pr_plan_free(&plan);
    pr_lowered_free(&low);
    pr_model_free(model);
    ck_ok(prune_session_run(session, input, SIZE, SIZE, after));
    ck_assert_mem_eq(before, after, sizeof before);
    prune_session_free(session);
    prune_context_free(ctx);
}
END_TEST

static void check_block(const prune_model *model)
{
    pr_lowered low;
    const char *end = NULL;
    ck_ok(pr_lower(&low, model));
    ck_assert_uint_gt(low.packed_bytes, 0);
    for (int32_t i = 0; i < low.n_units; i++) {
        for (int32_t j = 0; j < low.units[i].n_packs; j++) {
            const pr_packed *b = &low.units[i].packs[j];
            ck_assert_msg(b->borrowed, "%s has memory of its own", low.units[i].name);
            if (!end) ck_assert_ptr_eq(b->data, low.weights);
            if (end) ck_assert((const char *)b->data >= end);
            if (end) ck_assert((const char *)b->data < end + 64);
            end = (const char *)b->data + b->bytes;
        }
    }
    pr_lowered_free(&low);
}

START_TEST(packed_weights_lie_in_one_block)
{
    enum { SIZE = 16 };
    static float input[SIZE * SIZE * 3];
    prune_context *ctx = test_context(2);
    prune_model *models[] = {net_chain(ctx), net_vit(ctx)};
    test_fill(input, SIZE * SIZE * 3, 3);
    for (int i = 0; i < 2; i++) {
        check_block(models[i]);
        ck_ok(pr_floats_set(models[i], PR_FLOATS_BF16));
        check_block(models[i]);
        ck_ok(pr_floats_set(models[i], PR_FLOATS_F32));
        annotate(models[i], input, SIZE, SIZE, true);
        check_block(models[i]);
        pr_model_free(models[i]);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session/lower", nodes_are_grouped, packed_weights_lie_in_one_block,
          bytes_replace_floats_where_nobody_reads_floats, impossible_annotations_are_refused,
          the_first_failure_is_the_one_that_is_told, packed_weights_leave_the_model)
