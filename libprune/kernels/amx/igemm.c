/* INT8 panels with AMX: signed bytes times signed bytes into 32 bits, 64 of them per instruction.
 */
#define PANEL_PRODUCT _tile_dpbssd
#define PANEL_VALUES 64
#define PANEL_SUM int32_t
#define PANEL_FINISH finish16_i32
#include "libprune/kernels/amx/panel.h"

#include <string.h>

void pr_amx_i8_widen(void *to, const int8_t *from, int64_t count)
{
    memcpy(to, from, (size_t)count);
}

static inline void copy_run(int8_t *to, const int8_t *from, int64_t run)
{
    int64_t i = 0;
    for (; i + 64 <= run; i += 64)
        _mm512_storeu_si512((void *)(to + i), _mm512_loadu_si512((const void *)(from + i)));
    if (i == run) return;
    const __mmask64 mask = (__mmask64)(~0ull >> (64 - (run - i)));
    _mm512_mask_storeu_epi8(to + i, mask, _mm512_maskz_loadu_epi8(mask, from + i));
}

void pr_amx_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                      int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill)
{
    int8_t *out = to;
    for (int64_t r = 0; r < rows; r++, offset += step, out += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            copy_run(out + t * run, offset[t] < 0 ? fill : line + offset[t], run);
        }
    }
}

void pr_amx_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                     const pr_epilogue *e, int64_t row)
{
    multiply_panel(m, a, lda, b, e, row);
}
