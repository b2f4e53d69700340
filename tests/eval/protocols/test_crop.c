/* Crop windows against the golden integers. */
#include "tests/eval/golden.h"

START_TEST(garg_windows)
{
    json_t *expected = golden_load("tests/eval/golden");
    const char *size;
    json_t *entry;
    int sizes = 0;
    json_object_foreach(json_object_get(expected, "crops"), size, entry)
    {
        int height, width;
        ck_assert_int_eq(sscanf(size, "%dx%d", &height, &width), 2);
        pr_window w;
        ck_assert(pr_crop_garg(&w, height, width));
        const int got[4] = {w.top, w.bottom, w.left, w.right};
        const json_t *wanted = json_object_get(entry, "garg_rows_cols");
        for (size_t i = 0; i < 4; i++)
            ck_assert_int_eq(got[i], (int)json_integer_value(json_array_get(wanted, i)));
        sizes++;
    }
    ck_assert_int_ge(sizes, 7);
    json_decref(expected);
}
END_TEST

START_TEST(others)
{
    pr_window w;
    ck_assert(pr_crop_none(&w, 375, 1242));
    ck_assert_int_eq((w.bottom - w.top) * (w.right - w.left), 375 * 1242);
    ck_assert(pr_crop_nyu(&w, 480, 640));
    ck_assert_int_eq((w.bottom - w.top) * (w.right - w.left), 238560);
    ck_assert(!pr_crop_nyu(&w, 375, 1242));
}
END_TEST

TEST_MAIN("eval.crop", garg_windows, others)
