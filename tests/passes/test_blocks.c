#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/blocks.h"
#include "libprune/passes/shapes.h"
#include "tests/support/graphs.h"
#include "tests/support/support.h"

typedef struct silence {
    const pr_blocks *blocks;
    const bool *removed;
} silence;

/* A removed branch adds nothing. */
static prune_status silence_branch(void *user, int32_t node, pr_tensor *value)
{
    const silence *s = user;
    for (int32_t i = 0; i < s->blocks->count; i++)
        if (s->removed[i] && s->blocks->items[i].branch == node)
            memset(value->data, 0, pr_tensor_bytes(value));
    return PRUNE_OK;
}

static void run_model(const prune_model *model, silence *s, float *output)
{
    const pr_preprocess *rule = &model->meta.preprocess;
    static float input[28 * 42 * 3];
    pr_run_options options = {.on_value = s ? silence_branch : NULL, .user = s};
    pr_run *run = NULL;
    test_fill(input, 28 * 42 * 3, 5);
    ck_ok(pr_run_create(&run, model, 1, rule->height, rule->width, &options));
    ck_ok(pr_run_forward(run, input));
    memcpy(output, pr_run_output(run)->data, 28 * 42 * sizeof *output);
    pr_run_free(run);
}

START_TEST(removed_block_equals_silent_branch)
{
    static float silent[28 * 42], small[28 * 42];
    prune_context *ctx = test_context(1);
    prune_model *model = test_graph_transformer(ctx, 3);
    pr_blocks blocks;
    ck_ok(pr_blocks_create(&blocks, model));
    /* Attention and MLP of 4 blocks, 7 live residual units of the head. */
    ck_assert_int_eq(blocks.count, 8 + 7);
    bool *removed = pr_calloc(ctx, (size_t)blocks.count, sizeof *removed);
    uint8_t *dead = pr_calloc(ctx, (size_t)model->n_nodes, 1);
    ck_ok(pr_blocks_dead(&blocks, model, removed, dead));
    for (int32_t v = 0; v < model->n_nodes; v++) ck_assert_int_eq(dead[v], 0);
    for (int pick = 0; pick < 4; pick++) {
        int32_t alive = 0;
        for (int32_t i = 0; i < blocks.count; i++) removed[i] = (i + pick) % 4 < pick + 1;
        silence s = {&blocks, removed};
        run_model(model, &s, silent);
        ck_ok(pr_blocks_dead(&blocks, model, removed, dead));
        for (int32_t v = 0; v < model->n_nodes; v++) alive += !dead[v];
        prune_model *cut = NULL;
        ck_ok(pr_model_clone(&cut, model));
        ck_ok(pr_blocks_remove(cut, &blocks, removed));
        ck_assert_int_eq(cut->n_nodes, alive);
        ck_assert_uint_lt(pr_model_params(cut), pr_model_params(model));
        run_model(cut, NULL, small);
        ck_assert(test_rms(small, silent, 28 * 42) <= 1e-5);
        ck_assert(test_max(small, silent, 28 * 42) <= 1e-4);
        pr_model_free(cut);
    }
    pr_free(ctx, dead);
    pr_free(ctx, removed);
    pr_blocks_free(&blocks);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(sum_of_two_sources_is_no_block)
{
    prune_context *ctx = test_context(1);
    test_graph g = test_graph_create(ctx, 8, 8, 1);
    int32_t a = test_graph_conv(&g, "a", 0, 3, 6, 3, 1, 1);
    int32_t b = test_graph_conv(&g, "b", 0, 3, 6, 3, 1, 1);
    int32_t c = test_graph_node(&g, PR_OP_ADD, "c", a, b, NULL);
    test_graph_finish(&g, test_graph_conv(&g, "out", c, 6, 1, 1, 1, 1));
    pr_blocks blocks;
    ck_ok(pr_blocks_create(&blocks, g.model));
    ck_assert_int_eq(blocks.count, 0);
    pr_blocks_free(&blocks);
    pr_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("blocks", removed_block_equals_silent_branch, sum_of_two_sources_is_no_block)
