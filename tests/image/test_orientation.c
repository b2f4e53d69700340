/* Pictures as they are meant to be seen: every EXIF orientation, and the rarer kinds of files,
 * against Pillow and OpenCV (make_pictures.py). */
#include "libprune/image/image.h"
#include "tests/image/reference_pictures.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
/* jpeglib.h needs stdio.h before it */
#include <jpeglib.h>

#define KINDS "tests/image/golden/kinds/"
enum { W = 11, H = 9 };

static void check(prune_context *ctx, const char *path, const uint8_t *expected, int32_t width,
                  int tolerance)
{
    prune_image image;
    ck_ok(prune_image_read(&image, ctx, path));
    ck_assert_int_eq(image.width, width);
    ck_assert_int_eq(image.height, W * H / width);
    for (int i = 0; i < W * H * 3; i++)
        ck_assert_msg(abs(image.rgb[i] - expected[i]) <= tolerance, "%s: byte %d is %d, not %d",
                      path, i, image.rgb[i], expected[i]);
    prune_image_free(ctx, &image);
}

START_TEST(every_orientation)
{
    static const uint8_t *const expected[] = {orientation1_jpg, orientation2_jpg, orientation3_jpg,
                                              orientation4_jpg, orientation5_jpg, orientation6_jpg,
                                              orientation7_jpg, orientation8_jpg};
    prune_context *ctx = test_context(2);
    for (int k = 1; k <= 8; k++) {
        char path[64];
        (void)snprintf(path, sizeof path, KINDS "orientation%d.jpg", k);
        check(ctx, path, expected[k - 1], k < 5 ? W : H, 4); /* decoders round differently */
    }
    check(ctx, KINDS "orientation6.png", orientation6_png, H, 0);
    prune_context_free(ctx);
}
END_TEST

START_TEST(depth_is_never_turned)
{
    prune_context *ctx = test_context(1);
    prune_depth_map map;
    ck_ok(prune_depth_read(&map, ctx, KINDS "depth_orientation6.png", 256));
    ck_assert_int_eq(map.width, W);
    ck_assert_int_eq(map.height, H);
    for (int i = 0; i < W * H; i++) /* the same values as grey16.png, whose upper half is known */
        ck_assert_int_eq((int)map.values[i], grey16_png[3 * i]);
    prune_depth_free(ctx, &map);
    prune_context_free(ctx);
}
END_TEST

START_TEST(every_kind_of_png)
{
    static const struct {
        const char *path;
        const uint8_t *expected;
    } files[] = {{KINDS "rgb16.png", rgb16_png},
                 {KINDS "rgba8.png", rgba8_png},
                 {KINDS "rgba16_interlaced.png", rgba16_interlaced_png},
                 {KINDS "greyalpha8.png", greyalpha8_png},
                 {KINDS "greyalpha16.png", greyalpha16_png},
                 {KINDS "grey16.png", grey16_png},
                 {KINDS "grey4.png", grey4_png},
                 {KINDS "grey2_interlaced.png", grey2_interlaced_png},
                 {KINDS "rgb8_interlaced.png", rgb8_interlaced_png},
                 {KINDS "palette4_transparent.png", palette4_transparent_png},
                 {KINDS "palette1_interlaced.png", palette1_interlaced_png}};
    prune_context *ctx = test_context(1);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check(ctx, files[i].path, files[i].expected, W, 0);
    prune_context_free(ctx);
}
END_TEST

/* CMYK stored as YCCK, which Pillow cannot write: the inks of the photograph, Adobe's way. */
static void write_ycck(const char *path, const uint8_t *rgb)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = W;
    jpeg.image_height = H;
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, JCS_YCCK);
    jpeg_set_quality(&jpeg, 98, TRUE);
    for (int c = 0; c < 4; c++)
        jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < H; y++) {
        JSAMPLE row[4 * W], *line = row;
        for (int x = 0; x < W; x++) {
            memcpy(row + 4 * x, rgb + (y * W + x) * 3, 3);
            row[4 * x + 3] = 255; /* inverted: no black */
        }
        (void)jpeg_write_scanlines(&jpeg, &line, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    (void)fclose(file);
}

START_TEST(every_kind_of_jpeg)
{
    prune_context *ctx = test_context(1);
    check(ctx, KINDS "cmyk.jpg", cmyk_jpg, W, 4);
    check(ctx, KINDS "grey.jpg", grey_jpg, W, 2);
    const char *path = test_path(0, "ycck.jpg");
    write_ycck(path, orientation1_jpg);
    check(ctx, path, orientation1_jpg, W, 12);
    prune_context_free(ctx);
}
END_TEST

/* A TIFF header and one directory of one entry. */
static const uint8_t exif[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12,
                               1,   3,   0,  1, 0, 0, 0, 6, 0, 0, 0};

START_TEST(nonsense_means_upright)
{
    ck_assert_int_eq(pr_exif_orientation(exif, sizeof exif), 6);
    for (size_t n = 0; n < sizeof exif; n++) {
        uint8_t *cut = malloc(n ? n : 1); /* no longer than it says: sanitizers look beyond */
        memcpy(cut, exif, n);
        ck_assert_int_eq(pr_exif_orientation(cut, n), 1);
        free(cut);
    }
    for (size_t n = 0; n < sizeof exif; n++)
        for (int value = 0; value < 256; value++) {
            uint8_t changed[sizeof exif];
            memcpy(changed, exif, sizeof exif);
            changed[n] = (uint8_t)value;
            int32_t got = pr_exif_orientation(changed, sizeof changed);
            ck_assert(got >= 1 && got <= 8);
        }
}
END_TEST

START_TEST(orientation_out_of_range_turns_nothing)
{
    prune_context *ctx = test_context(1);
    uint8_t pixels[6] = {1, 2, 3, 4, 5, 6};
    prune_image image = {2, 1, pixels};
    ck_ok(pr_image_orient(&image, ctx, 0));
    ck_ok(pr_image_orient(&image, ctx, 9));
    ck_assert_ptr_eq(image.rgb, pixels);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image.orientation", every_orientation, depth_is_never_turned, every_kind_of_png,
          every_kind_of_jpeg, nonsense_means_upright, orientation_out_of_range_turns_nothing)
