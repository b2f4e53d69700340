#include "libprune/passes/spaces.h"
#include "tests/support/graphs.h"
#include "tests/support/support.h"

static const pr_space *find_space(const pr_spaces *spaces, const char *name)
{
    for (int32_t i = 0; i < spaces->count; i++)
        if (strcmp(spaces->items[i].name, name) == 0) return &spaces->items[i];
    ck_abort_msg("no space '%s'", name);
    return NULL;
}

static int count_kind(const pr_spaces *spaces, pr_space_kind kind)
{
    int count = 0;
    for (int32_t i = 0; i < spaces->count; i++)
        count += spaces->items[i].kind == kind && !spaces->items[i].locked;
    return count;
}

START_TEST(transformer_has_every_kind)
{
    prune_context *ctx = test_context(1);
    prune_model *model = test_graph_transformer(ctx, 1);
    pr_spaces spaces;
    ck_ok(pr_spaces_create(&spaces, model, 0, 0));
    ck_assert_int_eq(count_kind(&spaces, PR_SPACE_HEAD), 4);
    ck_assert_int_eq(count_kind(&spaces, PR_SPACE_QK), 4);
    ck_assert_int_eq(count_kind(&spaces, PR_SPACE_NEURON), 4);
    ck_assert_int_eq(count_kind(&spaces, PR_SPACE_RESIDUAL), 1);
    ck_assert_int_gt(count_kind(&spaces, PR_SPACE_CHANNEL), 10);
    for (int32_t i = 0; i < spaces.count; i++) {
        const pr_space *space = &spaces.items[i];
        if (space->kind == PR_SPACE_QK) {
            ck_assert_int_eq(space->groups, 2);
            ck_assert_int_eq(space->n_units, 16);
            ck_assert_int_eq(space->n_consumers, 0);
        } else if (space->kind == PR_SPACE_HEAD) {
            /* q, k, v and the output, 8 channels each; only the projection reads them. */
            ck_assert_int_eq(space->n_units, 2);
            ck_assert_int_eq(space->run_begin[1], 4);
            for (int r = 0; r < 4; r++) ck_assert_int_eq(space->runs[r].count, 8);
            ck_assert_int_eq(space->n_consumers, 1);
            ck_assert_int_eq(space->n_producers, 3);
        } else if (space->kind == PR_SPACE_NEURON) {
            ck_assert_int_eq(space->n_units, 64);
        } else if (space->kind == PR_SPACE_RESIDUAL) {
            ck_assert_int_eq(space->n_units, 16);
        }
    }
    json_t *json = pr_spaces_to_json(&spaces);
    ck_assert_uint_eq(json_array_size(json), (size_t)spaces.count);
    json_decref(json);
    pr_spaces_free(&spaces);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(input_and_output_are_locked)
{
    prune_context *ctx = test_context(1);
    prune_model *model = test_graph_encoder_decoder(ctx, 16, 24, 8, 1);
    pr_spaces spaces;
    ck_ok(pr_spaces_create(&spaces, model, 0, 0));
    ck_assert_str_eq(find_space(&spaces, "image")->locked, "network input");
    ck_assert_str_eq(find_space(&spaces, "head")->locked, "network output");
    const pr_space *space = find_space(&spaces, "decoder.1");
    ck_assert_ptr_null(space->locked);
    ck_assert_int_eq(space->kind, PR_SPACE_CHANNEL);
    ck_assert_int_eq(space->n_units, 8);
    ck_assert_int_eq(space->n_producers, 1);
    ck_assert_int_eq(space->n_consumers, 1);
    ck_assert_str_eq(model->nodes[space->consumers[0]].name, "decoder.2");
    pr_spaces_free(&spaces);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Channels of one value that come from two places may be cut apart. */
START_TEST(concatenation_holds_two_spaces)
{
    prune_context *ctx = test_context(1);
    test_graph g = test_graph_create(ctx, 8, 8, 1);
    int32_t a = test_graph_conv(&g, "a", 0, 3, 6, 3, 1, 1);
    int32_t b = test_graph_conv(&g, "b", 0, 3, 5, 3, 1, 1);
    int32_t c = test_graph_node(&g, PR_OP_CONCAT, "c", a, b, NULL);
    int32_t grouped = test_graph_conv(&g, "grouped", a, 6, 4, 3, 1, 2);
    c = test_graph_node(&g, PR_OP_CONCAT, "d", c, grouped, NULL);
    test_graph_finish(&g, test_graph_conv(&g, "out", c, 15, 1, 1, 1, 1));
    pr_spaces spaces;
    ck_ok(pr_spaces_create(&spaces, g.model, 0, 0));
    /* The grouped convolution halves a's freedom: channels j and j + 3 go together. */
    ck_assert_int_eq(find_space(&spaces, "a")->n_units, 3);
    ck_assert_int_eq(find_space(&spaces, "b")->n_units, 5);
    ck_assert_int_eq(find_space(&spaces, "grouped")->n_units, 2);
    pr_spaces_free(&spaces);
    pr_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("spaces", transformer_has_every_kind, input_and_output_are_locked,
          concatenation_holds_two_spaces)
