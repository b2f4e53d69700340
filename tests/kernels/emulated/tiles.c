#include "tests/kernels/emulated/tiles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

/* As LDTILECFG reads it. */
typedef struct configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} configuration;
_Static_assert(sizeof(configuration) == 64, "64 bytes, as the SDM says");

static _Thread_local configuration current;
static _Thread_local uint8_t tiles[TILES][ROWS][ROW_BYTES];

#define REQUIRE(condition, what)                                                                   \
    if (!(condition)) {                                                                            \
        (void)fprintf(stderr, "%s: %s\n", __func__, what);                                         \
        abort();                                                                                   \
    }

void _tile_loadconfig(const void *config)
{
    configuration c;
    memcpy(&c, config, sizeof c);
    REQUIRE(c.palette <= 1, "unknown palette");
    for (size_t i = 0; i < sizeof c.reserved; i++) REQUIRE(!c.reserved[i], "reserved byte is set");
    REQUIRE(c.start_row == 0, "a restarted instruction: not emulated");
    for (int i = 0; i < 16; i++) {
        int most_rows = i < TILES ? ROWS : 0, most_bytes = i < TILES ? ROW_BYTES : 0;
        REQUIRE(c.rows[i] <= most_rows, "too many rows");
        REQUIRE(c.row_bytes[i] <= most_bytes, "rows too wide");
        REQUIRE(!c.rows[i] == !c.row_bytes[i], "rows without columns, or columns without rows");
    }
    current = c;
    memset(tiles, 0, sizeof tiles);
}

void _tile_storeconfig(void *config)
{
    memcpy(config, &current, sizeof current);
}

void _tile_release(void)
{
    memset(&current, 0, sizeof current);
    memset(tiles, 0, sizeof tiles);
}

int emulated_tiles_in_use(void)
{
    return current.palette != 0;
}

static void check_tile(int tile)
{
    REQUIRE(current.palette == 1, "tiles are not configured");
    REQUIRE(tile >= 0 && tile < TILES, "there are tiles 0 to 7");
    REQUIRE(current.rows[tile] > 0, "this tile is not configured");
}

void _tile_zero(int tile)
{
    check_tile(tile);
    memset(tiles[tile], 0, sizeof tiles[tile]);
}

void _tile_loadd(int tile, const void *base, size_t stride)
{
    const uint8_t *from = base;
    check_tile(tile);
    memset(tiles[tile], 0, sizeof tiles[tile]);
    for (size_t r = 0; r < current.rows[tile]; r++) {
        memcpy(tiles[tile][r], from + r * stride, current.row_bytes[tile]);
    }
}

void _tile_stream_loadd(int tile, const void *base, size_t stride)
{
    _tile_loadd(tile, base, stride);
}

void _tile_stored(int tile, void *base, size_t stride)
{
    uint8_t *to = base;
    check_tile(tile);
    for (size_t r = 0; r < current.rows[tile]; r++) {
        memcpy(to + r * stride, tiles[tile][r], current.row_bytes[tile]);
    }
}

static void check_product(int sum, int a, int b)
{
    check_tile(sum);
    check_tile(a);
    check_tile(b);
    REQUIRE(sum != a && sum != b && a != b, "a tile is used twice");
    REQUIRE(current.row_bytes[sum] % 4 == 0 && current.row_bytes[a] % 4 == 0,
            "columns are no whole 32-bit elements");
    REQUIRE(current.rows[sum] == current.rows[a], "rows of the sum and of a differ");
    REQUIRE(current.row_bytes[sum] == current.row_bytes[b], "columns of the sum and of b differ");
    REQUIRE(current.row_bytes[a] / 4 == current.rows[b], "a's columns and b's rows differ");
}

static void multiply_bytes(int sum, int a, int b, int a_is_signed)
{
    check_product(sum, a, b);
    for (int m = 0; m < current.rows[sum]; m++) {
        int32_t row[ROW_BYTES / 4];
        memcpy(row, tiles[sum][m], sizeof row);
        for (int k = 0; k < current.rows[b]; k++) {
            for (int n = 0; n < current.row_bytes[sum] / 4; n++) {
                for (int i = 0; i < 4; i++) {
                    uint8_t x = tiles[a][m][4 * k + i], y = tiles[b][k][4 * n + i];
                    int32_t product = (a_is_signed ? (int8_t)x : (int)x) * (int8_t)y;
                    row[n] = (int32_t)((uint32_t)row[n] + (uint32_t)product);
                }
            }
        }
        memcpy(tiles[sum][m], row, (size_t)current.row_bytes[sum]);
    }
}

void _tile_dpbssd(int sum, int a, int b)
{
    multiply_bytes(sum, a, b, 1);
}

void _tile_dpbusd(int sum, int a, int b)
{
    multiply_bytes(sum, a, b, 0);
}

/* DAZ and FTZ: denormals are zeros on the way in and out. */
static float flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x;
}

static float bfloat16_at(const uint8_t *row, int i)
{
    uint16_t half;
    uint32_t word;
    float x;
    memcpy(&half, row + 2 * i, sizeof half);
    word = (uint32_t)half << 16;
    memcpy(&x, &word, sizeof x);
    return flush(x);
}

/* Even and odd products are summed apart with fused multiply-adds, then added to the sum. */
void _tile_dpbf16ps(int sum, int a, int b)
{
    check_product(sum, a, b);
    for (int m = 0; m < current.rows[sum]; m++) {
        float row[ROW_BYTES / 4];
        memcpy(row, tiles[sum][m], sizeof row);
        for (int n = 0; n < current.row_bytes[sum] / 4; n++) {
            float part[2] = {0.0f, 0.0f};
            for (int k = 0; k < current.rows[b]; k++) {
                for (int i = 0; i < 2; i++) {
                    part[i] = flush(fmaf(bfloat16_at(tiles[a][m], 2 * k + i),
                                         bfloat16_at(tiles[b][k], 2 * n + i), part[i]));
                }
            }
            row[n] = flush(flush(row[n]) + flush(part[0] + part[1]));
        }
        memcpy(tiles[sum][m], row, (size_t)current.row_bytes[sum]);
    }
}
