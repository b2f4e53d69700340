#include "libprune/measure/rapl.h"
#include "tests/measure/counters.h"

START_TEST(domains_and_what_counts)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "powercap");
    pr_rapl rapl;
    char names[64];
    counters_server(root);
    ck_ok(pr_rapl_open(&rapl, ctx, root));
    ck_assert_int_eq(rapl.count, 4);
    pr_rapl_names(&rapl, names, sizeof names);
    ck_assert_str_eq(names, "package-0 + dram");
    pr_rapl_names(&rapl, names, 8);
    ck_assert_str_eq(names, "package");
    double joules[PR_RAPL_DOMAINS] = {0};
    counters_set(root, "intel-rapl:0", 1000 + 2500000);
    counters_set(root, "intel-rapl:0:0", 100 + 1500000);
    counters_set(root, "intel-rapl:0:1", 10 + 250000);
    ck_ok(pr_rapl_read(&rapl, joules));
    counters_set(root, "intel-rapl:0", 1000 + 2500000 + 500000);
    ck_ok(pr_rapl_read(&rapl, joules));
    for (int32_t d = 0; d < rapl.count; d++) {
        const char *name = rapl.domains[d].name;
        const double wanted = strcmp(name, "package-0") == 0 ? 3
                              : strcmp(name, "core") == 0    ? 1.5
                              : strcmp(name, "dram") == 0    ? 0.25
                                                             : 0;
        ck_assert_double_eq_tol(joules[d], wanted, 1e-9);
        ck_assert_int_eq(rapl.domains[d].counted,
                         strcmp(name, "package-0") == 0 || strcmp(name, "dram") == 0);
    }
    pr_rapl_close(&rapl);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_counter_starts_again)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "powercap");
    pr_rapl rapl;
    counters_add(root, "intel-rapl:0", "package-0", 1000000, 900000);
    ck_ok(pr_rapl_open(&rapl, ctx, root));
    double joules[PR_RAPL_DOMAINS] = {0};
    counters_set(root, "intel-rapl:0", 50000);
    ck_ok(pr_rapl_read(&rapl, joules));
    ck_assert_double_eq_tol(joules[0], 0.15, 1e-12); /* 0.1 J up to the range, then 0.05 J */
    ck_ok(pr_rapl_read(&rapl, NULL));
    counters_set(root, "intel-rapl:0", 2000000); /* more than its range */
    ck_ok(pr_rapl_read(&rapl, NULL));
    counters_set(root, "intel-rapl:0", 10);
    ck_fails(pr_rapl_read(&rapl, joules), PRUNE_E_UNSUPPORTED, "from 2000000 back to 10");
    ck_assert_double_eq_tol(joules[0], 0.15, 1e-12);
    pr_rapl_close(&rapl);
    prune_context_free(ctx);
}
END_TEST

START_TEST(what_cannot_be_read_is_named)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "powercap");
    pr_rapl rapl;
    char path[1024];
    ck_fails(pr_rapl_open(&rapl, ctx, root), PRUNE_E_UNSUPPORTED, "no such folder");
    counters_add(root, "intel-rapl:0:0", "core", 10, 1);
    ck_fails(pr_rapl_open(&rapl, ctx, root), PRUNE_E_UNSUPPORTED, "called package");
    counters_add(root, "intel-rapl:0", "package-0", 10, 1);
    counters_add(root, "intel-rapl:1", "package-1", 10, 1);
    ck_ok(pr_rapl_open(&rapl, ctx, root));
    pr_rapl_close(&rapl);
    /* Half of the packages would be a wrong number. */
    counters_write(root, "intel-rapl:1", "energy_uj", "many\n");
    ck_fails(pr_rapl_open(&rapl, ctx, root), PRUNE_E_UNSUPPORTED, "'many' is not a count");
    (void)snprintf(path, sizeof path, "%s/intel-rapl:1/energy_uj", root);
    ck_assert_int_eq(unlink(path), 0);
    ck_fails(pr_rapl_open(&rapl, ctx, root), PRUNE_E_UNSUPPORTED, "intel-rapl:1/energy_uj");
    /* A folder in its place cannot be read by root either: the same way out as a permission. */
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_fails(pr_rapl_open(&rapl, ctx, root), PRUNE_E_UNSUPPORTED, "read permission");
    ck_assert_int_eq(rmdir(path), 0);
    counters_set(root, "intel-rapl:1", 5);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (geteuid() != 0)
        ck_fails(pr_rapl_open(&rapl, ctx, root), PRUNE_E_UNSUPPORTED, "Permission denied");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("measure.rapl", domains_and_what_counts, a_counter_starts_again,
          what_cannot_be_read_is_named)
