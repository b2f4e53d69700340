/* Frames: image, ground truth, before, after, errors. */
#include "pipelines/report/look.h"
#include "pipelines/report/page.h"

#include <math.h>
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

/* Depth on a logarithmic scale, in the colours of the maps. */
static void add_depth_legend(text *t, double near, double far)
{
    enum { STOPS = 13, LEFT = 10, WIDTH = 340 };
    float ramp[STOPS];
    uint8_t rgb[STOPS * 3];
    const double width = log(far / near);
    if (!(width > 0)) return;
    for (int i = 0; i < STOPS; i++) ramp[i] = (float)i / (STOPS - 1);
    prune_map_colorize(ramp, STOPS, 1, 0.0f, 1.0f, rgb);
    text_add(t, "<svg viewBox=\"0 0 360 50\" role=img aria-label=\"depth scale\"><defs>"
                "<linearGradient id=depth>");
    for (int i = 0; i < STOPS; i++)
        text_add(t, "<stop offset=%.3f stop-color=\"#%02x%02x%02x\"/>", (double)ramp[i], rgb[3 * i],
                 rgb[3 * i + 1], rgb[3 * i + 2]);
    text_add(t,
             "</linearGradient></defs><text class=name x=%d y=12>depth, m</text>"
             "<rect x=%d y=18 width=%d height=12 fill=\"url(#depth)\"/>",
             LEFT, LEFT, WIDTH);
    static const double marks[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 80, 160};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] >= near * 0.999 && marks[i] <= far * 1.001)
            text_add(t, "<text x=%.1f y=44 text-anchor=middle>%g</text>",
                     LEFT + WIDTH * log(marks[i] / near) / width, marks[i]);
    text_add(t, "</svg>");
}

static void add_error_legend(text *t)
{
    enum { LEFT = 10, CELL = 34 };
    text_add(t,
             "<svg viewBox=\"0 0 360 50\" role=img aria-label=\"error scale\">"
             "<text class=name x=%d y=12>relative error |prediction - truth| / truth, %%</text>",
             LEFT);
    for (int i = 0; i < REPORT_ERROR_STEPS; i++) {
        const report_error_step *step = &report_error_steps[i];
        text_add(t, "<rect x=%d y=18 width=%d height=12 fill=\"#%02x%02x%02x\"/>", LEFT + CELL * i,
                 CELL, step->rgb[0], step->rgb[1], step->rgb[2]);
        if (i + 1 < REPORT_ERROR_STEPS)
            text_add(t, "<text x=%d y=44 text-anchor=middle>%.2g</text>", LEFT + CELL * (i + 1),
                     100 * step->below);
    }
    text_add(t, "</svg>");
}

static void add_legends(text *t, const json_t *report)
{
    const double near = report_number(report, "picture_scales.depth_m.0"),
                 far = report_number(report, "picture_scales.depth_m.1");
    text_add(t, "<p>Chosen by rank, not by hand. All maps share two scales. Black: no ground truth "
                "there.</p><div class=charts>");
    if (near > 0 && far > near) add_depth_legend(t, near, far);
    add_error_legend(t);
    text_add(t, "</div>\n");
}

void page_frames(text *t, prune_context *ctx, const char *folder, const json_t *report)
{
    static const char *const kinds[][2] = {
        {"image", "image"}, {"truth", "ground truth"},        {"before", "before"},
        {"after", "after"}, {"error_before", "error before"}, {"error_after", "error after"}};
    const json_t *entry;
    size_t i;
    if (json_array_size(report_at(report, "pictures")) == 0) return;
    text_add(t, "<h2>Frames</h2>");
    add_legends(t, report);
    json_array_foreach(report_at(report, "pictures"), i, entry)
    {
        text_add(t, "<figure><figcaption>");
        text_escaped(t, report_word(entry, "rank"));
        text_add(t, " <span>(");
        text_escaped(t, report_word(entry, "metric"));
        text_add(t, " %.4f", report_number(entry, "value"));
        if (!isnan(report_number(entry, "change")))
            text_add(t, ", %+.4f to before", report_number(entry, "change"));
        text_add(t, ") ");
        text_escaped(t, report_word(entry, "frame"));
        text_add(t, "</span></figcaption><div class=frames>");
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            page_picture(t, ctx, folder, report_word(entry, kinds[k][0]), kinds[k][1],
                         widest_for(json_array_size(report_at(report, "pictures"))));
        text_add(t, "</div></figure>\n");
    }
}
