/* Shared by the drivers gemm.c, conv.c and attention.c. */
#ifndef PR_KERNELS_DRIVER_H
#define PR_KERNELS_DRIVER_H

#include "libprune/kernels/kernels.h"

/* Work is dealt out in units of so many rows, a multiple of the height of the tier's tiles. */
enum { PR_PANEL_UNIT = 12, PR_PANEL_MOST = 384 };
static inline int64_t pr_panel_unit(const pr_kernels *kernels)
{
    return kernels->unit ? kernels->unit : PR_PANEL_UNIT;
}
enum { PR_PLACE_BYTES = PR_PANEL_MOST * (int)sizeof(int32_t) };

/* The source index of position i along an axis of n: mirrored, clamped, or out of range. */
static inline int64_t pr_conv_source(const pr_conv *conv, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) return i;
    if (conv->clamp) return i < 0 ? 0 : n - 1;
    /* Without repeating the edge: -1 -> 1, n -> n - 2. */
    while (conv->reflect && n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

/* A panel of the floats that b multiplies, its elements either floats (rounded where b->bf16) or
 * BF16 halves. Rows are an odd number of cache lines apart where halves are: rows that lie a power
 * of two apart would share a few sets of the first-level cache. */
typedef struct pr_float_panel {
    bool round, halves;
    int64_t element, stride; /* bytes of an element; elements from row to row */
    int64_t rows;            /* that fit a core's second-level cache */
} pr_float_panel;
pr_float_panel pr_float_panel_for(const pr_kernels *kernels, const pr_packed *b);
size_t pr_float_panel_bytes(const pr_float_panel *p);
/* Units of rows worth a thread's while, with `products` times b's multiply-adds. */
int64_t pr_float_panel_grain(const pr_kernels *kernels, const pr_packed *b, int64_t products);
/* Rounds `rows` rows of b->k values into a panel. */
void pr_float_panel_fill(const pr_kernels *kernels, const pr_float_panel *p, const pr_packed *b,
                         int64_t rows, const float *from, int64_t from_stride, void *panel);
static inline void pr_float_panel_run(const pr_kernels *kernels, const pr_float_panel *p, int64_t m,
                                      const void *panel, const pr_packed *b, const pr_epilogue *e,
                                      int64_t row)
{
    if (p->halves)
        kernels->bf16_panel(m, panel, p->stride, b, e, row);
    else
        kernels->f32_panel(m, panel, p->stride, b, e, row);
}

/* Rows of this many bytes that a panel holds, so that it stays in a core's second-level cache. */
int64_t pr_panel_rows(int64_t row_bytes);

/* Units of rows that are worth a thread's while, when a row takes this many multiply-adds. */
int64_t pr_panel_grain(int64_t row_macs);
/* Multiply-adds of floats that take as long as these: of integers, or of BF16 where it is not. */
int64_t pr_panel_float_macs(const pr_kernels *kernels, int64_t macs, bool integer);

/* The same for panels of integers that b multiplies: rows a panel holds, elements from row to row,
 * bytes of a panel, and units worth a thread's while with `products` times b's multiply-adds. */
int64_t pr_panel_rows_i8(const pr_kernels *kernels, const pr_packed *b);
int64_t pr_panel_stride_i8(const pr_kernels *kernels, const pr_packed *b);
size_t pr_panel_bytes_i8(const pr_kernels *kernels, const pr_packed *b);
int64_t pr_panel_grain_i8(const pr_kernels *kernels, const pr_packed *b, int64_t products);

/* e for the columns that begin at `column`, with the bias and scale of the packed weights. */
pr_epilogue pr_epilogue_for(const pr_epilogue *e, const pr_packed *b, int64_t column);

/* Attention folds it into q: exp(s) = 2^(s log2 e). */
#define PR_LOG2_E 1.44269504f

/* Asks for rows before they are read: pieces of rows that lie far apart (one head's share of q, k
 * or v) are not foreseen by the processor, and each would be waited for. */
static inline void pr_prefetch_rows(const float *x, int64_t stride, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, x += stride)
        for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(x + i);
}

static inline size_t pr_scratch_round(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

#endif
