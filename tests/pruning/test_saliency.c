#include "libprune/pruning/saliency.h"
#include "tests/support/support.h"

#include <prune/pruning.h>

START_TEST(rows_have_the_names_of_the_option)
{
    const char *names[] = {"reconstruction", "taylor", "magnitude", "random"};
    for (int32_t i = 0; i < 4; i++) {
        prune_cut_options options;
        prune_cut_options_init(&options);
        ck_assert_str_eq(pr_saliency_get(i)->name, names[i]);
        ck_ok(prune_options_set(prune_cut_option_table(), &options, "saliency", names[i]));
        ck_assert_int_eq(options.saliency, i);
    }
}
END_TEST

START_TEST(sorts_inside_groups)
{
    prune_context *ctx = test_context(1);
    const pr_space space = {.n_units = 6, .groups = 2};
    const double score[6] = {3, 1, 2, 1, 1, 0};
    const int32_t wanted[6] = {1, 2, 0, 5, 3, 4};
    int32_t order[6];
    pr_order out = {.limit = 2, .order = order};
    ck_ok(pr_saliency_sort(ctx, &space, score, &out));
    ck_assert_mem_eq(order, wanted, sizeof wanted);
    prune_context_free(ctx);
}
END_TEST

/* q and k channels count as much as the product of their energies. */
START_TEST(energy_of_q_and_k)
{
    int64_t slots[3] = {0, 2, 4};
    int32_t begin[3] = {0, 2, 4};
    pr_channel_run runs[4] = {{0, 0, 1}, {1, 0, 1}, {0, 1, 1}, {1, 1, 1}};
    const double energy[4] = {2, 3, 5, 7};
    double score[2];
    pr_spaces spaces = {.slots = slots};
    const pr_evidence evidence = {.spaces = &spaces, .energy = energy};
    const pr_space space = {.n_units = 2, .run_begin = begin, .runs = runs, .groups = 1};
    pr_saliency_qk_energy(&evidence, &space, score);
    ck_assert(score[0] == 10 && score[1] == 21);
}
END_TEST

TEST_MAIN("saliency", rows_have_the_names_of_the_option, sorts_inside_groups, energy_of_q_and_k)
