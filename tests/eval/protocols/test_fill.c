/* The devkit's filling against its own output, and by hand. */
#include "tests/eval/golden.h"

static void check_case(prune_context *ctx, const json_t *expected, const char *name)
{
    const json_t *rows =
        json_object_get(json_object_get(json_object_get(expected, "kitti_devkit"), name),
                        "filled_prediction_metres_minus1_invalid");
    ck_assert_ptr_nonnull(rows);
    char path[300];
    (void)snprintf(path, sizeof path, "tests/eval/golden/kitti_devkit/%s/pred/0000000000.png",
                   name);
    prune_depth_map map;
    ck_ok(prune_depth_read(&map, ctx, path, 256));
    pr_devkit_fill(map.values, map.width, map.height);
    for (int y = 0; y < map.height; y++)
        for (int x = 0; x < map.width; x++)
            ck_assert_double_eq_tol(
                (double)map.values[y * map.width + x],
                json_number_value(json_array_get(json_array_get(rows, (size_t)y), (size_t)x)),
                1e-9);
    prune_depth_free(ctx, &map);
}

START_TEST(golden_cases)
{
    prune_context *ctx = test_context(1);
    json_t *expected = golden_load("tests/eval/golden");
    check_case(ctx, expected, "fill_8x10");
    check_case(ctx, expected, "emptyrow_6x6");
    json_decref(expected);
    prune_context_free(ctx);
}
END_TEST

START_TEST(by_hand)
{
    float map[] = {0, 5, 0, 0, 3, 0, /* gap takes 3, the ends their neighbours */
                   0, 0, 0, 0, 0, 0, /* between two known rows: stays missing */
                   0, 0, 7, 0, 0, 0};
    const float wanted[] = {5, 5, 3, 3, 3, 3, -1, -1, -1, -1, -1, -1, 7, 7, 7, 7, 7, 7};
    pr_devkit_fill(map, 6, 3);
    for (int i = 0; i < 18; i++) ck_assert(map[i] == wanted[i]);
    float top[] = {0, 0, 4, 4, 0, 0}; /* 2 x 3: upwards and downwards */
    pr_devkit_fill(top, 2, 3);
    for (int i = 0; i < 6; i++) ck_assert(top[i] == 4);
}
END_TEST

TEST_MAIN("eval.fill", golden_cases, by_hand)
