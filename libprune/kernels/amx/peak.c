/* The limits of AMX tiles: products of registers alone. Four sums hide the latency of a product (52
 * cycles, one every 16). */
#include "libprune/kernels/peak.h"

#include <immintrin.h>

/* Eight tiles of 16 rows of 64 bytes (Intel SDM volume 1, section 18.2: palette, rows, bytes). */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

static void configure(void)
{
    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.row_bytes[i] = 64, config.rows[i] = 16;
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
}

/* Two by two: 4 products of 16 x 16 x 64. */
uint64_t pr_amx_peak_i8(int64_t rounds)
{
    configure();
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_release();
    return (uint64_t)rounds * 4 * 16 * 16 * 64;
}

/* 4 products of 16 x 16 x 32. */
uint64_t pr_amx_peak_bf16(int64_t rounds)
{
    configure();
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return (uint64_t)rounds * 4 * 16 * 16 * 32;
}
