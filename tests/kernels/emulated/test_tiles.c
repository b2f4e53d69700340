/* The emulated tile instructions against sums written as the manual defines them. Covers: tiles.c
 */
#include "tests/kernels/emulated/tiles.h"
#include "tests/support/support.h"

#include <math.h>
#include <signal.h>

typedef struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} config;

/* Tile 0: sums of m x n, tile 1: m x k bytes, tile 2: k / 4 rows of n groups. */
static config config_for(int m, int n, int k)
{
    config c = {.palette = 1};
    const int rows[3] = {m, m, k / 4}, bytes[3] = {4 * n, k, 4 * n};
    for (int i = 0; i < 3; i++) {
        c.rows[i] = (uint8_t)rows[i];
        c.row_bytes[i] = (uint16_t)bytes[i];
    }
    return c;
}

START_TEST(bytes_multiply)
{
    static const int sizes[][3] = {{16, 16, 64}, {1, 1, 4}, {5, 7, 12}};
    for (int s = 0; s < 3; s++) {
        int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        config c = config_for(m, n, k), back;
        int8_t a[16 * 70], b[16 * 64];
        int32_t sums[16 * 20];
        for (int i = 0; i < 16 * 70; i++) a[i] = (int8_t)(i * 37 % 255 - 127);
        for (int i = 0; i < 16 * 64; i++) b[i] = (int8_t)(i * 91 % 255 - 127);
        for (int i = 0; i < 16 * 20; i++) sums[i] = i;
        _tile_loadconfig(&c);
        ck_assert(emulated_tiles_in_use());
        _tile_storeconfig(&back);
        ck_assert_mem_eq(&back, &c, sizeof c);
        _tile_loadd(0, sums, 80);
        _tile_loadd(1, a, 70);
        _tile_stream_loadd(2, b, 64);
        _tile_dpbssd(0, 1, 2);
        _tile_dpbusd(0, 1, 2);
        _tile_stored(0, sums, 80);
        for (int i = 0; i < 16; i++) {
            for (int j = 0; j < 20; j++) {
                int wanted = i * 20 + j;
                for (int p = 0; i < m && j < n && p < k; p++) {
                    int x = a[i * 70 + p], w = b[p / 4 * 64 + 4 * j + p % 4];
                    wanted += x * w + (x & 255) * w;
                }
                ck_assert_int_eq(sums[i * 20 + j], wanted);
            }
        }
        _tile_zero(0);
        _tile_stored(0, sums, 80);
        ck_assert_int_eq(sums[0], 0);
        _tile_release();
        ck_assert(!emulated_tiles_in_use());
    }
}
END_TEST

static uint16_t bfloat16_of(float x)
{
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    return (uint16_t)(word >> 16);
}

/* Powers of two and small integers: sums are exact, whatever the order. */
START_TEST(bfloat16_multiplies)
{
    enum { M = 16, N = 16, K = 32 };
    config c = config_for(M, N, 2 * K);
    uint16_t a[M][K], b[K / 2][2 * N];
    float sums[M][N];
    for (int i = 0; i < M; i++) {
        for (int p = 0; p < K; p++) a[i][p] = bfloat16_of((float)((i * 5 + p * 3) % 17 - 8));
        for (int j = 0; j < N; j++) sums[i][j] = (float)(i - j) * 0.5f;
    }
    for (int p = 0; p < K; p++) {
        for (int j = 0; j < N; j++) {
            b[p / 2][2 * j + p % 2] = bfloat16_of(ldexpf((float)((p + j) % 5 - 2), -3));
        }
    }
    /* A denormal counts as nothing. */
    a[3][0] = 1;
    _tile_loadconfig(&c);
    _tile_loadd(0, sums, sizeof *sums);
    _tile_loadd(1, a, sizeof *a);
    _tile_loadd(2, b, sizeof *b);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, sums, sizeof *sums);
    _tile_release();
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            double wanted = (i - j) * 0.5;
            for (int p = i == 3 ? 1 : 0; p < K; p++) {
                wanted += ((i * 5 + p * 3) % 17 - 8) * ((p + j) % 5 - 2) * 0.125;
            }
            ck_assert_double_eq((double)sums[i][j], wanted);
        }
    }
}
END_TEST

/* What a processor answers with a fault. */
START_TEST(faults)
{
    config c = config_for(16, 16, 64);
    int8_t memory[1024] = {0};
    switch (_i) {
    case 0:
        _tile_zero(0);
        break;
    case 1:
        c.rows[2] = 17;
        _tile_loadconfig(&c);
        break;
    case 2:
        c.reserved[0] = 1;
        _tile_loadconfig(&c);
        break;
    case 3:
        c.rows[2] = 8;
        _tile_loadconfig(&c);
        _tile_dpbssd(0, 1, 2);
        break;
    case 4:
        _tile_loadconfig(&c);
        _tile_dpbssd(0, 1, 1);
        break;
    case 5:
        _tile_loadconfig(&c);
        _tile_release();
        _tile_loadd(1, memory, 64);
        break;
    default:
        c.palette = 2;
        _tile_loadconfig(&c);
        break;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernels/emulated/tiles");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, bytes_multiply);
    tcase_add_test(cases, bfloat16_multiplies);
    tcase_add_loop_test_raise_signal(cases, faults, SIGABRT, 0, 7);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
