#include "libprune/kernels/bf16.h"
#include "tests/kernels/halves.h"

#include <math.h>

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

START_TEST(rounds_to_the_nearest_ties_to_even)
{
    ck_assert_uint_eq(pr_bf16_of(1.0f), 0x3f80);
    ck_assert_uint_eq(pr_bf16_of(float_of(0x3f808000)), 0x3f80); /* a tie: even stays */
    ck_assert_uint_eq(pr_bf16_of(float_of(0x3f818000)), 0x3f82); /* a tie: odd goes up */
    ck_assert_uint_eq(pr_bf16_of(float_of(0x3f808001)), 0x3f81);
    ck_assert_uint_eq(pr_bf16_of(-0.0f), 0x8000);
    ck_assert_uint_eq(pr_bf16_of(INFINITY), 0x7f80);
    ck_assert_uint_eq(pr_bf16_of(float_of(0x7f7fffff)), 0x7f80); /* beyond the largest */
    ck_assert(isnan(pr_float_of_bf16(pr_bf16_of(float_of(0x7f800001)))));
    ck_assert(isnan(pr_float_of_bf16(pr_bf16_of(float_of(0xffffffff)))));
    /* The nearest of all: nothing is closer than what it gives. */
    for (uint32_t bits = 0x00800000; bits < 0x7f000000; bits += 0x1357) {
        const float x = float_of(bits);
        const uint16_t half = pr_bf16_of(x);
        const double off = fabs((double)pr_float_of_bf16(half) - (double)x);
        ck_assert(off <= fabs((double)pr_float_of_bf16((uint16_t)(half - 1)) - (double)x));
        ck_assert(off <= fabs((double)pr_float_of_bf16((uint16_t)(half + 1)) - (double)x));
    }
}
END_TEST

START_TEST(every_tier_rounds_the_same)
{
    enum { COUNT = 4099 };
    static float x[COUNT], y[COUNT], in_place[COUNT];
    const pr_kernels *list[TIERS];
    const int count = tiers(list);
    const uint32_t odd[] = {0x7f800001, 0xffc12345, 0x7f800000, 0xff800000, 0x00000001,
                            0x80008000, 0x3f808000, 0x3f818000, 0x7f7fffff};
    for (uint32_t i = 0; i < COUNT; i++) x[i] = float_of(i * 0x9E3779B9u);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) x[i * 7] = float_of(odd[i]);
    for (int t = 0; t < count; t++) {
        memcpy(in_place, x, sizeof x);
        list[t]->bf16_round(x, y, COUNT);
        list[t]->bf16_round(in_place, in_place, COUNT - 3);
        for (int i = 0; i < COUNT; i++) {
            const uint32_t wanted = bits_of(pr_float_of_bf16(pr_bf16_of(x[i])));
            ck_assert_msg(bits_of(y[i]) == wanted, "%s: %08x became %08x, not %08x", list[t]->name,
                          bits_of(x[i]), bits_of(y[i]), wanted);
            ck_assert_uint_eq(bits_of(in_place[i]), i < COUNT - 3 ? wanted : bits_of(x[i]));
        }
    }
}
END_TEST

TEST_MAIN("kernels/bf16", rounds_to_the_nearest_ties_to_even, every_tier_rounds_the_same)
