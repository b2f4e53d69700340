#include "tests/pruning/planning.h"

START_TEST(a_permutation_that_the_seed_decides)
{
    prune_context *ctx = test_context(1);
    pr_spaces spaces = {.ctx = ctx};
    const pr_space space = {.n_units = 40, .groups = 1};
    int32_t orders[3][40];
    for (uint64_t i = 0; i < 3; i++) {
        bool seen[40] = {false};
        const pr_evidence evidence = {.spaces = &spaces, .seed = i / 2};
        pr_order out = {.limit = 39, .order = orders[i]};
        ck_ok(pr_saliency_random(&evidence, &space, &out));
        for (int k = 0; k < 40; k++) seen[orders[i][k]] = true;
        for (int k = 0; k < 40; k++) ck_assert(seen[k]);
    }
    ck_assert_mem_eq(orders[0], orders[1], sizeof orders[0]);
    ck_assert_mem_ne(orders[0], orders[2], sizeof orders[0]);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("saliency random", a_permutation_that_the_seed_decides)
