/* JPEG into memory, for pages that hold their pictures. Colours keep their full resolution: maps
 * have one-pixel dots that subsampling would smear. */
#include "libprune/image/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* jpeglib.h needs stdio.h before it */
#include <jpeglib.h>

typedef struct jpeg_writing {
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct jpeg;
    jmp_buf jump;
    unsigned char *data; /* libjpeg's own memory */
    unsigned long size;
    char message[JMSG_LENGTH_MAX];
} jpeg_writing;

static void on_error(j_common_ptr jpeg)
{
    jpeg_writing *w = jpeg->client_data;
    jpeg->err->format_message(jpeg, w->message);
    longjmp(w->jump, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    (void)jpeg, (void)level;
}

static void write_pixels(jpeg_writing *w, const uint8_t *rgb, int32_t width, int32_t height,
                         int32_t quality)
{
    struct jpeg_compress_struct *jpeg = &w->jpeg;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &w->data, &w->size);
    jpeg->image_width = (JDIMENSION)width;
    jpeg->image_height = (JDIMENSION)height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg->optimize_coding = TRUE;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rgb + (size_t)jpeg->next_scanline * (size_t)width * 3);
        (void)jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

static prune_status write_guarded(jpeg_writing *w, const uint8_t *rgb, int32_t width,
                                  int32_t height, int32_t quality)
{
    if (setjmp(w->jump) != 0)
        return pr_fail(PRUNE_E_FORMAT, "cannot make a JPEG of %d x %d: %s", (int)width, (int)height,
                       w->message);
    write_pixels(w, rgb, width, height, quality);
    return PRUNE_OK;
}

prune_status prune_image_encode_jpeg(void **out, uint64_t *bytes, prune_context *context,
                                     const uint8_t *rgb, int32_t width, int32_t height,
                                     int32_t quality)
{
    jpeg_writing w = {.size = 0};
    if (quality < 1 || quality > 100)
        return pr_fail(PRUNE_E_ARGUMENT, "JPEG quality %d is not in 1 to 100", (int)quality);
    PR_TRY(pr_image_check_size((uint64_t)(width > 0 ? width : 0),
                               (uint64_t)(height > 0 ? height : 0), "JPEG"));
    w.jpeg.err = jpeg_std_error(&w.errors);
    w.jpeg.client_data = &w;
    w.errors.error_exit = on_error;
    w.errors.emit_message = on_message;
    prune_status status = write_guarded(&w, rgb, width, height, quality);
    if (status == PRUNE_OK) status = pr_new(context, out, w.size, 1);
    if (status == PRUNE_OK) {
        memcpy(*out, w.data, w.size);
        *bytes = w.size;
    }
    jpeg_destroy_compress(&w.jpeg);
    free(w.data);
    return status;
}
