#include "tests/support/support.h"

#include <prune/pruning.h>

START_TEST(defaults_and_texts)
{
    prune_cut_options options;
    char text[64];
    prune_cut_options_init(&options);
    ck_assert_uint_eq(options.struct_size, sizeof options);
    ck_assert(options.compensate);
    ck_assert(!options.blocks);
    ck_assert_ptr_null(options.teacher);
    ck_assert_int_eq(options.saliency, PRUNE_SALIENCY_RECONSTRUCTION);
    ck_ok(prune_options_set(prune_cut_option_table(), &options, "saliency", "random"));
    ck_assert_int_eq(options.saliency, PRUNE_SALIENCY_RANDOM);
    ck_ok(prune_options_set(prune_cut_option_table(), &options, "cost", "bytes"));
    ck_assert_int_eq(options.cost, PRUNE_COST_BYTES);
    ck_ok(prune_options_set(prune_cut_option_table(), &options, "allocation", "uniform"));
    ck_assert_int_eq(options.allocation, PRUNE_ALLOCATION_UNIFORM);
    ck_ok(prune_options_get(prune_cut_option_table(), &options, "kinds", text, sizeof text));
    ck_assert_str_eq(text, "head,qk,neuron,channel");
    ck_fails(prune_options_set(prune_cut_option_table(), &options, "keep", "1.5"), PRUNE_E_ARGUMENT,
             "keep");
}
END_TEST

TEST_MAIN("cut options", defaults_and_texts)
