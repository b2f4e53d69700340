/* BF16 panels with AMX: 32 products per sum and instruction. Operands are rounded on their way into
 * the panel; subnormal operands and sums count as zero. */
#define PANEL_PRODUCT _tile_dpbf16ps
#define PANEL_VALUES 32
#define PANEL_SUM float
#define PANEL_FINISH finish16_f32
#include "libprune/kernels/amx/panel.h"

static __mmask16 first_lanes(int64_t count)
{
    return (__mmask16)(count >= 16 ? 0xffff : (1u << (count > 0 ? count : 0)) - 1);
}

void pr_amx_bf16_narrow(uint16_t *to, const float *from, int64_t count)
{
    int64_t i = 0;
    for (; i + 32 <= count; i += 32) {
        const __m512 low = _mm512_loadu_ps(from + i), high = _mm512_loadu_ps(from + i + 16);
        _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
    for (; i < count; i += 16) {
        const __mmask16 mask = first_lanes(count - i);
        const __m512 part = _mm512_maskz_loadu_ps(mask, from + i);
        _mm256_mask_storeu_epi16(to + i, mask, (__m256i)_mm512_cvtneps_pbh(part));
    }
}

void pr_amx_bf16_gather(uint16_t *to, int64_t to_stride, const float *line, const int32_t *offset,
                        int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill)
{
    for (int64_t r = 0; r < rows; r++, offset += step, to += to_stride) {
        for (int64_t t = 0; t < taps; t++)
            pr_amx_bf16_narrow(to + t * run, offset[t] < 0 ? fill : line + offset[t], run);
    }
}

void pr_amx_bf16_panel(int64_t m, const uint16_t *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row)
{
    multiply_panel(m, (const char *)a, lda * (int64_t)sizeof *a, b, e, row);
}
