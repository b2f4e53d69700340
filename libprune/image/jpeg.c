/* JPEG through libjpeg. Errors jump, so all state lives in one struct. Pictures come out as they
 * are meant to be seen: what EXIF says about turning them is done. */
#include "libprune/image/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
/* jpeglib.h needs stdio.h before it */
#include <jerror.h>
#include <jpeglib.h>

/* A block of 8 x 8 pixels takes at least one bit in Huffman's code (its DC value, progressive),
 * with subsampled colours a little less per pixel; arithmetic code can go lower. A file of many
 * scans costs a pass over the whole picture for each; encoders write about ten. */
enum { MAX_PIXELS_PER_BYTE = 600, MAX_PIXELS_PER_BYTE_ARITHMETIC = 8192, MAX_SCANS = 100 };

typedef struct jpeg_job {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    jmp_buf jump;
    prune_context *ctx;
    const char *path;
    uint8_t *rgb;
    uint8_t *row; /* CMYK only */
    pr_image_facts facts;
    char message[JMSG_LENGTH_MAX];
} jpeg_job;

static void on_error(j_common_ptr jpeg)
{
    jpeg_job *job = jpeg->client_data;
    jpeg->err->format_message(jpeg, job->message);
    longjmp(job->jump, 1);
}

/* libjpeg invents pixels when a file ends early; for us that is a damaged file. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0) return; /* traces */
    jpeg_job *job = jpeg->client_data;
    if (jpeg->err->msg_code == JWRN_JPEG_EOF || jpeg->err->msg_code == JWRN_HIT_MARKER)
        on_error(jpeg);
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    pr_log(job->ctx, PRUNE_LOG_DEBUG, "%s: %s", job->path, text);
}

static void on_progress(j_common_ptr jpeg)
{
    jpeg_job *job = jpeg->client_data;
    if (job->jpeg.input_scan_number <= MAX_SCANS) return;
    (void)snprintf(job->message, sizeof job->message, "more than %d scans", MAX_SCANS);
    longjmp(job->jump, 1);
}

bool pr_jpeg_matches(const pr_mapped *file)
{
    return file->size >= 3 && file->data[0] == 0xff && file->data[1] == 0xd8 &&
           file->data[2] == 0xff;
}

/* Adobe writes CMYK inverted, so that a colour is simply its ink times black. OpenCV and Pillow
 * take every CMYK JPEG for one of Adobe's, and networks were trained on what they read. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((cmyk[4 * i + c] * cmyk[4 * i + 3] + 127) / 255);
}

/* Of the first EXIF block; 1 without one. */
static int32_t orientation_of(const struct jpeg_decompress_struct *jpeg)
{
    static const char mark[] = "Exif\0"; /* and a second NUL */
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof mark &&
            memcmp(m->data, mark, sizeof mark) == 0)
            return pr_exif_orientation(m->data + sizeof mark, m->data_length - sizeof mark);
    return 1;
}

static prune_status read_pixels(jpeg_job *job, const pr_mapped *file)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, file->data, (unsigned long)file->size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    (void)jpeg_read_header(jpeg, TRUE);
    job->facts = (pr_image_facts){.format = "JPEG",
                                  .channels = jpeg->num_components,
                                  .bits = jpeg->data_precision,
                                  .orientation = orientation_of(jpeg),
                                  .interlaced = jpeg->progressive_mode,
                                  .cmyk = jpeg->num_components == 4};
    PR_TRY(pr_image_check_size(jpeg->image_width, jpeg->image_height, job->path));
    PR_TRY(pr_image_check_content((uint64_t)jpeg->image_width * jpeg->image_height,
                                  jpeg->arith_code ? MAX_PIXELS_PER_BYTE_ARITHMETIC
                                                   : MAX_PIXELS_PER_BYTE,
                                  file->size, job->path));
    jpeg->progress = &job->progress;
    job->progress.progress_monitor = on_progress;
    bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    (void)jpeg_start_decompress(jpeg);
    size_t width = jpeg->output_width, height = jpeg->output_height;
    PR_TRY(pr_new(job->ctx, (void **)&job->rgb, width * height, 3));
    if (cmyk) PR_TRY(pr_new(job->ctx, (void **)&job->row, width, 4));
    while (jpeg->output_scanline < height) {
        uint8_t *out = job->rgb + (size_t)jpeg->output_scanline * width * 3;
        JSAMPROW row = cmyk ? job->row : out;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
        if (cmyk) cmyk_to_rgb(out, job->row, width);
    }
    (void)jpeg_finish_decompress(jpeg);
    return PRUNE_OK;
}

static prune_status read_guarded(jpeg_job *job, const pr_mapped *file)
{
    if (setjmp(job->jump) != 0 && job->errors.msg_code == JERR_OUT_OF_MEMORY)
        return pr_fail(PRUNE_E_MEMORY, "%s: not enough memory for this picture", job->path);
    if (job->message[0])
        return pr_fail(PRUNE_E_FORMAT, "%s: damaged JPEG: %s", job->path, job->message);
    return read_pixels(job, file);
}

prune_status pr_jpeg_read_rgb(prune_image *out, prune_context *ctx, const pr_mapped *file,
                              const char *path)
{
    pr_image_facts facts;
    return pr_jpeg_read_facts(out, &facts, ctx, file, path);
}

prune_status pr_jpeg_read_facts(prune_image *out, pr_image_facts *facts, prune_context *ctx,
                                const pr_mapped *file, const char *path)
{
    jpeg_job job = {.ctx = ctx, .path = path};
    job.jpeg.err = jpeg_std_error(&job.errors);
    job.jpeg.client_data = &job;
    job.errors.error_exit = on_error;
    job.errors.emit_message = on_message;
    prune_status status = read_guarded(&job, file);
    prune_image image = {(int32_t)job.jpeg.output_width, (int32_t)job.jpeg.output_height, job.rgb};
    if (status == PRUNE_OK) status = pr_image_orient(&image, ctx, job.facts.orientation);
    *facts = job.facts;
    if (status == PRUNE_OK)
        *out = image;
    else
        pr_free(ctx, image.rgb);
    pr_free(ctx, job.row);
    jpeg_destroy_decompress(&job.jpeg);
    return status;
}
