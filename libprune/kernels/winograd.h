/* Tiles of Winograd's 3 x 3 convolutions F(m x m, 3 x 3) (Lavin and Gray 2016): m x m outputs from
 * (m + 2) x (m + 2) pixels with as many multiplications. Shared by the forms of floats and of
 * integers. */
#ifndef PR_KERNELS_WINOGRAD_H
#define PR_KERNELS_WINOGRAD_H

#include "libprune/kernels/driver.h"

enum { PR_WINOGRAD_TILE = 4, PR_WINOGRAD_PIXELS = 36 }; /* at most: outputs along an edge; pixels */

static inline int64_t pr_winograd_pixels(int64_t tile)
{
    return (tile + 2) * (tile + 2);
}

typedef struct pr_tiling {
    int64_t tile, across, down;
} pr_tiling;

static inline pr_tiling pr_tiling_of(const pr_conv *conv)
{
    const int64_t tile = pr_winograd_tile(conv->b->kind);
    return (pr_tiling){tile, (conv->out_width + tile - 1) / tile,
                       (conv->out_height + tile - 1) / tile};
}

/* Where the pixels that tile number `index` reads begin in the image, in elements; -1: padding. */
static inline void pr_tile_pixels(const pr_conv *c, pr_tiling t, int64_t index,
                                  int64_t at[PR_WINOGRAD_PIXELS])
{
    const int64_t n = t.tile + 2, u = c->upsample, width = c->width / u, lines = c->height / u;
    const int64_t y0 = index / t.across % t.down * t.tile - c->pad[0];
    const int64_t x0 = index % t.across * t.tile - c->pad[1];
    const int64_t image = index / (t.across * t.down) * lines * width;
    const bool inner = u == 1 && y0 >= 0 && x0 >= 0 && y0 + n <= c->height && x0 + n <= c->width;
    for (int64_t i = 0; i < n; i++) {
        if (inner) {
            const int64_t first = image + (y0 + i) * width + x0;
            for (int64_t j = 0; j < n; j++) *at++ = (first + j) * c->channels;
            continue;
        }
        const int64_t y = pr_conv_source(c, y0 + i, c->height);
        for (int64_t j = 0; j < n; j++) {
            const int64_t x = pr_conv_source(c, x0 + j, c->width);
            const bool inside = y >= 0 && y < c->height && x >= 0 && x < c->width;
            *at++ = inside ? (image + y / u * width + x / u) * c->channels : -1;
        }
    }
}

/* The outputs of tile number `index`: row `first` of the epilogue, `lines` lines of `columns`, so
 * many rows of it apart. */
typedef struct pr_tile_outputs {
    int64_t first, lines, columns, line_step, column_step;
} pr_tile_outputs;

/* phase: which of the four outputs for every pixel, where the map is enlarged; else 0. */
static inline pr_tile_outputs pr_tile_outputs_of(const pr_conv *c, pr_tiling t, int64_t index,
                                                 int64_t phase)
{
    const int64_t y = index / t.across % t.down * t.tile, x = index % t.across * t.tile;
    const int64_t line = index / (t.across * t.down) * c->out_height + y, width = c->out_width;
    pr_tile_outputs out = {line * width + x - c->origin, t.tile, t.tile, width, 1};
    if (c->out_height - y < t.tile) out.lines = c->out_height - y;
    if (width - x < t.tile) out.columns = width - x;
    if (c->b->kind == PR_PACK_PHASES4) {
        out.first = (2 * line + phase / 2) * 2 * width + 2 * x + phase % 2;
        out.line_step = 4 * width;
        out.column_step = 2;
    }
    return out;
}

#endif
