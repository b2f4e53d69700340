#include "tests/support/support.h"

#include <prune/pipeline.h>

START_TEST(sizes_and_fractions_are_told_apart)
{
    static const struct {
        const char *text;
        double fraction;
        uint64_t bytes;
    } good[] = {{"0.2", 0.2, 0},       {"1", 1, 0},          {"2.5e-1", 0.25, 0},
                {"900kB", 0, 900000},  {"1B", 0, 1},         {"3.5MB", 0, 3500000},
                {"4 MiB", 0, 4194304}, {"1KiB", 0, 1024},    {"1GB", 0, 1000000000},
                {"0.5MB", 0, 500000},  {"2GiB", 0, 1u << 31}};
    double fraction;
    uint64_t bytes;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_ok(prune_packed_goal_parse(good[i].text, &fraction, &bytes));
        ck_assert_double_eq(fraction, good[i].fraction);
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
    static const char *const bad[] = {"",    "0",     "-0.1",  "1.5", "4000000", "5 mb", "nan",
                                      "inf", "1e30B", "0.2kb", "MB",  "0.1B",    "1MB2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_fails(prune_packed_goal_parse(bad[i], &fraction, &bytes), PRUNE_E_ARGUMENT,
                 "packed-bytes");
}
END_TEST

START_TEST(nothing_is_asked_by_default)
{
    prune_goal_options goals;
    prune_goal_options_init(&goals);
    ck_assert_uint_eq(goals.struct_size, sizeof goals);
    ck_assert_double_eq(goals.macs + goals.params + goals.bytes, 0);
    ck_assert_double_eq(goals.latency_ms + goals.energy_mj, 0);
    ck_assert_ptr_null(goals.max_drop);
    ck_assert_ptr_null(goals.packed_bytes);
    const prune_option_table *table = prune_goal_option_table();
    ck_ok(prune_options_set(table, &goals, "macs", "0.6"));
    ck_fails(prune_options_set(table, &goals, "macs", "1.6"), PRUNE_E_ARGUMENT, "macs");
    ck_fails(prune_options_set(table, &goals, "latency", "5"), PRUNE_E_ARGUMENT, "latency-ms");
}
END_TEST

TEST_MAIN("pipelines.recipe.goals", sizes_and_fractions_are_told_apart, nothing_is_asked_by_default)
