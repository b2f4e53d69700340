/* The PNG codec: every kind of file decodes to known pixels, damage is an error, writes are whole.
 */
#include "libprune/image/image.h"
#include "tests/image/reference.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN "tests/image/golden/"

static prune_context *ctx;

static void check_rgb(const char *name, const uint8_t *expected)
{
    prune_image image;
    ck_ok(prune_image_read(&image, ctx, name));
    ck_assert_int_eq(image.width, 7);
    ck_assert_int_eq(image.height, 5);
    for (int i = 0; i < 5 * 7 * 3; i++)
        ck_assert_msg(image.rgb[i] == expected[i], "%s: byte %d is %d, not %d", name, i,
                      image.rgb[i], expected[i]);
    prune_image_free(ctx, &image);
}

START_TEST(reads_every_kind)
{
    ctx = test_context(1);
    uint8_t expected[105];
    check_rgb(GOLDEN "rgb8.png", small_5x7);
    check_rgb(GOLDEN "rgb16.png", small_5x7);
    for (int i = 0; i < 105; i++) expected[i] = small_5x7[i / 3 * 3];
    check_rgb(GOLDEN "grey8.png", expected);
    for (int i = 0; i < 105; i++) expected[i] = small_5x7[i / 3 * 3] > 127 ? 255 : 0;
    check_rgb(GOLDEN "grey1.png", expected);
    check_rgb(GOLDEN "rgba8.png", small_5x7); /* transparency is ignored */
    for (int i = 0; i < 105; i++) expected[i] = small_5x7[i / 3 * 3];
    check_rgb(GOLDEN "greyalpha8.png", expected);
    for (int i = 0; i < 105; i++) expected[i] = small_5x7[i / 3 % 5 * 3 + i % 3];
    check_rgb(GOLDEN "palette.png", expected);
    prune_context_free(ctx);
}
END_TEST

START_TEST(writes_what_it_reads)
{
    ctx = test_context(1);
    const char *path = test_path(0, "out.png");
    ck_ok(pr_png_write_rgb(ctx, path, small_5x7, 7, 5));
    check_rgb(path, small_5x7);
    ck_ok(pr_png_write_grey16(ctx, path, depth_5x7, 7, 5));
    pr_mapped file;
    ck_ok(pr_file_map(&file, path));
    uint16_t *values;
    int32_t width, height;
    ck_ok(pr_png_read_grey16(&values, &width, &height, ctx, &file, path));
    ck_assert_int_eq(width * height, 35);
    ck_assert_mem_eq(values, depth_5x7, sizeof depth_5x7);
    pr_free(ctx, values);
    pr_file_unmap(&file);
    ck_fails(pr_png_write_rgb(ctx, path, small_5x7, 0, 5), PRUNE_E_ARGUMENT, "out.png");
    ck_fails(pr_png_write_rgb(ctx, "/nonexistent/x.png", small_5x7, 7, 5), PRUNE_E_IO,
             "/nonexistent/x.png");
    prune_context_free(ctx);
}
END_TEST

/* Every prefix of a file, and every file with one byte changed, is read or refused, never more. */
START_TEST(survives_damage)
{
    ctx = test_context(1);
    pr_mapped file;
    ck_ok(pr_file_map(&file, GOLDEN "rgba8.png"));
    for (uint64_t n = 8; n < file.size; n++) {
        prune_image image;
        pr_mapped part = {file.data, n};
        prune_status status = pr_png_read_rgb(&image, ctx, &part, "cut.png");
        ck_assert_int_ne(status, PRUNE_OK);
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "cut.png"));
    }
    uint8_t *copy = malloc(file.size);
    for (uint64_t n = 8; n < file.size; n++) {
        memcpy(copy, file.data, file.size);
        copy[n] ^= 0x55;
        prune_image image;
        pr_mapped changed = {copy, file.size};
        if (pr_png_read_rgb(&image, ctx, &changed, "changed.png") == PRUNE_OK)
            prune_image_free(ctx, &image);
    }
    free(copy);
    pr_file_unmap(&file);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_huge_sizes)
{
    ck_fails(pr_image_check_size(20000, 20000, "big.png"), PRUNE_E_MEMORY, "big.png");
    ck_fails(pr_image_check_size(0, 4, "flat.png"), PRUNE_E_FORMAT, "flat.png");
    ck_ok(pr_image_check_size(10000, 10000, "x"));
}
END_TEST

TEST_MAIN("image.png", reads_every_kind, writes_what_it_reads, survives_damage, refuses_huge_sizes)
