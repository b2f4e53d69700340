/* A made-up tier whose products take BF16 halves, in plain C: drivers and packing are tested with
 * it where the machine has no such instructions, and kernels that use them are held against it. */
#ifndef TESTS_KERNELS_HALVES_H
#define TESTS_KERNELS_HALVES_H

#include "libprune/kernels/bf16.h"
#include "tests/kernels/reference.h"

enum { HALVES_LANES = 16, HALVES_STEP = 32 };

static inline void halves_narrow(uint16_t *to, const float *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++) to[i] = pr_bf16_of(from[i]);
}

static inline void halves_gather(uint16_t *to, int64_t to_stride, const float *line,
                                 const int32_t *offset, int64_t step, int64_t rows, int64_t taps,
                                 int64_t run, const float *fill)
{
    for (int64_t r = 0; r < rows; r++, offset += step, to += to_stride)
        for (int64_t t = 0; t < taps; t++)
            halves_narrow(to + t * run, offset[t] < 0 ? fill : line + offset[t], run);
}

/* Where value p of column j lies in a block. */
static inline int64_t halves_place(int64_t wide, int64_t p, int64_t j)
{
    const int64_t tile = p / HALVES_STEP * wide + j / HALVES_LANES * HALVES_LANES;
    const int64_t pair = p % HALVES_STEP / 2 * HALVES_LANES + j % HALVES_LANES;
    return tile * HALVES_STEP + pair * 2 + p % 2;
}

/* Sums in double, then the portable tier's epilogue: its float panel on one exact product. */
static inline void halves_panel(int64_t m, const uint16_t *a, int64_t lda, const pr_packed *b,
                                const pr_epilogue *e, int64_t row)
{
    const uint16_t *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        const int64_t wide = pr_block_columns(b->n - c, HALVES_LANES);
        for (int64_t j = 0; j < wide && c + j < b->n; j++) {
            float one[8] = {1};
            pr_epilogue own = *e;
            const pr_packed unit = {.n = 1, .k = 1, .k_padded = 1, .data = one};
            if (own.bias) own.bias += c + j;
            if (own.gain) own.gain += c + j;
            if (own.residual) own.residual += c + j;
            if (own.out) own.out += c + j;
            ck_assert_ptr_null(own.out8);
            for (int64_t i = 0; i < m; i++) {
                double sum = 0;
                for (int64_t p = 0; p < b->k_padded; p++)
                    sum += (double)pr_float_of_bf16(a[i * lda + p]) *
                           (double)pr_float_of_bf16(block[halves_place(wide, p, j)]);
                const float rounded = (float)sum;
                pr_kernels_portable.f32_panel(1, &rounded, 1, &unit, &own, row + i);
            }
        }
        block += wide * b->k_padded;
        c += wide;
    }
}

static inline const pr_kernels *halves_tier(void)
{
    static pr_kernels tier;
    tier = pr_kernels_portable;
    tier.name = "halves in plain C";
    tier.bf16_lanes = HALVES_LANES;
    tier.bf16_step = HALVES_STEP;
    tier.bf16_narrow = halves_narrow;
    tier.bf16_gather = halves_gather;
    tier.bf16_panel = halves_panel;
    return &tier;
}

/* What is multiplied: the number itself, or rounded to BF16. */
static inline double operand(float value, bool bf16)
{
    return (double)(bf16 ? pr_float_of_bf16(pr_bf16_of(value)) : value);
}

#endif
