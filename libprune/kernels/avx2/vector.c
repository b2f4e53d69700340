/* Everything of this tier that is not a matrix product. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/bf16.h"
#include "libprune/kernels/integer.h"
#include "libprune/kernels/peak.h"

#include <math.h>
#include <string.h>

/* First `count` < 8 floats of x, zeros behind them. */
static inline __m256 load_part(const float *x, int64_t count)
{
    float part[8] = {0};
    memcpy(part, x, (size_t)count * sizeof *x);
    return _mm256_loadu_ps(part);
}

static inline void store_part(float *y, __m256 v, int64_t count)
{
    float part[8];
    _mm256_storeu_ps(part, v);
    memcpy(y, part, (size_t)count * sizeof *y);
}

void pr_avx2_activate(pr_activation act, float alpha, const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        _mm256_storeu_ps(y + i, activate8(act, alpha, _mm256_loadu_ps(x + i)));
    }
    if (i < count) store_part(y + i, activate8(act, alpha, load_part(x + i, count - i)), count - i);
}

void pr_avx2_add(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
    }
    for (; i < count; i++) y[i] = a[i] + b[i];
}

static float sum_row(const float *x, int64_t n)
{
    __m256 sum = _mm256_setzero_ps();
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) sum = _mm256_add_ps(sum, _mm256_loadu_ps(x + i));
    if (i < n) sum = _mm256_add_ps(sum, load_part(x + i, n - i));
    return sum8(sum);
}

static float squares_row(const float *x, int64_t n, float mean)
{
    __m256 sum = _mm256_setzero_ps(), center = _mm256_set1_ps(mean);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(x + i), center);
        sum = _mm256_fmadd_ps(d, d, sum);
    }
    float total = sum8(sum);
    for (; i < n; i++) total += (x[i] - mean) * (x[i] - mean);
    return total;
}

void pr_avx2_layer_norm(int64_t rows, int64_t width, int64_t norm_width, float epsilon,
                        const float *x, int64_t x_stride, const float *weight, const float *bias,
                        float *y, int64_t y_stride)
{
    for (int64_t r = 0; r < rows; r++, x += x_stride, y += y_stride) {
        float mean = sum_row(x, width) / (float)norm_width;
        /* Removed channels count as zeros: each is `mean` away from the mean. */
        float squares = squares_row(x, width, mean) + (float)(norm_width - width) * mean * mean;
        float inverse = 1.0f / sqrtf(squares / (float)norm_width + epsilon);
        __m256 center = _mm256_set1_ps(mean), factor = _mm256_set1_ps(inverse);
        int64_t i = 0;
        for (; i + 8 <= width; i += 8) {
            __m256 v = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), center), factor);
            __m256 b = bias ? _mm256_loadu_ps(bias + i) : _mm256_setzero_ps();
            _mm256_storeu_ps(y + i, _mm256_fmadd_ps(v, _mm256_loadu_ps(weight + i), b));
        }
        for (; i < width; i++) {
            y[i] = (x[i] - mean) * inverse * weight[i] + (bias ? bias[i] : 0.0f);
        }
    }
}

void pr_avx2_quantize(int64_t rows, int64_t n, const float *x, int64_t x_stride,
                      const float *inv_scale, const float *zero, bool relu, int8_t *q,
                      int64_t q_stride)
{
    const __m256 nothing = _mm256_setzero_ps();
    for (int64_t r = 0; r < rows; r++, x += x_stride, q += q_stride) {
        int64_t i = 0;
        for (; i + 16 <= n; i += 16) {
            __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
            if (relu) {
                a = _mm256_max_ps(a, nothing);
                b = _mm256_max_ps(b, nothing);
            }
            __m256i qa = quantize8(a, _mm256_loadu_ps(inv_scale + i), _mm256_loadu_ps(zero + i));
            __m256i qb =
                quantize8(b, _mm256_loadu_ps(inv_scale + i + 8), _mm256_loadu_ps(zero + i + 8));
            _mm_storeu_si128((__m128i *)(void *)(q + i), narrow16(qa, qb));
        }
        for (; i < n; i++) {
            float v = relu && !(x[i] > 0.0f) ? 0.0f : x[i];
            q[i] = pr_quantize_s8(v, inv_scale[i], (int8_t)zero[i]);
        }
    }
}

static float largest_magnitude(const float *x, int64_t n, bool relu)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), nothing = _mm256_setzero_ps();
    __m256 largest = nothing;
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = n - i >= 8 ? _mm256_loadu_ps(x + i) : load_part(x + i, n - i);
        v = relu ? _mm256_max_ps(v, nothing) : _mm256_andnot_ps(sign, v);
        largest = _mm256_max_ps(v, largest);
    }
    float lanes[8], most = 0.0f;
    _mm256_storeu_ps(lanes, largest);
    for (int i = 0; i < 8; i++) most = lanes[i] > most ? lanes[i] : most;
    return most;
}

void pr_avx2_quantize_rows(int64_t rows, int64_t n, const float *x, int64_t x_stride, bool relu,
                           int8_t *q, int64_t q_stride, float *row_scale)
{
    const __m256 nothing = _mm256_setzero_ps();
    for (int64_t r = 0; r < rows; r++, x += x_stride, q += q_stride) {
        pr_row_scale row = pr_row_scale_from(largest_magnitude(x, n, relu));
        __m256 inverse = _mm256_set1_ps(row.inv_scale);
        row_scale[r] = row.scale;
        int64_t i = 0;
        for (; i + 16 <= n; i += 16) {
            __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
            if (relu) {
                a = _mm256_max_ps(a, nothing);
                b = _mm256_max_ps(b, nothing);
            }
            _mm_storeu_si128((__m128i *)(void *)(q + i), narrow16(quantize8(a, inverse, nothing),
                                                                  quantize8(b, inverse, nothing)));
        }
        for (; i < n; i++) {
            float v = relu && !(x[i] > 0.0f) ? 0.0f : x[i];
            q[i] = pr_quantize_s8(v, row.inv_scale, 0);
        }
    }
}

void pr_avx2_resize_row(int64_t width, int64_t channels, const float *top, const float *bottom,
                        float wy, const int32_t *x0, const int32_t *x1, const float *wx, float *y)
{
    for (int64_t x = 0; x < width; x++, y += channels) {
        const float *a = top + x0[x] * channels, *b = top + x1[x] * channels;
        const float *c = bottom + x0[x] * channels, *d = bottom + x1[x] * channels;
        float wd = wy * wx[x], wc = wy - wd, wb = wx[x] - wd, wa = 1.0f - wy - wb;
        __m256 va = _mm256_set1_ps(wa), vb = _mm256_set1_ps(wb), vc = _mm256_set1_ps(wc),
               vd = _mm256_set1_ps(wd);
        int64_t i = 0;
        for (; i + 8 <= channels; i += 8) {
            __m256 v = _mm256_mul_ps(va, _mm256_loadu_ps(a + i));
            v = _mm256_fmadd_ps(vb, _mm256_loadu_ps(b + i), v);
            v = _mm256_fmadd_ps(vc, _mm256_loadu_ps(c + i), v);
            v = _mm256_fmadd_ps(vd, _mm256_loadu_ps(d + i), v);
            _mm256_storeu_ps(y + i, v);
        }
        for (; i < channels; i++) y[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
    }
}

float pr_avx2_max_row(const float *s, int64_t n)
{
    __m256 largest = _mm256_set1_ps(s[0]);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) largest = _mm256_max_ps(largest, _mm256_loadu_ps(s + i));
    float lanes[8];
    _mm256_storeu_ps(lanes, largest);
    float most = lanes[0];
    for (int j = 1; j < 8; j++) most = lanes[j] > most ? lanes[j] : most;
    for (; i < n; i++) most = s[i] > most ? s[i] : most;
    return most;
}

float pr_avx2_exp2_row(float *s, int64_t n, float largest)
{
    __m256 shift = _mm256_set1_ps(largest), sum = _mm256_setzero_ps(), other = sum;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 v = exp2_below(_mm256_sub_ps(_mm256_loadu_ps(s + i), shift));
        __m256 w = exp2_below(_mm256_sub_ps(_mm256_loadu_ps(s + i + 8), shift));
        sum = _mm256_add_ps(sum, v);
        other = _mm256_add_ps(other, w);
        _mm256_storeu_ps(s + i, v);
        _mm256_storeu_ps(s + i + 8, w);
    }
    float total = sum8(_mm256_add_ps(sum, other));
    for (; i < n; i += 8) {
        int64_t left = n - i < 8 ? n - i : 8;
        float part[8];
        _mm256_storeu_ps(part, exp2_below(_mm256_sub_ps(load_part(s + i, left), shift)));
        for (int64_t j = 0; j < left; j++) {
            s[i + j] = part[j];
            total += part[j];
        }
    }
    return total;
}

void pr_avx2_scale_row(const float *x, float factor, float *y, int64_t count)
{
    __m256 f = _mm256_set1_ps(factor);
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), f));
    }
    for (; i < count; i++) y[i] = x[i] * factor;
}

/* bf16.h on the bits of eight floats. */
void pr_avx2_bf16_round(const float *x, float *y, int64_t count)
{
    const __m256i half = _mm256_set1_epi32(0x7fff), one = _mm256_set1_epi32(1);
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000), quiet = _mm256_set1_epi32(0x400000);
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m256 v = _mm256_loadu_ps(x + i);
        const __m256i bits = _mm256_castps_si256(v);
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), one);
        const __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(half, odd));
        const __m256 nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
        const __m256i kept = _mm256_or_si256(bits, quiet);
        const __m256i rounded = _mm256_blendv_epi8(sum, kept, _mm256_castps_si256(nan));
        _mm256_storeu_ps(y + i, _mm256_castsi256_ps(_mm256_and_si256(rounded, upper)));
    }
    for (; i < count; i++) y[i] = pr_float_of_bf16(pr_bf16_of(x[i]));
}

/* Eight weights as 32-bit integers; 2^14.999956 = 32767 went into `shift`. */
static inline __m256i weigh8(__m256 s, __m256 shift)
{
    return _mm256_cvtps_epi32(exp2_rough(_mm256_sub_ps(s, shift)));
}

int32_t pr_avx2_weigh_row(const float *s, int64_t n, float largest, int16_t *p)
{
    __m256 shift = _mm256_set1_ps(largest - 14.99995597f);
    __m256i sum = _mm256_setzero_si256(), other = sum;
    int32_t parts[8], total = 0;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i a = weigh8(_mm256_loadu_ps(s + i), shift);
        __m256i b = weigh8(_mm256_loadu_ps(s + i + 8), shift);
        sum = _mm256_add_epi32(sum, a);
        other = _mm256_add_epi32(other, b);
        __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
        _mm256_storeu_si256((__m256i *)(void *)(p + i), words);
    }
    _mm256_storeu_si256((__m256i *)(void *)parts, _mm256_add_epi32(sum, other));
    for (int j = 0; j < 8; j++) total += parts[j];
    for (; i < n; i += 8) {
        int64_t left = n - i < 8 ? n - i : 8;
        _mm256_storeu_si256((__m256i *)(void *)parts, weigh8(load_part(s + i, left), shift));
        for (int64_t j = 0; j < left; j++) {
            p[i + j] = (int16_t)parts[j];
            total += parts[j];
        }
    }
    return total;
}

const pr_kernels pr_kernels_avx2 = {
    .name = "avx2", PR_AVX2_FLOAT_ROW, PR_AVX2_INTEGER_ROW, PR_AVX2_PEAKS};
