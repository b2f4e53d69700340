/* Medians, lines in disparity, and which alignment is possible for what. */
#include "tests/eval/golden.h"

START_TEST(medians)
{
    double even[4] = {9, 1, 5, 2}, odd[5] = {3, 3, 1, 9, 3}, one[1] = {4}, two[2] = {8, 2};
    ck_assert(pr_align_median(even, 4) == 3.5);
    ck_assert(pr_align_median(odd, 5) == 3);
    ck_assert(pr_align_median(one, 1) == 4);
    ck_assert(pr_align_median(two, 2) == 5);
    float random[1001];
    double values[1001], sorted[1001];
    for (int count = 3; count <= 1001; count += 499) {
        test_fill(random, count, (uint64_t)count);
        for (int i = 0; i < count; i++) values[i] = sorted[i] = (double)random[i];
        for (int i = 1; i < count; i++) { /* insertion sort, as the plainest oracle */
            double v = sorted[i];
            int k = i;
            for (; k > 0 && sorted[k - 1] > v; k--) sorted[k] = sorted[k - 1];
            sorted[k] = v;
        }
        double wanted =
            count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
        ck_assert(pr_align_median(values, (size_t)count) == wanted);
    }
}
END_TEST

START_TEST(line_is_found)
{
    float truth[50];
    double x[50], scale, shift;
    test_fill(truth, 50, 3);
    for (int i = 0; i < 50; i++) {
        truth[i] = 2 + truth[i];
        x[i] = (1 / (double)truth[i] - 0.25) / 3;
    }
    ck_assert(pr_align_affine(&scale, &shift, truth, x, 50));
    ck_assert_double_eq_tol(scale, 3, 1e-9);
    ck_assert_double_eq_tol(shift, 0.25, 1e-9);
    for (int i = 0; i < 50; i++) x[i] = 0.7;
    ck_assert(!pr_align_affine(&scale, &shift, truth, x, 50));
}
END_TEST

START_TEST(what_is_possible)
{
    prune_align align;
    const pr_protocol *eigen = golden_protocol("eigen"), *affine = golden_protocol("affine");
    ck_ok(pr_align_resolve(&align, eigen, PRUNE_ALIGN_DEFAULT, 2));
    ck_assert_int_eq(align, PRUNE_ALIGN_NONE);
    ck_ok(pr_align_resolve(&align, eigen, PRUNE_ALIGN_DEFAULT, 1));
    ck_assert_int_eq(align, PRUNE_ALIGN_MEDIAN);
    ck_ok(pr_align_resolve(&align, eigen, PRUNE_ALIGN_DEFAULT, 0));
    ck_assert_int_eq(align, PRUNE_ALIGN_AFFINE);
    ck_ok(pr_align_resolve(&align, eigen, PRUNE_ALIGN_MEDIAN, 0));
    ck_assert_int_eq(align, PRUNE_ALIGN_MEDIAN);
    ck_ok(pr_align_resolve(&align, affine, PRUNE_ALIGN_DEFAULT, 2));
    ck_assert_int_eq(align, PRUNE_ALIGN_AFFINE);
    ck_fails(pr_align_resolve(&align, eigen, PRUNE_ALIGN_NONE, 0), PRUNE_E_ARGUMENT,
             "--align affine");
    ck_fails(pr_align_resolve(&align, eigen, PRUNE_ALIGN_NONE, 1), PRUNE_E_ARGUMENT,
             "--align median");
    ck_fails(pr_align_resolve(&align, affine, PRUNE_ALIGN_MEDIAN, 0), PRUNE_E_ARGUMENT,
             "brings its own");
    ck_fails(pr_align_resolve(&align, eigen, PRUNE_ALIGN_NONE, -1), PRUNE_E_ARGUMENT,
             "not known what");
    ck_ok(prune_align_parse(&align, "median"));
    ck_assert_str_eq(prune_align_name(align), "median");
    ck_fails(prune_align_parse(&align, "mean"), PRUNE_E_ARGUMENT, "'mean'");
}
END_TEST

TEST_MAIN("eval.align", medians, line_is_found, what_is_possible)
