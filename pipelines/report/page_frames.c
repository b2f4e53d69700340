/* Frames: image, ground truth, before, after, errors. */
#include "pipelines/report/page.h"

#include <math.h>
#include <prune/image.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A picture's file as it is. Returns false when it cannot be read. */
static bool read_whole(const char *path, uint8_t **data, size_t *size)
{
    enum { LARGEST = 64 << 20 };
    FILE *file = fopen(path, "rb");
    long length = -1;
    *data = NULL;
    if (file && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    if (length > 0 && length <= LARGEST && fseek(file, 0, SEEK_SET) == 0)
        *data = malloc((size_t)length);
    const bool ok = *data && fread(*data, 1, (size_t)length, file) == (size_t)length;
    *size = ok ? (size_t)length : 0;
    if (file) (void)fclose(file);
    return ok;
}

void page_picture(text *t, prune_context *ctx, const char *folder, const char *file,
                  const char *words, int widest)
{
    uint8_t *data = NULL;
    size_t size = 0;
    (void)widest;
    if (!*file || !folder || strstr(file, "..")) return;
    char *path = prune_path_join(ctx, folder, file);
    if (path && read_whole(path, &data, &size)) {
        text_add(t, "<div><img alt=\"");
        text_escaped(t, words);
        text_add(t, "\" src=\"data:image/png;base64,");
        add_base64(t, data, size);
        text_add(t, "\">");
        text_escaped(t, words);
        text_add(t, "</div>");
    }
    free(data);
    prune_memory_free(ctx, path);
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
            page_picture(t, ctx, folder, report_word(entry, kinds[k][0]), kinds[k][1], 1280);
        text_add(t, "</div></figure>\n");
    }
}
