/* EXIF orientation: cameras store the picture as the sensor read it, and note how to turn it. */
#include "libprune/image/image.h"

#include <string.h>

/* A TIFF structure inside a JPEG marker or a PNG chunk (EXIF 2.32, 4.5 and 4.6.4). */
typedef struct tiff {
    const uint8_t *data;
    size_t size;
    bool big_endian;
} tiff;

static uint32_t number_at(const tiff *t, size_t at, size_t bytes)
{
    uint32_t value = 0;
    for (size_t k = 0; k < bytes; k++)
        value = value << 8 | t->data[at + (t->big_endian ? k : bytes - 1 - k)];
    return value;
}

/* Looks for tag 0x0112 (one SHORT) in the first directory; every offset is checked first. */
int32_t pr_exif_orientation(const uint8_t *data, size_t size)
{
    enum { HEADER = 8, ENTRY = 12, TAG = 0x0112, SHORT = 3 };
    if (size < HEADER || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0)) return 1;
    const tiff t = {data, size, data[0] == 'M'};
    size_t at = number_at(&t, 4, 4);
    if (at > size - 2) return 1;
    size_t entries = number_at(&t, at, 2);
    for (at += 2; entries > 0 && size - at >= ENTRY; entries--, at += ENTRY) {
        if (number_at(&t, at, 2) != TAG) continue;
        uint32_t value = number_at(&t, at + 8, 2);
        bool valid = number_at(&t, at + 2, 2) == SHORT && value >= 1 && value <= 8;
        return valid ? (int32_t)value : 1;
    }
    return 1;
}

typedef struct turn_job {
    const prune_image *from;
    prune_image to;
    bool transpose, mirror_x, mirror_y; /* of the stored picture: columns, rows backwards */
} turn_job;

static void turn_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const turn_job *job = arg;
    const int32_t w = job->from->width, h = job->from->height;
    (void)lane;
    for (int64_t y = begin; y < end; y++)
        for (int32_t x = 0; x < job->to.width; x++) {
            int64_t column = job->transpose ? y : x, row = job->transpose ? x : y;
            if (job->mirror_x) column = w - 1 - column;
            if (job->mirror_y) row = h - 1 - row;
            memcpy(job->to.rgb + (y * job->to.width + x) * 3,
                   job->from->rgb + (row * w + column) * 3, 3);
        }
}

prune_status pr_image_orient(prune_image *image, prune_context *ctx, int32_t orientation)
{
    /* Row 0 and column 0 of the stored picture are, in EXIF's words, what side of the scene:
     * 1 top left, 2 top right, 3 bottom right, 4 bottom left; 5 to 8 with the axes swapped. */
    static const struct {
        bool transpose, mirror_x, mirror_y;
    } turns[9] = {{0},       {0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1},
                  {1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}};
    if (orientation <= 1 || orientation > 8) return PRUNE_OK;
    turn_job job = {.from = image,
                    .transpose = turns[orientation].transpose,
                    .mirror_x = turns[orientation].mirror_x,
                    .mirror_y = turns[orientation].mirror_y};
    job.to.width = job.transpose ? image->height : image->width;
    job.to.height = job.transpose ? image->width : image->height;
    PR_TRY(pr_new(ctx, (void **)&job.to.rgb, (size_t)job.to.width * (size_t)job.to.height, 3));
    pr_parallel(ctx, job.to.height, 16, turn_rows, &job);
    pr_free(ctx, image->rgb);
    *image = job.to;
    return PRUNE_OK;
}
