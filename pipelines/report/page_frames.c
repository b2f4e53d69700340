/* Frames: image, ground truth, before, after, errors. */
#include "pipelines/report/page.h"

#include <prune/image.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdint.h>
#include <string.h>

static void add_base64(text *t, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[4 * 256 + 1];
    for (size_t i = 0; i < size;) {
        size_t n = 0;
        for (; i < size && n + 4 < sizeof line; i += 3) {
            const size_t left = size - i;
            const uint32_t b = (uint32_t)data[i] << 16 |
                               (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)data[i + 2] : 0);
            line[n++] = digits[b >> 18];
            line[n++] = digits[b >> 12 & 63];
            line[n++] = left > 1 ? digits[b >> 6 & 63] : '=';
            line[n++] = left > 2 ? digits[b & 63] : '=';
        }
        line[n] = '\0';
        text_add(t, "%s", line);
    }
}

/* Averages factor x factor pixels into one, in place. */
static void shrink(prune_image *image, int factor)
{
    const int32_t width = image->width / factor, height = image->height / factor;
    if (factor < 2 || width < 1 || height < 1) return;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                int sum = 0;
                for (int v = 0; v < factor; v++)
                    for (int u = 0; u < factor; u++)
                        sum += image->rgb[3 * ((int64_t)(y * factor + v) * image->width +
                                               x * factor + u) +
                                          c];
                image->rgb[3 * ((int64_t)y * width + x) + c] =
                    (uint8_t)((sum + factor * factor / 2) / (factor * factor));
            }
    image->width = width;
    image->height = height;
}

static void add_image(text *t, const char *words, const void *jpeg, size_t size)
{
    text_add(t, "<div><img alt=\"");
    text_escaped(t, words);
    text_add(t, "\" src=\"data:image/jpeg;base64,");
    add_base64(t, jpeg, size);
    text_add(t, "\">");
    text_escaped(t, words);
    text_add(t, "</div>");
}

void page_picture(text *t, prune_context *ctx, const char *folder, const char *file,
                  const char *words, int widest)
{
    prune_image image = {0};
    void *jpeg = NULL;
    uint64_t size = 0;
    /* The name comes from a file: it must not lead out of the folder. */
    if (!*file || *file == '/' || !folder || strstr(file, "..")) return;
    char *path = prune_path_join(ctx, folder, file);
    if (path && prune_image_read(&image, ctx, path) == PRUNE_OK) {
        shrink(&image, (image.width + widest - 1) / widest);
        if (prune_image_encode_jpeg(&jpeg, &size, ctx, image.rgb, image.width, image.height, 88) ==
            PRUNE_OK)
            add_image(t, words, jpeg, size);
        prune_image_free(ctx, &image);
    }
    prune_memory_free(ctx, jpeg);
    prune_memory_free(ctx, path);
}

/* Many frames are shown smaller, so that the page stays below about 8 MB. */
static int widest_for(size_t frames)
{
    return frames <= 6 ? 1280 : frames <= 24 ? 640 : 320;
}

void page_frames(text *t, prune_context *ctx, const char *folder, const json_t *report)
{
    static const char *const kinds[][2] = {
        {"image", "image"}, {"truth", "ground truth"},        {"before", "before"},
        {"after", "after"}, {"error_before", "error before"}, {"error_after", "error after"}};
    const json_t *entry;
    size_t i;
    if (json_array_size(report_at(report, "pictures")) == 0) return;
    text_add(t, "<h2>Frames</h2><p>Chosen by rank, not by hand.</p>");
    json_array_foreach(report_at(report, "pictures"), i, entry)
    {
        text_add(t, "<figure><figcaption>");
        text_escaped(t, report_word(entry, "rank"));
        text_add(t, " <span>(%.4f) ", report_number(entry, "value"));
        text_escaped(t, report_word(entry, "frame"));
        text_add(t, "</span></figcaption><div class=frames>");
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            page_picture(t, ctx, folder, report_word(entry, kinds[k][0]), kinds[k][1],
                         widest_for(json_array_size(report_at(report, "pictures"))));
        text_add(t, "</div></figure>\n");
    }
}
