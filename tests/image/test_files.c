/* Public reading and writing of pictures, depth maps and raw maps. */
#include "libprune/image/image.h"
#include "tests/image/reference.h"
#include "tests/support/faults.h"
#include "tests/support/support.h"

#include <math.h>

#define GOLDEN "tests/image/golden/"

START_TEST(depth_is_metres)
{
    prune_context *ctx = test_context(1);
    prune_depth_map map;
    ck_ok(prune_depth_read(&map, ctx, GOLDEN "depth16.png", 256));
    ck_assert_int_eq(map.width, 7);
    ck_assert_int_eq(map.height, 5);
    for (int i = 0; i < 35; i++) ck_assert(map.values[i] == (float)depth_5x7[i] / 256.0F);
    prune_depth_free(ctx, &map);
    ck_fails(prune_depth_read(&map, ctx, GOLDEN "grey8.png", 256), PRUNE_E_FORMAT, "16-bit grey");
    ck_fails(prune_depth_read(&map, ctx, GOLDEN "rgb16.png", 256), PRUNE_E_FORMAT, "rgb16.png");
    ck_fails(prune_depth_read(&map, ctx, GOLDEN "rgb.jpg", 256), PRUNE_E_FORMAT, "not a PNG");
    ck_fails(prune_depth_read(&map, ctx, GOLDEN "depth16.png", 0), PRUNE_E_ARGUMENT, "divisor");
    prune_context_free(ctx);
}
END_TEST

START_TEST(depth_truncates_and_clamps)
{
    prune_context *ctx = test_context(1);
    const float metres[8] = {0, -1, NAN, 0.001F, 1.0F, 10.0039F, 400.0F, INFINITY};
    const float expected[8] = {0, 0, 0, 1, 256, 2560, 65535, 65535};
    const char *path = test_path(0, "depth.png");
    ck_ok(prune_depth_write(ctx, path, metres, 4, 2, 256));
    prune_depth_map map;
    ck_ok(prune_depth_read(&map, ctx, path, 1));
    for (int i = 0; i < 8; i++) ck_assert(map.values[i] == expected[i]);
    prune_depth_free(ctx, &map);
    prune_context_free(ctx);
}
END_TEST

START_TEST(maps_round_trip)
{
    prune_context *ctx = test_context(1);
    const char *raw = test_path(0, "map.f32"), *npy = test_path(1, "map.npy");
    ck_ok(prune_map_write_f32(ctx, raw, grid_9x13, 13, 9));
    ck_ok(prune_map_write_npy(ctx, npy, grid_9x13, 13, 9));
    prune_depth_map map;
    ck_ok(prune_map_read_f32(&map, ctx, raw, 13, 9));
    ck_assert_mem_eq(map.values, grid_9x13, sizeof grid_9x13);
    prune_depth_free(ctx, &map);
    ck_ok(prune_map_read_npy(&map, ctx, npy));
    ck_assert_int_eq(map.width, 13);
    ck_assert_int_eq(map.height, 9);
    ck_assert_mem_eq(map.values, grid_9x13, sizeof grid_9x13);
    prune_depth_free(ctx, &map);
    ck_fails(prune_map_read_f32(&map, ctx, raw, 13, 8), PRUNE_E_SHAPE, "map.f32");
    ck_fails(prune_map_read_npy(&map, ctx, raw), PRUNE_E_FORMAT, "not a NumPy");
    prune_context_free(ctx);
}
END_TEST

/* pfm(5): a text header, then rows from the bottom up. */
START_TEST(pfm_begins_at_the_bottom)
{
    prune_context *ctx = test_context(1);
    const char *path = test_path(0, "map.pfm");
    static const char header[] = "Pf\n13 9\n-1.0\n";
    const size_t begin = sizeof header - 1, row = 13 * sizeof(float);
    ck_ok(prune_map_write_pfm(ctx, path, grid_9x13, 13, 9));
    pr_mapped file;
    ck_ok(pr_file_map(&file, path));
    ck_assert_uint_eq(file.size, begin + 9 * row);
    ck_assert_mem_eq(file.data, header, begin);
    for (size_t y = 0; y < 9; y++)
        ck_assert_mem_eq(file.data + begin + y * row, &grid_9x13[(8 - y) * 13], row);
    pr_file_unmap(&file);
    ck_fails(prune_map_write_pfm(ctx, path, grid_9x13, 0, 9), PRUNE_E_ARGUMENT, "map.pfm");
    prune_context_free(ctx);
}
END_TEST

static void refuses_npy(prune_context *ctx, const char *dict, size_t bytes)
{
    uint8_t file[256] = "\x93NUMPY\x01";
    size_t length = strlen(dict);
    file[8] = (uint8_t)length;
    memcpy(file + 10, dict, length);
    const char *path = test_path(2, "bad.npy");
    ck_ok(pr_file_write(ctx, path, file, 10 + length + bytes));
    prune_depth_map map;
    prune_status status = prune_map_read_npy(&map, ctx, path);
    ck_assert_msg(status == PRUNE_E_UNSUPPORTED || status == PRUNE_E_FORMAT, "%s was accepted",
                  dict);
}

START_TEST(refuses_other_npy)
{
    prune_context *ctx = test_context(1);
    refuses_npy(ctx, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", 32);
    refuses_npy(ctx, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16);
    refuses_npy(ctx, "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", 16);
    refuses_npy(ctx, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3), }", 48);
    refuses_npy(ctx, "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 2), }", 16);
    refuses_npy(ctx, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 16);
    refuses_npy(ctx, "{}", 0);
    prune_context_free(ctx);
}
END_TEST

START_TEST(names_what_is_wrong)
{
    prune_context *ctx = test_context(1);
    prune_image image;
    ck_fails(prune_image_read(&image, ctx, "tests/image/none.png"), PRUNE_E_IO, "none.png");
    ck_fails(prune_image_read(&image, ctx, "tests/image/test_files.c"), PRUNE_E_FORMAT,
             "neither PNG nor JPEG");
    prune_context_free(ctx);
}
END_TEST

static prune_status read_everything(prune_context *ctx)
{
    static const char *const files[] = {GOLDEN "rgba8.png", GOLDEN "palette.png", GOLDEN "rgb.jpg",
                                        GOLDEN "cmyk.jpg"};
    for (int i = 0; i < 4; i++) {
        prune_image image;
        prune_status status = prune_image_read(&image, ctx, files[i]);
        if (status != PRUNE_OK) return status;
        prune_image_free(ctx, &image);
    }
    prune_depth_map map;
    prune_status status = prune_depth_read(&map, ctx, GOLDEN "depth16.png", 256);
    if (status == PRUNE_OK) prune_depth_free(ctx, &map);
    return status;
}

static prune_status write_everything(prune_context *ctx)
{
    prune_status status = prune_image_write_png(ctx, test_path(0, "f.png"), small_5x7, 7, 5);
    if (status == PRUNE_OK)
        status = prune_depth_write(ctx, test_path(0, "f.png"), grid_9x13, 13, 9, 256);
    if (status == PRUNE_OK)
        status = prune_map_write_npy(ctx, test_path(0, "f.npy"), grid_9x13, 13, 9);
    return status;
}

START_TEST(out_of_memory_is_an_error)
{
    fault_walk(read_everything, false);
    fault_walk(write_everything, true);
}
END_TEST

TEST_MAIN("image.files", depth_is_metres, depth_truncates_and_clamps, maps_round_trip,
          pfm_begins_at_the_bottom, refuses_other_npy, names_what_is_wrong,
          out_of_memory_is_an_error)
