#include "libprune/base/random.h"
#include "tests/support/support.h"

#include <math.h>

/* First numbers of the reference program pcg32-demo (seed 42, sequence 54), O'Neill's pcg-c-basic.
 */
START_TEST(reference_numbers)
{
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                        0x83d2f293, 0xbfa4784b, 0xcbed606e};
    pr_random random;
    pr_random_seed(&random, 42, 54);
    for (int i = 0; i < 6; i++) ck_assert_uint_eq(pr_random_u32(&random), expected[i]);
}
END_TEST

START_TEST(hashes)
{
    /* First output of SplitMix64 seeded with 0 (Vigna's splitmix64.c). */
    ck_assert(pr_hash_u64(0) == 0xE220A8397B1DCDAFu);
    ck_assert(pr_hash_text("a") == pr_hash_u64(0xAF63DC4C8601EC8Cu)); /* FNV-1a test vector */
    ck_assert(pr_hash_text("") != pr_hash_text("a"));
}
END_TEST

START_TEST(ranges_and_moments)
{
    pr_random random;
    pr_random_seed(&random, 1, 0);
    int seen[7] = {0}, outside = 0;
    double sum = 0, squares = 0, unit = 0;
    enum { COUNT = 70000 };
    for (int i = 0; i < COUNT; i++) {
        seen[pr_random_below(&random, 7)]++;
        double u = pr_random_unit(&random);
        if (!(u >= 0 && u < 1)) outside++;
        unit += u;
        double x = pr_random_normal(&random);
        sum += x;
        squares += x * x;
        double r = pr_random_range(&random, -3, 2);
        if (!(r >= -3 && r < 2)) outside++;
    }
    ck_assert_int_eq(outside, 0);
    /* Five standard errors. */
    for (int i = 0; i < 7; i++) ck_assert(fabs(seen[i] - COUNT / 7.0) < 5 * sqrt(COUNT / 7.0));
    ck_assert(fabs(unit / COUNT - 0.5) < 5 * sqrt(1.0 / 12 / COUNT));
    ck_assert(fabs(sum / COUNT) < 5 / sqrt(COUNT));
    ck_assert(fabs(squares / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
}
END_TEST

START_TEST(streams_differ)
{
    pr_random a, b;
    pr_random_seed(&a, 7, 1);
    pr_random_seed(&b, 7, 2);
    int equal = 0;
    for (int i = 0; i < 1000; i++) equal += pr_random_u32(&a) == pr_random_u32(&b);
    ck_assert_int_lt(equal, 3);
}
END_TEST

TEST_MAIN("random", reference_numbers, hashes, ranges_and_moments, streams_differ)
