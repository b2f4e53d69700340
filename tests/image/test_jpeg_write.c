#include "libprune/image/image.h"
#include "tests/support/support.h"

#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdlib.h>

enum { WIDTH = 50, HEIGHT = 31 };

/* A gradient with a sharp red square: subsampled colours would smear it. */
static void fill(uint8_t *rgb)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = rgb + 3 * (y * WIDTH + x);
            const bool square = x >= 16 && x < 24 && y >= 8 && y < 16;
            p[0] = square ? 220 : (uint8_t)(4 * x);
            p[1] = square ? 30 : (uint8_t)(5 * y);
            p[2] = square ? 30 : 120;
        }
}

START_TEST(a_decoder_gives_the_picture_back)
{
    prune_context *ctx = test_context(1);
    uint8_t rgb[WIDTH * HEIGHT * 3];
    void *data = NULL;
    uint64_t bytes = 0;
    prune_image image;
    const char *path = test_path(0, "written.jpg");
    fill(rgb);
    ck_ok(prune_image_encode_jpeg(&data, &bytes, ctx, rgb, WIDTH, HEIGHT, 95));
    ck_ok(prune_file_write(ctx, path, data, bytes));
    ck_ok(prune_image_read(&image, ctx, path));
    ck_assert_int_eq(image.width, WIDTH);
    ck_assert_int_eq(image.height, HEIGHT);
    int worst = 0;
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++) {
        const int e = abs(image.rgb[i] - rgb[i]);
        if (e > worst) worst = e;
    }
    ck_assert_int_le(worst, 12);
    prune_image_free(ctx, &image);
    prune_memory_free(ctx, data);
    prune_context_free(ctx);
}
END_TEST

START_TEST(impossible_wishes_are_refused)
{
    prune_context *ctx = test_context(1);
    uint8_t rgb[3] = {0};
    void *data = NULL;
    uint64_t bytes = 0;
    ck_fails(prune_image_encode_jpeg(&data, &bytes, ctx, rgb, 1, 1, 0), PRUNE_E_ARGUMENT,
             "quality");
    ck_assert_int_ne(prune_image_encode_jpeg(&data, &bytes, ctx, rgb, 0, 1, 90), PRUNE_OK);
    /* Within our limit on pixels, beyond JPEG's on a side. */
    ck_assert_int_ne(prune_image_encode_jpeg(&data, &bytes, ctx, rgb, 70000, 1, 90), PRUNE_OK);
    ck_assert_ptr_null(data);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image.jpeg_write", a_decoder_gives_the_picture_back, impossible_wishes_are_refused)
