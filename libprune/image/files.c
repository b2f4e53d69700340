/* Public reading and writing of pictures and maps. */
#include "libprune/image/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

prune_status prune_image_read(prune_image *out, prune_context *context, const char *path)
{
    pr_mapped file;
    PR_TRY(pr_file_map(&file, path));
    prune_status status;
    if (pr_png_matches(&file))
        status = pr_png_read_rgb(out, context, &file, path);
    else if (pr_jpeg_matches(&file))
        status = pr_jpeg_read_rgb(out, context, &file, path);
    else
        status =
            pr_fail(PRUNE_E_FORMAT, "%s: neither PNG nor JPEG: convert the picture first", path);
    pr_file_unmap(&file);
    return status;
}

void prune_image_free(prune_context *context, prune_image *image)
{
    if (!image) return;
    pr_free(context, image->rgb);
    memset(image, 0, sizeof *image);
}

prune_status prune_image_write_png(prune_context *context, const char *path, const uint8_t *rgb,
                                   int32_t width, int32_t height)
{
    return pr_png_write_rgb(context, path, rgb, width, height);
}

prune_status prune_depth_read(prune_depth_map *out, prune_context *context, const char *path,
                              double divisor)
{
    if (!(divisor > 0))
        return pr_fail(PRUNE_E_ARGUMENT,
                       "%s: the depth divisor is %g: give 256 (KITTI) or 1000 (NYU)", path,
                       divisor);
    pr_mapped file;
    PR_TRY(pr_file_map(&file, path));
    prune_status status = PRUNE_OK;
    uint16_t *values = NULL;
    prune_depth_map map = {0};
    if (pr_png_matches(&file))
        status = pr_png_read_grey16(&values, &map.width, &map.height, context, &file, path);
    else
        status =
            pr_fail(PRUNE_E_FORMAT, "%s: not a PNG: depth maps are 16-bit grey PNG files", path);
    pr_file_unmap(&file);
    if (status != PRUNE_OK) return status;
    size_t count = (size_t)map.width * (size_t)map.height;
    status = pr_new(context, (void **)&map.values, count, sizeof *map.values);
    if (status == PRUNE_OK) {
        for (size_t i = 0; i < count; i++) map.values[i] = (float)(values[i] / divisor);
        *out = map;
    }
    pr_free(context, values);
    return status;
}

void prune_depth_free(prune_context *context, prune_depth_map *map)
{
    if (!map) return;
    pr_free(context, map->values);
    memset(map, 0, sizeof *map);
}

/* What every KITTI writer does: truncate, and keep 0 for "unknown". */
static uint16_t encode_depth(float metres, double multiplier)
{
    if (!(metres > 0)) return 0;
    double value = (double)metres * multiplier;
    if (value < 1) return 1;
    return value >= 65535 ? 65535 : (uint16_t)value;
}

prune_status prune_depth_write(prune_context *context, const char *path, const float *metres,
                               int32_t width, int32_t height, double multiplier)
{
    if (width < 1 || height < 1 || !(multiplier > 0))
        return pr_fail(PRUNE_E_ARGUMENT, "%s: width, height and multiplier must be positive", path);
    size_t count = (size_t)width * (size_t)height;
    uint16_t *values = NULL;
    PR_TRY(pr_new(context, (void **)&values, count, sizeof *values));
    for (size_t i = 0; i < count; i++) values[i] = encode_depth(metres[i], multiplier);
    prune_status status = pr_png_write_grey16(context, path, values, width, height);
    pr_free(context, values);
    return status;
}

static uint32_t little_endian_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t one = 1;
    return *(const uint8_t *)&one == 1 ? bits : __builtin_bswap32(bits);
}

static prune_status write_floats(pr_writer *writer, const float *values, size_t count)
{
    uint32_t block[1024];
    for (size_t i = 0; i < count; i += 1024) {
        size_t n = count - i < 1024 ? count - i : 1024;
        for (size_t k = 0; k < n; k++) block[k] = little_endian_bits(values[i + k]);
        PR_TRY(pr_writer_write(writer, block, n * sizeof block[0]));
    }
    return PRUNE_OK;
}

/* upward: the bottom row first. */
static prune_status write_map(prune_context *context, const char *path, const char *header,
                              size_t header_bytes, const float *values, int32_t width,
                              int32_t height, bool upward)
{
    if (width < 1 || height < 1)
        return pr_fail(PRUNE_E_ARGUMENT, "%s: a map needs a positive width and height", path);
    pr_writer *writer;
    PR_TRY(pr_writer_open(&writer, context, path));
    prune_status status = pr_writer_write(writer, header, header_bytes);
    for (int32_t y = 0; status == PRUNE_OK && y < height; y++) {
        int64_t row = upward ? height - 1 - y : y;
        status = write_floats(writer, values + row * width, (size_t)width);
    }
    if (status == PRUNE_OK) return pr_writer_commit(writer);
    pr_writer_abandon(writer);
    return status;
}

prune_status prune_map_write_f32(prune_context *context, const char *path, const float *values,
                                 int32_t width, int32_t height)
{
    return write_map(context, path, "", 0, values, width, height, false);
}

/* Portable float map, grey: "Pf", size, a negative number for little-endian; rows from the bottom
 * up. Source: netpbm's pfm(5). */
prune_status prune_map_write_pfm(prune_context *context, const char *path, const float *values,
                                 int32_t width, int32_t height)
{
    char header[64];
    int length = snprintf(header, sizeof header, "Pf\n%d %d\n-1.0\n", (int)width, (int)height);
    return write_map(context, path, header, (size_t)length, values, width, height, true);
}

/* NumPy format 1.0: magic, version, little-endian header length, a Python dict padded with blanks
 * so that the data starts at a multiple of 64. */
prune_status prune_map_write_npy(prune_context *context, const char *path, const float *values,
                                 int32_t width, int32_t height)
{
    enum { HEADER = 128 };
    char header[HEADER];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(HEADER - 10);
    header[9] = 0;
    char dict[100];
    int length =
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }",
                 (int)height, (int)width);
    memcpy(header + 10, dict, (size_t)length);
    header[HEADER - 1] = '\n';
    return write_map(context, path, header, sizeof header, values, width, height, false);
}

static prune_status copy_floats(prune_depth_map *out, prune_context *context, const uint8_t *data,
                                int32_t width, int32_t height)
{
    size_t count = (size_t)width * (size_t)height;
    float *values = NULL;
    PR_TRY(pr_new(context, (void **)&values, count, sizeof *values));
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, data + 4 * i, sizeof bits);
        float value;
        memcpy(&value, &bits, sizeof value);
        bits = little_endian_bits(value); /* its own inverse */
        memcpy(&values[i], &bits, sizeof bits);
    }
    *out = (prune_depth_map){width, height, values};
    return PRUNE_OK;
}

prune_status prune_map_read_f32(prune_depth_map *out, prune_context *context, const char *path,
                                int32_t width, int32_t height)
{
    if (width < 1 || height < 1)
        return pr_fail(PRUNE_E_ARGUMENT, "%s: a map needs a positive width and height", path);
    pr_mapped file;
    PR_TRY(pr_file_map(&file, path));
    prune_status status;
    if (file.size != (uint64_t)width * (uint64_t)height * 4)
        status = pr_fail(PRUNE_E_SHAPE, "%s: holds %llu bytes, but %dx%d float32 values need %llu",
                         path, (unsigned long long)file.size, (int)width, (int)height,
                         (unsigned long long)width * (unsigned long long)height * 4);
    else
        status = copy_floats(out, context, file.data, width, height);
    pr_file_unmap(&file);
    return status;
}

/* Finds "'key':" in the header's dict and returns what follows, or NULL. */
static const char *npy_field(const char *header, const char *key)
{
    const char *found = strstr(header, key);
    if (!found) return NULL;
    found += strlen(key);
    while (*found == ' ') found++;
    return found;
}

/* Shapes (h, w), (1, h, w) and (h, w, 1) are maps; anything else is refused. */
static bool npy_shape(const char *text, int32_t *width, int32_t *height)
{
    long long dims[3] = {0, 0, 0};
    int n = 0;
    if (*text++ != '(') return false;
    while (n < 3) {
        char *end;
        dims[n] = strtoll(text, &end, 10);
        if (end == text || dims[n] < 1 || dims[n] > INT32_MAX) return false;
        n++;
        text = end + strspn(end, ", ");
        if (*text == ')') break;
    }
    if (*text != ')' || n < 2) return false;
    if (n == 3 && dims[0] == 1)
        dims[0] = dims[1], dims[1] = dims[2];
    else if (n == 3 && dims[2] != 1)
        return false;
    *height = (int32_t)dims[0];
    *width = (int32_t)dims[1];
    return true;
}

static prune_status parse_npy(prune_depth_map *out, prune_context *context, const pr_mapped *file,
                              const char *path)
{
    if (file->size < 10 || memcmp(file->data, "\x93NUMPY", 6) != 0)
        return pr_fail(PRUNE_E_FORMAT, "%s: not a NumPy .npy file", path);
    bool long_header = file->data[6] >= 2;
    uint64_t start = long_header ? 12 : 10;
    if (file->size < start) return pr_fail(PRUNE_E_FORMAT, "%s: the file ends too early", path);
    uint64_t length = (uint64_t)file->data[8] | (uint64_t)file->data[9] << 8;
    if (long_header) length |= (uint64_t)file->data[10] << 16 | (uint64_t)file->data[11] << 24;
    char header[1024];
    if (length >= sizeof header || length > file->size - start)
        return pr_fail(PRUNE_E_FORMAT, "%s: the header's length %llu makes no sense", path,
                       (unsigned long long)length);
    memcpy(header, file->data + start, length);
    header[length] = '\0';
    const char *descr = npy_field(header, "'descr':");
    const char *order = npy_field(header, "'fortran_order':");
    const char *shape = npy_field(header, "'shape':");
    int32_t width = 0, height = 0;
    if (!descr || strncmp(descr, "'<f4'", 5) != 0 || !order || strncmp(order, "False", 5) != 0 ||
        !shape || !npy_shape(shape, &width, &height))
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "%s: want a little-endian float32 array of shape (height, width) in C "
                       "order: save it with numpy.save(path, map.astype('<f4'))",
                       path);
    PR_TRY(pr_image_check_size((uint64_t)width, (uint64_t)height, path));
    if (file->size - start - length != (uint64_t)width * (uint64_t)height * 4)
        return pr_fail(PRUNE_E_FORMAT, "%s: %dx%d values announced, but %llu bytes follow", path,
                       (int)width, (int)height, (unsigned long long)(file->size - start - length));
    return copy_floats(out, context, file->data + start + length, width, height);
}

prune_status prune_map_read_npy(prune_depth_map *out, prune_context *context, const char *path)
{
    pr_mapped file;
    PR_TRY(pr_file_map(&file, path));
    prune_status status = parse_npy(out, context, &file, path);
    pr_file_unmap(&file);
    return status;
}
