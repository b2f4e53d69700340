/* FP32 matrix product over a tier's panel kernels: what replaces OpenBLAS where it is left out. */
#include "libprune/kernels/kernels.h"
#include "libprune/kernels/sgemm.h"

#include <string.h>

/* Blocks that lie on the stack and stay in the second-level cache. COLUMNS is a multiple of every
 * tier's block width, ROWS of every tile's height. */
enum { ROWS = 48, COLUMNS = PR_PACK_COLUMNS, DEPTH = 128 };

typedef struct operand {
    const float *data;
    int64_t stride;
    bool transposed;
} operand;

void pr_matrix_scale(int64_t m, int64_t n, float factor, float *c, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++) {
        float *row = c + i * ldc;
        if (factor == 0) {
            memset(row, 0, (size_t)n * sizeof *row);
        } else {
            for (int64_t j = 0; j < n; j++) row[j] *= factor;
        }
    }
}

/* alpha * op(B)[p .. p + depth, j .. j + columns] as a panel kernel reads it. */
static void pack_b(const pr_kernels *kernels, const operand *b, int64_t j, int64_t columns,
                   int64_t p, int64_t depth, float alpha, float *to)
{
    if (b->transposed) {
        pr_pack_f32_rows(kernels, columns, depth, b->data + j * b->stride + p, b->stride, to);
    } else {
        pr_pack_f32_transposed(kernels, columns, depth, b->data + p * b->stride + j, b->stride, to);
    }
    if (alpha == 1) return;
    int64_t count = pr_pack_f32_size(kernels, columns, depth);
    for (int64_t i = 0; i < count; i++) to[i] *= alpha;
}

/* Rows i .. i + rows of op(A) at depth p: where they lie, or copied out of columns. */
static const float *rows_of(const operand *a, int64_t i, int64_t rows, int64_t p, int64_t depth,
                            float *copy, int64_t *stride)
{
    if (!a->transposed) {
        *stride = a->stride;
        return a->data + i * a->stride + p;
    }
    *stride = depth;
    for (int64_t k = 0; k < depth; k++) {
        const float *from = a->data + (p + k) * a->stride + i;
        for (int64_t r = 0; r < rows; r++) copy[r * depth + k] = from[r];
    }
    return copy;
}

void pr_sgemm_panels(const pr_kernels *kernels, bool trans_a, bool trans_b, int64_t m, int64_t n,
                     int64_t k, float alpha, const float *a, int64_t lda, const float *b,
                     int64_t ldb, float beta, float *c, int64_t ldc)
{
    _Alignas(64) float packed[COLUMNS * DEPTH], copy[ROWS * DEPTH];
    const operand left = {a, lda, trans_a}, right = {b, ldb, trans_b};
    if (m <= 0 || n <= 0) return;
    if (beta != 1 && (beta != 0 || k <= 0)) pr_matrix_scale(m, n, beta, c, ldc);
    for (int64_t j = 0; j < n; j += COLUMNS) {
        int64_t columns = n - j < COLUMNS ? n - j : COLUMNS;
        for (int64_t p = 0; p < k; p += DEPTH) {
            int64_t depth = k - p < DEPTH ? k - p : DEPTH, stride;
            const pr_packed block = {.n = columns, .k = depth, .k_padded = depth, .data = packed};
            pr_epilogue e = {.out = c + j, .out_stride = ldc, .residual_stride = ldc};
            /* beta 0 overwrites: whatever was there, NaN included, does not matter. */
            if (p > 0 || beta != 0) e.residual = e.out;
            pack_b(kernels, &right, j, columns, p, depth, alpha, packed);
            for (int64_t i = 0; i < m; i += ROWS) {
                int64_t rows = m - i < ROWS ? m - i : ROWS;
                const float *x = rows_of(&left, i, rows, p, depth, copy, &stride);
                kernels->f32_panel(rows, x, stride, &block, &e, i);
            }
        }
    }
}
