/* INT8 panels without VNNI: as kernels/avx2, bytes widened to 16 bits, with vpmaddwd of 512 bits.
 * The packed weights are those of AVX2. */
#include "libprune/kernels/avx512/avx512.h"
#include "libprune/kernels/avx512/itile.h"
#include "libprune/kernels/avx512/math.h"

/* Products of the weights as they are stored. */
static inline void multiply(const int16_t *const rows[ROWS], const void *block, int64_t wide,
                            int64_t k, int32_t *sums, bool bytes)
{
    if (wide == 16 && bytes) {
        tile_6x16(rows, block, k, sums, true);
    } else if (wide == 16) {
        tile_6x16(rows, block, k, sums, false);
    } else if (bytes) {
        tile_6x8(rows, block, k, sums, true);
    } else {
        tile_6x8(rows, block, k, sums, false);
    }
}

void pr_avx512_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                        const pr_epilogue *e, int64_t row)
{
    _Alignas(64) int32_t sums[ROWS * 16];
    const int16_t *from = a;
    const char *block = b->data;
    const bool bytes = !b->shorts;
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, 8);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i += ROWS) {
            const int16_t *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++) {
                rows[j] = from + (i + (j < left ? j : left - 1)) * lda;
            }
            multiply(rows, block, wide, b->k_padded, sums, bytes);
            finish16_i32(e, row + i, left, c, columns, sums, 16);
        }
        block += wide * b->k_padded * (bytes ? 1 : 2);
        c += wide;
    }
}
