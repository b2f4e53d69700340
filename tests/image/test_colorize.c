/* The colour scale: light and warm for near, dark and cold for far, one direction all the way. */
#include "libprune/image/image.h"
#include "tests/support/support.h"

#include <math.h>

static double luminance(const uint8_t *rgb)
{
    return 0.2126 * pow(rgb[0] / 255.0, 2.2) + 0.7152 * pow(rgb[1] / 255.0, 2.2) +
           0.0722 * pow(rgb[2] / 255.0, 2.2);
}

START_TEST(darkens_with_distance)
{
    float values[64];
    uint8_t rgb[64 * 3], mirrored[64 * 3];
    for (int i = 0; i < 64; i++) values[i] = 10.0F + (float)i;
    prune_map_colorize(values, 64, 1, 10, 73, rgb);
    for (int i = 1; i < 64; i++)
        ck_assert_double_lt(luminance(rgb + 3 * i), luminance(rgb + 3 * i - 3));
    ck_assert_int_gt(rgb[0], rgb[2]);     /* near: warm */
    ck_assert_int_gt(rgb[191], rgb[189]); /* far: cold */
    prune_map_colorize(values, 64, 1, 73, 10, mirrored);
    for (int i = 0; i < 64; i++) ck_assert_mem_eq(mirrored + 3 * i, rgb + 3 * (63 - i), 3);
}
END_TEST

START_TEST(odd_values_are_safe)
{
    const float values[5] = {NAN, INFINITY, -5, 500, 1};
    uint8_t rgb[15], black[3] = {0, 0, 0};
    prune_map_colorize(values, 5, 1, 0, 100, rgb);
    ck_assert_mem_eq(rgb, black, 3);
    ck_assert_mem_eq(rgb + 3, black, 3);
    ck_assert_mem_ne(rgb + 6, rgb + 9, 3);
    prune_map_colorize(values, 5, 1, 3, 3, rgb);
    prune_map_colorize(values, 5, 1, NAN, 3, rgb);
}
END_TEST

TEST_MAIN("image.colorize", darkens_with_distance, odd_values_are_safe)
