/* Shared by the drivers gemm.c, conv.c and attention.c. */
#ifndef PR_KERNELS_DRIVER_H
#define PR_KERNELS_DRIVER_H

#include "libprune/kernels/kernels.h"

/* Work is dealt out in units of this many rows, a multiple of every kernel's tile height. */
enum { PR_PANEL_UNIT = 12, PR_PANEL_MOST = 32 * PR_PANEL_UNIT };
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

/* Rows of this many bytes that a panel holds, so that it stays in a core's second-level cache. */
int64_t pr_panel_rows(int64_t row_bytes);

/* Units of rows that are worth a thread's while, when a row takes this many multiply-adds. */
int64_t pr_panel_grain(int64_t row_macs);

/* e for the columns that begin at `column`, with the bias and scale of the packed weights. */
pr_epilogue pr_epilogue_for(const pr_epilogue *e, const pr_packed *b, int64_t column);

static inline size_t pr_scratch_round(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

#endif
