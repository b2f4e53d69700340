/* What a picture file is, in words: for `prune verify`. */
#include "libprune/image/image.h"

static json_t *describe(const pr_image_facts *facts, const prune_image *image)
{
    static const char *const channels[] = {"?", "grey", "grey and alpha", "RGB", "4 channels"};
    return json_pack("{s:s, s:i, s:i, s:s, s:i, s:i, s:b, s:b}", "format", facts->format, "width",
                     image->width, "height", image->height, "channels",
                     facts->palette ? "palette" : channels[facts->channels], "bits", facts->bits,
                     "orientation", facts->orientation, "interlaced", facts->interlaced, "cmyk",
                     facts->cmyk);
}

/* Smallest and largest value above 0, and the share of pixels that have one. */
static prune_status add_depth(json_t *json, prune_context *ctx, const pr_mapped *file,
                              const char *path)
{
    uint16_t *values;
    int32_t width, height, low = 65535, high = 0;
    PR_TRY(pr_png_read_grey16(&values, &width, &height, ctx, file, path));
    const int64_t count = (int64_t)width * height;
    int64_t known = 0;
    for (int64_t i = 0; i < count; i++) {
        if (values[i] == 0) continue;
        known++;
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    pr_free(ctx, values);
    json_t *depth = json_pack("{s:f, s:i, s:i}", "known", (double)known / (double)count, "smallest",
                              known ? low : 0, "largest", high);
    if (!depth || json_object_set_new(json, "depth", depth) != 0) return pr_fail_memory(64);
    return PRUNE_OK;
}

prune_status pr_image_inspect(json_t **out, prune_context *ctx, const pr_mapped *file,
                              const char *path)
{
    prune_image image;
    pr_image_facts facts = {0};
    if (pr_png_matches(file))
        PR_TRY(pr_png_read_facts(&image, &facts, ctx, file, path));
    else
        PR_TRY(pr_jpeg_read_facts(&image, &facts, ctx, file, path));
    json_t *json = describe(&facts, &image);
    prune_image_free(ctx, &image);
    prune_status status = json ? PRUNE_OK : pr_fail_memory(64);
    if (status == PRUNE_OK && pr_png_matches(file) && facts.bits == 16 && facts.channels == 1)
        status = add_depth(json, ctx, file, path);
    if (status != PRUNE_OK) {
        json_decref(json);
        return status;
    }
    *out = json;
    return PRUNE_OK;
}
