/* Opening data sets: which layout it is, and what is said when it is none. */
#include "tests/eval/trees.h"

START_TEST(layouts_are_listed)
{
    ck_assert_int_eq(prune_dataset_layouts(), 3);
    const prune_option *option = prune_options_find(prune_dataset_option_table(), "layout");
    char choices[100] = "auto";
    for (int32_t i = 0; i < prune_dataset_layouts(); i++) {
        ck_assert_ptr_nonnull(prune_dataset_layout_help(i));
        size_t length = strlen(choices);
        (void)snprintf(choices + length, sizeof choices - length, "|%s",
                       prune_dataset_layout_name(i));
    }
    ck_assert_str_eq(option->choices, choices);
    ck_assert_ptr_null(prune_dataset_layout_name(3));
}
END_TEST

START_TEST(says_what_is_missing)
{
    prune_context *ctx = test_context(1);
    prune_samples *samples;
    ck_fails(prune_dataset_open(&samples, ctx, "/nonexistent", NULL), PRUNE_E_IO, "not a folder");
    ck_fails(prune_dataset_open(&samples, ctx, "tests", NULL), PRUNE_E_ARGUMENT,
             "tests is no data set");
    prune_dataset_options options = tree_options();
    options.layout = 9;
    ck_fails(prune_dataset_open(&samples, ctx, "tests", &options), PRUNE_E_ARGUMENT, "number 9");
    options.struct_size = 3;
    ck_fails(prune_dataset_open(&samples, ctx, "tests", &options), PRUNE_E_ARGUMENT,
             "prune_dataset_options_init");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.dataset_table", layouts_are_listed, says_what_is_missing)
