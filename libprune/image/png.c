/* PNG through libpng. libpng reports errors by longjmp, so each entry keeps everything that must
 * survive the jump in one struct, and the functions that call setjmp have no other state. */
#include "libprune/image/image.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>
#include <zlib.h>

/* A byte of deflate stands for at most 1032 others. */
enum { MAX_DEFLATE = 1032 };

/* Nobody here looks at these, and some of them decompress to a thousand times their size. */
static const png_byte ignored_chunks[] = "iCCP\0iTXt\0sPLT\0tEXt\0zTXt\0hIST\0pCAL\0sCAL";

typedef struct png_job {
    prune_context *ctx;
    const char *path;
    png_structp png;
    png_infop info;
    png_bytep *rows;
    jmp_buf jump;
    char message[160];
    prune_status status; /* of our own callbacks */
    bool starved;        /* an allocation failed: libpng goes on without what it calls ancillary */
    /* reading */
    const uint8_t *data;
    uint64_t size, position;
    uint64_t most; /* bytes that libpng may ask for at once; 0: any number */
    png_uint_32 width, height;
    size_t row_bytes;
    uint8_t *pixels;
    bool grey16; /* the caller wants 16-bit grey */
    pr_image_facts facts;
    /* writing */
    pr_writer *writer;
    const uint8_t *source;
} png_job;

static void on_error(png_structp png, png_const_charp message)
{
    png_job *job = png_get_error_ptr(png);
    size_t length = strlen(message);
    if (length >= sizeof job->message) length = sizeof job->message - 1;
    memcpy(job->message, message, length);
    job->message[length] = '\0';
    longjmp(job->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    png_job *job = png_get_error_ptr(png);
    pr_log(job->ctx, PRUNE_LOG_DEBUG, "%s: %s", job->path, message);
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t bytes)
{
    png_job *job = png_get_mem_ptr(png);
    if (job->most && bytes > job->most) return NULL; /* libpng goes on without that chunk */
    void *memory = pr_alloc(job->ctx, bytes);
    if (!memory) job->starved = true;
    return memory;
}

static void on_free(png_structp png, png_voidp memory)
{
    png_job *job = png_get_mem_ptr(png);
    pr_free(job->ctx, memory);
}

static void on_read(png_structp png, png_bytep out, size_t bytes)
{
    png_job *job = png_get_io_ptr(png);
    if (bytes > job->size - job->position) png_error(png, "the file ends too early");
    memcpy(out, job->data + job->position, bytes);
    job->position += bytes;
}

static void on_write(png_structp png, png_bytep data, size_t bytes)
{
    png_job *job = png_get_io_ptr(png);
    job->status = pr_writer_write(job->writer, data, bytes);
    if (job->status != PRUNE_OK) png_error(png, "writing failed");
}

static void on_flush(png_structp png)
{
    (void)png; /* the writer flushes when it commits */
}

bool pr_png_matches(const pr_mapped *file)
{
    return file->size >= 8 && png_sig_cmp(file->data, 0, 8) == 0;
}

prune_status pr_image_check_size(uint64_t width, uint64_t height, const char *path)
{
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return pr_fail(PRUNE_E_FORMAT, "%s: the picture's size %llux%llu makes no sense", path,
                       (unsigned long long)width, (unsigned long long)height);
    if (width * height > PR_IMAGE_MAX_PIXELS)
        return pr_fail(PRUNE_E_MEMORY,
                       "%s: %llux%llu pixels are more than the limit of 100 million: scale the "
                       "picture down",
                       path, (unsigned long long)width, (unsigned long long)height);
    return PRUNE_OK;
}

prune_status pr_image_check_content(uint64_t needed, uint64_t density, uint64_t size,
                                    const char *path)
{
    if (needed / density <= size) return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT,
                   "%s: %llu bytes cannot hold the picture that the header announces: the file is "
                   "damaged or hostile",
                   path, (unsigned long long)size);
}

/* Asks libpng for plain RGB bytes, whatever the file holds, as OpenCV and Pillow give them to the
 * networks: transparency is ignored, of 16 bits the upper 8 are taken. */
static void request_rgb(png_job *job)
{
    png_byte type = png_get_color_type(job->png, job->info);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(job->png);
    if (type == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(job->png, job->info) < 8)
        png_set_expand_gray_1_2_4_to_8(job->png);
    if (png_get_bit_depth(job->png, job->info) == 16) png_set_strip_16(job->png);
    png_set_strip_alpha(job->png);
    if (type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA)
        png_set_gray_to_rgb(job->png);
}

static prune_status request_grey16(png_job *job)
{
    int depth = png_get_bit_depth(job->png, job->info);
    int channels = png_get_channels(job->png, job->info);
    if (depth != 16 || channels != 1 ||
        png_get_color_type(job->png, job->info) != PNG_COLOR_TYPE_GRAY)
        return pr_fail(
            PRUNE_E_FORMAT,
            "%s: a depth map must be a 16-bit grey PNG, but this has %d channel(s) of %d "
            "bits: is it a colour picture, or was it saved with 8 bits?",
            job->path, channels, depth);
    const uint16_t one = 1;
    if (*(const uint8_t *)&one == 1) png_set_swap(job->png);
    return PRUNE_OK;
}

static void note_facts(png_job *job)
{
    const png_byte type = png_get_color_type(job->png, job->info);
    job->facts = (pr_image_facts){.format = "PNG",
                                  .channels = png_get_channels(job->png, job->info),
                                  .bits = png_get_bit_depth(job->png, job->info),
                                  .orientation = 1,
                                  .palette = type == PNG_COLOR_TYPE_PALETTE,
                                  .interlaced = png_get_interlace_type(job->png, job->info) !=
                                                PNG_INTERLACE_NONE};
}

/* Everything between setjmp and the end of the image. Called with the jump already set. */
static prune_status read_pixels(png_job *job)
{
    png_set_read_fn(job->png, job, on_read);
    png_set_user_limits(job->png, 0x7fffffff, 0x7fffffff);
    png_set_keep_unknown_chunks(job->png, PNG_HANDLE_CHUNK_NEVER, ignored_chunks,
                                (int)(sizeof ignored_chunks / 5));
    png_read_info(job->png, job->info);
    note_facts(job);
    job->width = png_get_image_width(job->png, job->info);
    job->height = png_get_image_height(job->png, job->info);
    PR_TRY(pr_image_check_size(job->width, job->height, job->path));
    job->most += (uint64_t)job->width * 64; /* its rows */
    PR_TRY(pr_image_check_content((uint64_t)png_get_rowbytes(job->png, job->info) * job->height,
                                  MAX_DEFLATE, job->size, job->path));
    if (job->grey16)
        PR_TRY(request_grey16(job));
    else
        request_rgb(job);
    (void)png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->row_bytes = png_get_rowbytes(job->png, job->info);
    PR_TRY(pr_new(job->ctx, (void **)&job->pixels, job->height, job->row_bytes));
    PR_TRY(pr_new(job->ctx, (void **)&job->rows, job->height, sizeof *job->rows));
    for (png_uint_32 y = 0; y < job->height; y++) job->rows[y] = job->pixels + y * job->row_bytes;
    png_read_image(job->png, job->rows);
    png_read_end(job->png, job->info); /* EXIF data may stand behind the picture */
    png_bytep exif;
    png_uint_32 bytes;
    if (png_get_eXIf_1(job->png, job->info, &bytes, &exif))
        job->facts.orientation = pr_exif_orientation(exif, bytes);
    return PRUNE_OK;
}

static prune_status read_guarded(png_job *job)
{
    if (setjmp(job->jump) != 0) {
        if (job->starved) return pr_fail_within(PRUNE_E_MEMORY, "%s", job->path);
        return pr_fail(PRUNE_E_FORMAT, "%s: damaged PNG: %s", job->path, job->message);
    }
    PR_TRY(read_pixels(job));
    return job->starved ? pr_fail_within(PRUNE_E_MEMORY, "%s", job->path) : PRUNE_OK;
}

static prune_status read_job(png_job *job)
{
    job->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, job, on_error, on_warning, job,
                                        on_malloc, on_free);
    if (!job->png) return pr_fail_memory(sizeof *job);
    job->info = png_create_info_struct(job->png);
    prune_status status = job->info ? read_guarded(job) : pr_fail_memory(sizeof *job);
    png_destroy_read_struct(&job->png, &job->info, NULL);
    pr_free(job->ctx, job->rows);
    if (status != PRUNE_OK) pr_free(job->ctx, job->pixels);
    return status;
}

/* A chunk may say any length, and memory is taken before it is read: no more than there is, and
 * what inflating needs. */
static png_job reading(prune_context *ctx, const pr_mapped *file, const char *path)
{
    return (png_job){.ctx = ctx,
                     .path = path,
                     .data = file->data,
                     .size = file->size,
                     .most = file->size + (64 << 10)};
}

prune_status pr_png_read_rgb(prune_image *out, prune_context *ctx, const pr_mapped *file,
                             const char *path)
{
    pr_image_facts facts;
    return pr_png_read_facts(out, &facts, ctx, file, path);
}

prune_status pr_png_read_facts(prune_image *out, pr_image_facts *facts, prune_context *ctx,
                               const pr_mapped *file, const char *path)
{
    png_job job = reading(ctx, file, path);
    PR_TRY(read_job(&job));
    prune_image image = {(int32_t)job.width, (int32_t)job.height, job.pixels};
    prune_status status = pr_image_orient(&image, ctx, job.facts.orientation);
    *facts = job.facts;
    if (status == PRUNE_OK)
        *out = image;
    else
        pr_free(ctx, image.rgb);
    return status;
}

prune_status pr_png_read_grey16(uint16_t **values, int32_t *width, int32_t *height,
                                prune_context *ctx, const pr_mapped *file, const char *path)
{
    png_job job = reading(ctx, file, path);
    job.grey16 = true;
    PR_TRY(read_job(&job));
    *values = (uint16_t *)(void *)job.pixels;
    *width = (int32_t)job.width;
    *height = (int32_t)job.height;
    return PRUNE_OK;
}

/* Run-length coding of differences to the left: on street pictures smaller than the default search
 * at its fast levels, and in two thirds of the time. Depth repeats itself, so there the search
 * pays. */
static void write_pixels(png_job *job)
{
    png_set_write_fn(job->png, job, on_write, on_flush);
    png_set_IHDR(job->png, job->info, job->width, job->height, job->grey16 ? 16 : 8,
                 job->grey16 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(job->png, job->grey16 ? 4 : 1);
    if (!job->grey16) png_set_compression_strategy(job->png, Z_RLE);
    png_set_filter(job->png, PNG_FILTER_TYPE_BASE,
                   job->grey16 ? PNG_FILTER_NONE | PNG_FILTER_SUB | PNG_FILTER_UP : PNG_FILTER_SUB);
    png_write_info(job->png, job->info);
    const uint16_t one = 1;
    if (job->grey16 && *(const uint8_t *)&one == 1) png_set_swap(job->png);
    for (png_uint_32 y = 0; y < job->height; y++)
        png_write_row(job->png, job->source + y * job->row_bytes);
    png_write_end(job->png, NULL);
}

static prune_status write_guarded(png_job *job)
{
    if (setjmp(job->jump) != 0) {
        if (job->status != PRUNE_OK) return job->status; /* the writer left the message */
        if (job->starved) return pr_fail_within(PRUNE_E_MEMORY, "%s", job->path);
        return pr_fail(PRUNE_E_IO, "%s: cannot write PNG: %s", job->path, job->message);
    }
    write_pixels(job);
    return job->starved ? pr_fail_within(PRUNE_E_MEMORY, "%s", job->path) : PRUNE_OK;
}

static prune_status write_job(png_job *job)
{
    if (job->width == 0 || job->height == 0 || job->width > INT32_MAX || job->height > INT32_MAX)
        return pr_fail(PRUNE_E_ARGUMENT, "%s: a picture needs a positive width and height",
                       job->path);
    PR_TRY(pr_writer_open(&job->writer, job->ctx, job->path));
    prune_status status;
    job->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, job, on_error, on_warning, job,
                                         on_malloc, on_free);
    if (job->png) job->info = png_create_info_struct(job->png);
    if (job->info)
        status = write_guarded(job);
    else
        status = pr_fail_memory(sizeof *job);
    png_destroy_write_struct(&job->png, &job->info);
    if (status == PRUNE_OK) return pr_writer_commit(job->writer);
    pr_writer_abandon(job->writer);
    return status;
}

prune_status pr_png_write_rgb(prune_context *ctx, const char *path, const uint8_t *rgb,
                              int32_t width, int32_t height)
{
    png_job job = {.ctx = ctx,
                   .path = path,
                   .source = rgb,
                   .width = width > 0 ? (png_uint_32)width : 0,
                   .height = height > 0 ? (png_uint_32)height : 0};
    job.row_bytes = (size_t)job.width * 3;
    return write_job(&job);
}

prune_status pr_png_write_grey16(prune_context *ctx, const char *path, const uint16_t *values,
                                 int32_t width, int32_t height)
{
    png_job job = {.ctx = ctx,
                   .path = path,
                   .source = (const uint8_t *)values,
                   .width = width > 0 ? (png_uint_32)width : 0,
                   .height = height > 0 ? (png_uint_32)height : 0,
                   .grey16 = true};
    job.row_bytes = (size_t)job.width * 2;
    return write_job(&job);
}
