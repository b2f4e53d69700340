/* Weights into the order that the panel kernels read, once per session. */
#include "libprune/kernels/kernels.h"

#include <string.h>

static size_t padded_columns(int64_t n)
{
    return (size_t)(n / PR_PACK_COLUMNS + 2) * PR_PACK_COLUMNS;
}

static prune_status pad_columns(float **out, prune_context *ctx, int64_t n, const float *values)
{
    *out = pr_calloc(ctx, padded_columns(n), sizeof **out);
    if (!*out) return PRUNE_E_MEMORY;
    if (values) memcpy(*out, values, (size_t)n * sizeof **out);
    return PRUNE_OK;
}

/* Total columns with the last block's padding. */
static int64_t block_total(int64_t n, int64_t lanes)
{
    int64_t total = 0;
    while (total < n) total += pr_block_columns(n - total, lanes);
    return total;
}

prune_status pr_pack_columns(float **out, prune_context *ctx, int64_t n, const float *values)
{
    return pad_columns(out, ctx, n, values);
}

prune_status pr_pack_f32(pr_packed *out, prune_context *ctx, const pr_kernels *kernels, int64_t n,
                         int64_t k, const float *w, const float *bias)
{
    pr_packed p = {.n = n, .k = k, .k_padded = k, .thin = n <= kernels->f32_thin};
    int64_t total = p.thin ? n : block_total(n, kernels->f32_lanes);
    p.bytes = (size_t)(total * k) * sizeof(float);
    float *to = pr_calloc(ctx, (size_t)(total * k) + 1, sizeof *to);
    if (!to) return PRUNE_E_MEMORY;
    p.data = to;
    prune_status status = pad_columns(&p.bias, ctx, n, bias);
    if (status != PRUNE_OK) {
        pr_packed_free(ctx, &p);
        return status;
    }
    if (p.thin) {
        memcpy(to, w, p.bytes);
    } else {
        pr_pack_f32_rows(kernels, n, k, w, k, to);
    }
    *out = p;
    return PRUNE_OK;
}

void pr_pack_f32_rows(const pr_kernels *kernels, int64_t n, int64_t k, const float *w, int64_t ldw,
                      float *to)
{
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, kernels->f32_lanes);
        int64_t columns = n - c < wide ? n - c : wide;
        for (int64_t p = 0; p < k; p++) {
            for (int64_t j = 0; j < columns; j++) to[p * wide + j] = w[(c + j) * ldw + p];
            for (int64_t j = columns; j < wide; j++) to[p * wide + j] = 0.0f;
        }
        to += wide * k;
        c += wide;
    }
}

void pr_pack_f32_transposed(const pr_kernels *kernels, int64_t n, int64_t k, const float *w,
                            int64_t ldw, float *to)
{
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, kernels->f32_lanes);
        int64_t columns = n - c < wide ? n - c : wide;
        for (int64_t p = 0; p < k; p++) {
            memcpy(to + p * wide, w + p * ldw + c, (size_t)columns * sizeof *to);
            for (int64_t j = columns; j < wide; j++) to[p * wide + j] = 0.0f;
        }
        to += wide * k;
        c += wide;
    }
}

int64_t pr_pack_f32_size(const pr_kernels *kernels, int64_t n, int64_t k)
{
    return block_total(n, kernels->f32_lanes) * k;
}

/* [k / depth][columns][depth] with zeros in every gap. */
static void pack_i8_blocks(const pr_kernels *kernels, pr_packed *p, const int8_t *w)
{
    int64_t depth = kernels->i8_depth, bytes = kernels->i8_bytes;
    char *to = p->data;
    for (int64_t c = 0; c < p->n;) {
        int64_t wide = pr_block_columns(p->n - c, kernels->i8_lanes);
        for (int64_t j = 0; j < wide && c + j < p->n; j++) {
            for (int64_t i = 0; i < p->k; i++) {
                int64_t at = (i / depth * wide + j) * depth + i % depth;
                int8_t value = w[(c + j) * p->k + i];
                if (bytes == 2) {
                    ((int16_t *)(void *)to)[at] = value;
                } else {
                    ((int8_t *)to)[at] = value;
                }
            }
        }
        to += wide * p->k_padded * bytes;
        c += wide;
    }
}

prune_status pr_pack_i8(pr_packed *out, prune_context *ctx, const pr_kernels *kernels, int64_t n,
                        int64_t k, const int8_t *w, const float *scale, const float *bias)
{
    pr_packed p = {.n = n, .k = k};
    prune_status status = PRUNE_E_MEMORY;
    p.k_padded = (k + kernels->i8_depth - 1) / kernels->i8_depth * kernels->i8_depth;
    int64_t total = block_total(n, kernels->i8_lanes);
    p.bytes = (size_t)(total * p.k_padded * kernels->i8_bytes);
    p.data = pr_calloc(ctx, p.bytes + 1, 1);
    if (!p.data) goto done;
    pack_i8_blocks(kernels, &p, w);
    PR_GO(pad_columns(&p.bias, ctx, n, bias));
    PR_GO(pad_columns(&p.scale, ctx, n, scale));
    p.offset = pr_calloc(ctx, padded_columns(n), sizeof *p.offset);
    if (!p.offset) {
        status = PRUNE_E_MEMORY;
        goto done;
    }
    for (int64_t o = 0; o < n; o++) {
        for (int64_t i = 0; i < k; i++) p.offset[o] -= 128 * w[o * k + i];
    }
    *out = p;
    return PRUNE_OK;
done:
    pr_packed_free(ctx, &p);
    return status;
}

void pr_packed_free(prune_context *ctx, pr_packed *packed)
{
    pr_free(ctx, packed->data);
    pr_free(ctx, packed->bias);
    pr_free(ctx, packed->scale);
    pr_free(ctx, packed->offset);
    *packed = (pr_packed){0};
}
