#include "libprune/base/options.h"
#include "tests/support/support.h"

typedef struct sample_options {
    uint32_t struct_size;
    bool fast;
    int32_t rounds;
    uint64_t seed;
    double rate;
    const char *path;
    int32_t mode;
} sample_options;

static const prune_option rows[] = {
    {"fast", PRUNE_OPTION_BOOL, offsetof(sample_options, fast), "true", 0, 0, NULL, ""},
    {"rounds", PRUNE_OPTION_INT, offsetof(sample_options, rounds), "5", -2, 100, NULL, ""},
    {"seed", PRUNE_OPTION_UINT64, offsetof(sample_options, seed), "1", 0, 1.8446744073709552e19,
     NULL, ""},
    {"rate", PRUNE_OPTION_FLOAT, offsetof(sample_options, rate), "0.1", 0, 1, NULL, ""},
    {"path", PRUNE_OPTION_TEXT, offsetof(sample_options, path), NULL, 0, 0, NULL, ""},
    {"mode", PRUNE_OPTION_CHOICE, offsetof(sample_options, mode), "slow", 0, 0, "auto|slow|slower",
     ""},
};
static const prune_option_table table = {"sample", sizeof(sample_options), rows, 6};

static const char *get(const sample_options *options, const char *name)
{
    static char text[64];
    ck_ok(prune_options_get(&table, options, name, text, sizeof text));
    return text;
}

START_TEST(defaults)
{
    sample_options o;
    prune_options_init(&table, &o);
    ck_assert_uint_eq(o.struct_size, sizeof o);
    ck_assert(o.fast);
    ck_assert_int_eq(o.rounds, 5);
    ck_assert(o.seed == 1);
    ck_assert(o.rate == 0.1);
    ck_assert_ptr_null(o.path);
    ck_assert_int_eq(o.mode, 1);
}
END_TEST

START_TEST(text_goes_in_and_comes_out)
{
    static const char *const cases[][2] = {{"fast", "false"},
                                           {"rounds", "-2"},
                                           {"rounds", "100"},
                                           {"seed", "12345678901234567890"},
                                           {"rate", "0.333333333333333"},
                                           {"rate", "1e-05"},
                                           {"path", "a b"},
                                           {"mode", "slower"},
                                           {"mode", "auto"}};
    sample_options o;
    prune_options_init(&table, &o);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_ok(prune_options_set(&table, &o, cases[i][0], cases[i][1]));
        ck_assert_str_eq(get(&o, cases[i][0]), cases[i][1]);
    }
    o.path = NULL;
    ck_assert_str_eq(get(&o, "path"), "");
    char small[3];
    ck_fails(prune_options_get(&table, &o, "seed", small, sizeof small), PRUNE_E_ARGUMENT, "21");
}
END_TEST

START_TEST(wrong_text_is_refused)
{
    static const char *const cases[][3] = {
        {"rounds", "101", "-2 to 100"}, {"rounds", "-3", "-2 to 100"},
        {"rounds", "1.5", "whole"},     {"rounds", "", "whole"},
        {"rounds", "5x", "whole"},      {"seed", "-1", "outside"},
        {"rounds", "--5", "whole"},     {"rate", "nan", "number"},
        {"rate", "1.01", "0 to 1"},     {"rate", "0.5 ", "number"},
        {"fast", "maybe", "true"},      {"mode", "slo", "auto|slow"},
        {"roundz", "1", "rounds"},      {"seed", "99999999999999999999999", "outside"},
        {"rounds", "- 5", "whole"},     {"rounds", "5-", "whole"}};
    sample_options o, before;
    prune_options_init(&table, &o);
    memcpy(&before, &o, sizeof o);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_fails(prune_options_set(&table, &o, cases[i][0], cases[i][1]), PRUNE_E_ARGUMENT,
                 cases[i][2]);
        ck_assert_ptr_nonnull(strstr(prune_last_error(), cases[i][0]));
        ck_assert_int_eq(memcmp(&o, &before, sizeof o), 0);
    }
    ck_fails(prune_options_set(&table, &o, "rate", NULL), PRUNE_E_ARGUMENT, "missing");
}
END_TEST

START_TEST(older_and_newer_callers)
{
    sample_options given, out;
    ck_ok(pr_options_take(&table, &out, NULL));
    ck_assert_int_eq(out.rounds, 5);
    prune_options_init(&table, &given);
    given.rounds = 7;
    given.mode = 2;
    ck_ok(pr_options_take(&table, &out, &given));
    ck_assert_int_eq(out.rounds, 7);
    ck_assert_int_eq(out.mode, 2);
    given.struct_size = offsetof(sample_options, mode); /* compiled before mode existed */
    ck_ok(pr_options_take(&table, &out, &given));
    ck_assert_int_eq(out.rounds, 7);
    ck_assert_int_eq(out.mode, 1);
    ck_assert_uint_eq(out.struct_size, sizeof out);
    given.struct_size = 0;
    ck_fails(pr_options_take(&table, &out, &given), PRUNE_E_ARGUMENT, "struct_size");
    given.struct_size = sizeof given;
    given.rate = 2;
    ck_fails(pr_options_take(&table, &out, &given), PRUNE_E_ARGUMENT, "rate");
    given.rate = 0;
    given.mode = 3;
    ck_fails(pr_options_take(&table, &out, &given), PRUNE_E_ARGUMENT, "mode");
}
END_TEST

START_TEST(the_nearest_word)
{
    static const char *const words[] = {"trim", "tune", "quantize", "tune"};
    ck_assert_str_eq(prune_options_nearest("quantise", words, 4), "quantize");
    ck_assert_ptr_eq(prune_options_nearest("tunes", words, 4), words[1]);
    ck_assert_str_eq(prune_options_nearest("", words, 4), "trim");
    ck_assert_ptr_null(prune_options_nearest("trim", words, 0));
}
END_TEST

TEST_MAIN("options", defaults, text_goes_in_and_comes_out, wrong_text_is_refused,
          older_and_newer_callers, the_nearest_word)
