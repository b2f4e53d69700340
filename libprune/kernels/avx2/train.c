#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/train_loops.h"

enum { TILE = 8 };

/* Eight rows of eight: pairs, quadruples, then the halves of the registers. */
static inline void tile_8x8(const float *x, int64_t ldx, float *y, int64_t ldy)
{
    __m256 r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(x + i * ldx);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(y + i * ldy, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(y + (i + 4) * ldy, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

static void transpose(int64_t rows, int64_t columns, const float *x, int64_t ldx, float *y,
                      int64_t ldy)
{
    for (int64_t r = 0; r < rows; r += TILE) {
        int64_t c = 0;
        for (; r + TILE <= rows && c + TILE <= columns; c += TILE)
            tile_8x8(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
        for (; c < columns; c++)
            for (int64_t i = r; i < rows && i < r + TILE; i++) y[c * ldy + i] = x[i * ldx + c];
    }
}

static void softmax_row(int64_t count, const float *log_sum, const float *dot, float *p, float *ds)
{
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 x = exp8(_mm256_sub_ps(_mm256_loadu_ps(p + i), _mm256_loadu_ps(log_sum + i)));
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(ds + i), _mm256_loadu_ps(dot + i));
        _mm256_storeu_ps(p + i, x);
        _mm256_storeu_ps(ds + i, _mm256_mul_ps(x, d));
    }
    for (; i < count; i++) {
        p[i] = _mm256_cvtss_f32(exp8(_mm256_set1_ps(p[i] - log_sum[i])));
        ds[i] = p[i] * (ds[i] - dot[i]);
    }
}

/* gelu(x) = x Phi(x), so gelu' = Phi + x phi; Phi(x) by Abramowitz and Stegun 26.2.17, absolute
 * error 7.5e-8. */
static inline __m256 gelu_slope8(__m256 x)
{
    const __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
    __m256 t = _mm256_andnot_ps(sign, x);
    __m256 k = _mm256_div_ps(one, _mm256_fmadd_ps(t, _mm256_set1_ps(0.2316419f), one));
    __m256 p = _mm256_set1_ps(1.330274429f);
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(-1.821255978f));
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(1.781477937f));
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(-0.356563782f));
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(0.319381530f));
    __m256 half = _mm256_mul_ps(_mm256_mul_ps(t, t), _mm256_set1_ps(-0.5f));
    __m256 density = _mm256_mul_ps(_mm256_set1_ps(0.39894228f), exp8(half));
    __m256 tail = _mm256_mul_ps(density, _mm256_mul_ps(p, k));
    __m256 phi = _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, x);
    return _mm256_fmadd_ps(x, density, phi);
}

static void gelu_slope(const float *x, const float *dy, float *dx, int64_t count)
{
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 slope = gelu_slope8(_mm256_loadu_ps(x + i));
        _mm256_storeu_ps(dx + i,
                         _mm256_fmadd_ps(_mm256_loadu_ps(dy + i), slope, _mm256_loadu_ps(dx + i)));
    }
    for (; i < count; i++) dx[i] += dy[i] * _mm256_cvtss_f32(gelu_slope8(_mm256_set1_ps(x[i])));
}

const pr_train_kernels pr_train_kernels_avx2 = {.name = "avx2",
                                                .transpose = transpose,
                                                .softmax_row = softmax_row,
                                                .gelu_slope = gelu_slope,
                                                PR_TRAIN_LOOPS};
