/* Law 1 of channel spaces: the cut network computes what the original does with the removed
 * units' channels set to zero. On random plans, for every kind of coupling. */
#include "libprune/base/random.h"
#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/cut.h"
#include "libprune/passes/shapes.h"
#include "tests/support/graphs.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

typedef struct masking {
    const pr_spaces *spaces;
    const uint8_t *mask;
} masking;

static prune_status mask_value(void *user, int32_t node, pr_tensor *value)
{
    const masking *m = user;
    const int64_t width = pr_shape_last(&value->shape);
    const uint8_t *mask = m->mask + m->spaces->slots[node];
    for (int64_t i = 0; i < pr_tensor_count(value); i++)
        if (mask[i % width]) pr_f32(value)[i] = 0;
    return PRUNE_OK;
}

static void run_model(const prune_model *model, masking *m, const float *input, float *output)
{
    const pr_preprocess *rule = &model->meta.preprocess;
    pr_run_options options = {.on_value = m ? mask_value : NULL, .user = m};
    pr_run *run = NULL;
    ck_ok(pr_run_create(&run, model, 1, rule->height, rule->width, &options));
    ck_ok(pr_run_forward(run, input));
    const pr_tensor *out = pr_run_output(run);
    memcpy(output, out->data, (size_t)pr_tensor_count(out) * sizeof *output);
    pr_run_free(run);
}

/* Removes at random, at least one unit kept; the same number in each group. */
static int32_t choose_units(const pr_spaces *spaces, bool *removed, uint64_t seed)
{
    pr_random random;
    pr_random_seed(&random, seed, 0);
    int32_t count = 0;
    memset(removed, 0, (size_t)spaces->n_units * sizeof *removed);
    for (int32_t i = 0; i < spaces->count; i++) {
        const pr_space *space = &spaces->items[i];
        if (space->locked || pr_random_below(&random, 3) == 0) continue;
        const int32_t width = space->n_units / space->groups;
        const uint32_t n = pr_random_below(&random, (uint32_t)width);
        for (int32_t g = 0; g < space->groups; g++)
            for (uint32_t taken = 0; taken < n;) {
                const uint32_t u = pr_random_below(&random, (uint32_t)width);
                bool *unit = &removed[space->first_unit + g * width + (int32_t)u];
                if (*unit) continue;
                *unit = true;
                taken++;
                count++;
            }
    }
    return count;
}

static void check_cost(const prune_model *cut, const pr_spaces *spaces, const prune_model *model,
                       const uint8_t *mask)
{
    pr_cost cost;
    uint64_t macs;
    pr_spaces_cost(spaces, model, mask, NULL, &cost);
    ck_ok(pr_model_macs(cut, 0, 0, &macs));
    ck_assert_msg(cost.macs == macs, "predicted %llu MACs, got %llu", (unsigned long long)cost.macs,
                  (unsigned long long)macs);
    ck_assert_uint_eq(cost.params, pr_model_params(cut));
    ck_assert_uint_eq(cost.bytes, pr_model_bytes(cut));
}

static void check_law(prune_model *model, int plans)
{
    prune_context *ctx = model->ctx;
    pr_spaces spaces;
    ck_ok(pr_spaces_create(&spaces, model, 0, 0));
    const pr_preprocess *rule = &model->meta.preprocess;
    const int64_t pixels = (int64_t)rule->height * rule->width;
    bool *removed = pr_calloc(ctx, (size_t)spaces.n_units, sizeof *removed);
    uint8_t *mask = pr_calloc(ctx, (size_t)spaces.slots[spaces.n_nodes], 1);
    float *input = pr_calloc(ctx, (size_t)pixels * 3, sizeof *input);
    float *masked = pr_calloc(ctx, (size_t)pixels * 64, sizeof *masked);
    float *small = pr_calloc(ctx, (size_t)pixels * 64, sizeof *small);
    for (int plan = 0; plan < plans; plan++) {
        uint64_t seed = (uint64_t)plan + 7;
        while (choose_units(&spaces, removed, seed) == 0) ck_assert_uint_lt(seed += 100, 10000);
        pr_spaces_mask(&spaces, removed, mask);
        test_fill(input, pixels * 3, (uint64_t)plan);
        masking m = {&spaces, mask};
        run_model(model, &m, input, masked);
        prune_model *cut = NULL;
        ck_ok(pr_model_clone(&cut, model));
        ck_ok(pr_spaces_cut(cut, &spaces, removed));
        run_model(cut, NULL, input, small);
        check_cost(cut, &spaces, model, mask);
        const double rms = test_rms(small, masked, pixels), max = test_max(small, masked, pixels);
        ck_assert_msg(rms <= 1e-5 && max <= 1e-4, "plan %d: rms %g, max %g", plan, rms, max);
        pr_model_free(cut);
    }
    pr_free(ctx, removed);
    pr_free(ctx, mask);
    pr_free(ctx, input);
    pr_free(ctx, masked);
    pr_free(ctx, small);
    pr_spaces_free(&spaces);
    pr_model_free(model);
    prune_context_free(ctx);
}

/* One output channel per pixel at the input's size. */
static prune_model *finish(test_graph *g, int32_t node, int64_t channels)
{
    test_graph_finish(g, test_graph_conv(g, "out", node, channels, 1, 3, 1, 1));
    return g->model;
}

START_TEST(concat_of_two_and_with_itself)
{
    test_graph g = test_graph_create(test_context(1), 8, 10, 1);
    int32_t a = test_graph_conv(&g, "a", 0, 3, 6, 3, 1, 1);
    a = test_graph_node(&g, PR_OP_ELU, "act", a, PR_NONE, NULL);
    int32_t b = test_graph_conv(&g, "b", 0, 3, 5, 1, 1, 1);
    int32_t ab = test_graph_node(&g, PR_OP_CONCAT, "ab", a, b, NULL);
    int32_t aa = test_graph_node(&g, PR_OP_CONCAT, "aa", a, a, NULL);
    int32_t both = test_graph_node(&g, PR_OP_CONCAT, "both", ab, aa, NULL);
    check_law(finish(&g, both, 23), 6);
}
END_TEST

START_TEST(residual_convolutions_with_sigmoid_inside)
{
    test_graph g = test_graph_create(test_context(1), 8, 10, 2);
    int32_t x = test_graph_conv(&g, "stem", 0, 3, 8, 3, 1, 1);
    int32_t y = test_graph_node(&g, PR_OP_SIGMOID, "s", x, PR_NONE, NULL);
    y = test_graph_conv(&g, "conv1", y, 8, 7, 3, 1, 1);
    y = test_graph_node(&g, PR_OP_RELU, "r", y, PR_NONE, NULL);
    y = test_graph_conv(&g, "conv2", y, 7, 8, 3, 1, 1);
    x = test_graph_node(&g, PR_OP_ADD, "add", x, y, NULL);
    check_law(finish(&g, x, 8), 6);
}
END_TEST

START_TEST(grouped_and_depthwise)
{
    test_graph g = test_graph_create(test_context(1), 8, 10, 3);
    int32_t x = test_graph_conv(&g, "stem", 0, 3, 12, 3, 1, 1);
    x = test_graph_conv(&g, "grouped", x, 12, 9, 3, 1, 3);
    x = test_graph_conv(&g, "mix", x, 9, 6, 1, 1, 1);
    x = test_graph_conv(&g, "depthwise", x, 6, 6, 3, 1, 6);
    x = test_graph_conv(&g, "widen", x, 6, 12, 3, 1, 6); /* two outputs per group */
    check_law(finish(&g, x, 12), 8);
}
END_TEST

START_TEST(transposed_convolution_and_resize)
{
    test_graph g = test_graph_create(test_context(1), 8, 12, 4);
    pr_attrs twice = pr_attrs_default();
    twice.factor = 2;
    int32_t x = test_graph_conv(&g, "stem", 0, 3, 8, 3, 4, 1);
    x = test_graph_conv_transpose(&g, "up", x, 8, 6, 2);
    x = test_graph_node(&g, PR_OP_RESIZE, "resize", x, PR_NONE, &twice);
    check_law(finish(&g, x, 6), 6);
}
END_TEST

/* Tokens from a convolution, attention with heads of unequal q/k and v width, neurons, residual
 * stream with layer norms, and one norm's parameters shared by two nodes. */
START_TEST(attention_block_with_shared_norm)
{
    test_graph g = test_graph_create(test_context(1), 8, 12, 5);
    pr_attrs embed = pr_attrs_default();
    embed.grid[0] = 2;
    embed.grid[1] = 3;
    embed.prefix = 1;
    int32_t x = test_graph_conv(&g, "patch", 0, 3, 10, 1, 4, 1);
    x = test_graph_node(&g, PR_OP_TOKEN_EMBED, "embed", x, PR_NONE, &embed);
    pr_tensor prefix, position;
    const pr_shape sizes[2] = {pr_shape2(1, 10), pr_shape2(7, 10)};
    ck_ok(pr_tensor_create(&prefix, g.model->ctx, PR_F32, &sizes[0]));
    ck_ok(pr_tensor_create(&position, g.model->ctx, PR_F32, &sizes[1]));
    test_fill(pr_f32(&prefix), 10, 11);
    test_fill(pr_f32(&position), 70, 12);
    ck_ok(pr_model_add_param(g.model, x, 0, prefix));
    ck_ok(pr_model_add_param(g.model, x, 1, position));
    int32_t y = test_graph_norm(&g, "norm1", x, 10);
    y = test_graph_attention(&g, "attn", y, 10, 3, 4, 5);
    x = test_graph_node(&g, PR_OP_ADD, "add1", x, y, NULL);
    pr_attrs norm = g.model->nodes[pr_model_find_node(g.model, "norm1")].attrs;
    y = test_graph_node(&g, PR_OP_LAYER_NORM, "norm2", x, PR_NONE, &norm);
    memcpy(g.model->nodes[y].params, g.model->nodes[pr_model_find_node(g.model, "norm1")].params,
           sizeof g.model->nodes[y].params);
    y = test_graph_linear(&g, "fc1", y, 10, 14);
    y = test_graph_node(&g, PR_OP_GELU, "gelu", y, PR_NONE, NULL);
    y = test_graph_linear(&g, "fc2", y, 14, 10);
    x = test_graph_node(&g, PR_OP_ADD, "add2", x, y, NULL);
    pr_attrs map = pr_attrs_default();
    map.prefix = 1;
    const int32_t inputs[2] = {x, pr_model_find_node(g.model, "patch")};
    ck_ok(pr_model_add_node(g.model, &x, PR_OP_TOKENS_TO_MAP, "map", inputs, 2, &map));
    pr_attrs grow = pr_attrs_default();
    grow.factor = 4;
    x = test_graph_node(&g, PR_OP_RESIZE, "grow", x, PR_NONE, &grow);
    check_law(finish(&g, x, 10), 12);
}
END_TEST

START_TEST(encoder_decoder)
{
    check_law(test_graph_encoder_decoder(test_context(1), 16, 24, 8, 6), 5);
}
END_TEST

START_TEST(transformer)
{
    check_law(test_graph_transformer(test_context(1), 7), 8);
}
END_TEST

/* Removing a neuron removes the same unit of both halves. */
START_TEST(gated_transformer)
{
    prune_model *model = net_gated(test_context(1));
    pr_spaces spaces;
    ck_ok(pr_spaces_create(&spaces, model, 0, 0));
    int32_t found = 0;
    for (int32_t i = 0; i < spaces.count; i++) {
        if (strcmp(spaces.items[i].name, "blocks.1.mlp.w1") != 0) continue;
        found++;
        ck_assert_int_eq(spaces.items[i].kind, PR_SPACE_NEURON);
        ck_assert_int_eq(spaces.items[i].n_producers, 2);
        ck_assert_int_eq(spaces.items[i].n_consumers, 1);
    }
    ck_assert_int_eq(found, 1);
    pr_spaces_free(&spaces);
    check_law(model, 8);
}
END_TEST

START_TEST(refuses_what_cannot_be)
{
    prune_model *model = test_graph_transformer(test_context(1), 8);
    prune_context *ctx = model->ctx;
    pr_spaces spaces;
    ck_ok(pr_spaces_create(&spaces, model, 0, 0));
    bool *removed = pr_calloc(ctx, (size_t)spaces.n_units, sizeof *removed);
    const uint64_t before = pr_model_params(model);
    for (int32_t i = 0; i < spaces.count; i++) {
        const pr_space *space = &spaces.items[i];
        bool *own = removed + space->first_unit;
        if (space->locked) {
            own[0] = true;
            ck_fails(pr_spaces_cut(model, &spaces, removed), PRUNE_E_ARGUMENT, space->name);
        } else if (space->groups > 1) {
            own[0] = true;
            ck_fails(pr_spaces_cut(model, &spaces, removed), PRUNE_E_ARGUMENT, "the same number");
        } else {
            memset(own, 1, (size_t)space->n_units * sizeof *own);
            ck_fails(pr_spaces_cut(model, &spaces, removed), PRUNE_E_ARGUMENT, "all its units");
        }
        memset(own, 0, (size_t)space->n_units * sizeof *own);
    }
    ck_assert_uint_eq(pr_model_params(model), before);
    pr_free(ctx, removed);
    pr_spaces_free(&spaces);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("cut", concat_of_two_and_with_itself, residual_convolutions_with_sigmoid_inside,
          grouped_and_depthwise, transposed_convolution_and_resize,
          attention_block_with_shared_norm, encoder_decoder, transformer, gated_transformer,
          refuses_what_cannot_be)
