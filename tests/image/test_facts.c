/* What `prune verify` says about pictures. */
#include "libprune/image/image.h"
#include "tests/support/support.h"

#include <stdlib.h>

#define GOLDEN "tests/image/golden/"

static json_t *inspect(prune_context *ctx, const char *path)
{
    pr_mapped file;
    json_t *json = NULL;
    ck_ok(pr_file_map(&file, path));
    ck_ok(pr_image_inspect(&json, ctx, &file, path));
    pr_file_unmap(&file);
    return json;
}

static void check(prune_context *ctx, const char *path, const char *wanted)
{
    json_t *json = inspect(ctx, path), *expected = json_loads(wanted, 0, NULL);
    char *text = json_dumps(json, 0);
    ck_assert_msg(json_equal(json, expected), "%s: %s", path, text);
    free(text);
    json_decref(json);
    json_decref(expected);
}

START_TEST(describes_what_is_stored)
{
    prune_context *ctx = test_context(1);
    check(ctx, GOLDEN "kinds/orientation6.jpg",
          "{\"format\": \"JPEG\", \"width\": 9, \"height\": 11, \"channels\": \"RGB\", \"bits\": 8,"
          " \"orientation\": 6, \"interlaced\": true, \"cmyk\": false}");
    check(ctx, GOLDEN "kinds/orientation6.png",
          "{\"format\": \"PNG\", \"width\": 9, \"height\": 11, \"channels\": \"RGB\", \"bits\": 8,"
          " \"orientation\": 6, \"interlaced\": false, \"cmyk\": false}");
    check(ctx, GOLDEN "kinds/palette1_interlaced.png",
          "{\"format\": \"PNG\", \"width\": 11, \"height\": 9, \"channels\": \"palette\","
          " \"bits\": 1, \"orientation\": 1, \"interlaced\": true, \"cmyk\": false}");
    check(ctx, GOLDEN "kinds/greyalpha16.png",
          "{\"format\": \"PNG\", \"width\": 11, \"height\": 9, \"channels\": \"grey and alpha\","
          " \"bits\": 16, \"orientation\": 1, \"interlaced\": false, \"cmyk\": false}");
    check(ctx, GOLDEN "kinds/cmyk.jpg",
          "{\"format\": \"JPEG\", \"width\": 11, \"height\": 9, \"channels\": \"4 channels\","
          " \"bits\": 8, \"orientation\": 1, \"interlaced\": false, \"cmyk\": true}");
    prune_context_free(ctx);
}
END_TEST

START_TEST(sixteen_grey_bits_are_depth)
{
    prune_context *ctx = test_context(1);
    const uint16_t values[6] = {0, 7, 300, 0, 65535, 9};
    const char *path = test_path(0, "depth.png");
    ck_ok(pr_png_write_grey16(ctx, path, values, 3, 2));
    json_t *json = inspect(ctx, path), *depth = json_object_get(json, "depth");
    ck_assert_double_eq_tol(json_real_value(json_object_get(depth, "known")), 4.0 / 6, 1e-12);
    ck_assert_int_eq(json_integer_value(json_object_get(depth, "smallest")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(depth, "largest")), 65535);
    json_decref(json);
    prune_context_free(ctx);
}
END_TEST

START_TEST(damage_is_an_error)
{
    prune_context *ctx = test_context(1);
    pr_mapped file;
    json_t *json = NULL;
    ck_ok(pr_file_map(&file, GOLDEN "kinds/rgb16.png"));
    pr_mapped cut = {file.data, file.size - 20};
    ck_fails(pr_image_inspect(&json, ctx, &cut, "cut.png"), PRUNE_E_FORMAT, "cut.png: damaged PNG");
    ck_assert_ptr_null(json);
    pr_file_unmap(&file);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image.facts", describes_what_is_stored, sixteen_grey_bits_are_depth, damage_is_an_error)
