/* The JPEG codec against Pillow's decoder, and against damage. */
#include "libprune/image/image.h"
#include "tests/image/reference.h"
#include "tests/support/support.h"

#include <stdlib.h>

#define GOLDEN "tests/image/golden/"

static void check_rgb(const char *path, const uint8_t *expected, int tolerance)
{
    prune_context *ctx = test_context(1);
    prune_image image;
    ck_ok(prune_image_read(&image, ctx, path));
    ck_assert_int_eq(image.width, 24);
    ck_assert_int_eq(image.height, 16);
    for (int i = 0; i < 24 * 16 * 3; i++)
        ck_assert_msg(abs(image.rgb[i] - expected[i]) <= tolerance, "%s: byte %d is %d, not %d",
                      path, i, image.rgb[i], expected[i]);
    prune_image_free(ctx, &image);
    prune_context_free(ctx);
}

START_TEST(reads_every_kind)
{
    /* Decoders may differ by a step in the inverse transform. */
    check_rgb(GOLDEN "rgb.jpg", jpeg_rgb, 2);
    check_rgb(GOLDEN "progressive.jpg", jpeg_progressive, 2);
    check_rgb(GOLDEN "grey.jpg", jpeg_grey, 2);
    /* Lossy: only inverted or swapped channels would be far away. */
    check_rgb(GOLDEN "cmyk.jpg", photo_16x24, 48);
}
END_TEST

START_TEST(refuses_cut_files)
{
    prune_context *ctx = test_context(1);
    pr_mapped file;
    ck_ok(pr_file_map(&file, GOLDEN "rgb.jpg"));
    for (uint64_t n = 4; n + 4 < file.size; n += 3) {
        prune_image image;
        pr_mapped part = {file.data, n};
        ck_assert_int_ne(pr_jpeg_read_rgb(&image, ctx, &part, "cut.jpg"), PRUNE_OK);
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "cut.jpg"));
    }
    pr_file_unmap(&file);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image.jpeg", reads_every_kind, refuses_cut_files)
