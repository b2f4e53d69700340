/* Everything of a tier with vectors that is not a matrix product. Before it stands the tier's own
 * lanes.h, which makes sixteen lanes of its registers, and the names: PR_ROW(add) is pr_avx2_add or
 * pr_avx512_add. Every lane and every sum takes the same steps on both, and gives the same bits. */
#ifndef PR_KERNELS_ROWS_H
#define PR_KERNELS_ROWS_H

#include "libprune/kernels/bf16.h"
#include "libprune/kernels/integer.h"

#include <math.h>

enum {
    LANES = 16,
    CHAINS = 4 /* partial sums hide the latency of an addition, and of the largest so far */
};

void PR_ROW(activate)(pr_activation act, float alpha, const float *x, float *y, int64_t count)
{
    int64_t i = 0, left = count % LANES;
    for (; i + LANES <= count; i += LANES) store(y + i, activated(act, alpha, load(x + i)));
    if (left > 0) store_part(y + i, activated(act, alpha, load_part(x + i, left)), left);
}

void PR_ROW(add)(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, plus(load(a + i), load(b + i)));
    for (; i < count; i++) y[i] = a[i] + b[i];
}

void PR_ROW(scale_row)(const float *x, float factor, float *y, int64_t count)
{
    const floats f = spread(factor);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, times(load(x + i), f));
    for (; i < count; i++) y[i] = x[i] * factor;
}

void PR_ROW(bf16_round)(const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, bf16_rounded(load(x + i)));
    for (; i < count; i++) y[i] = pr_float_of_bf16(pr_bf16_of(x[i]));
}

/* --- layer norm -------------------------------------------------------------------------------*/

static inline float sum_of_chains(const floats sum[CHAINS])
{
    return sum_of(plus(plus(sum[0], sum[2]), plus(sum[1], sum[3])));
}

static float sum_row(const float *x, int64_t n)
{
    floats sum[CHAINS] = {spread(0.0f), spread(0.0f), spread(0.0f), spread(0.0f)};
    int64_t i = 0;
    for (; i + CHAINS * LANES <= n; i += CHAINS * LANES) {
        for (int c = 0; c < CHAINS; c++) sum[c] = plus(sum[c], load(x + i + c * LANES));
    }
    for (; i + LANES <= n; i += LANES) sum[0] = plus(sum[0], load(x + i));
    if (i < n) sum[1] = plus(sum[1], load_part(x + i, n - i));
    return sum_of_chains(sum);
}

static float squares_row(const float *x, int64_t n, float mean)
{
    const floats center = spread(mean);
    floats sum[CHAINS] = {spread(0.0f), spread(0.0f), spread(0.0f), spread(0.0f)};
    int64_t i = 0;
    for (; i + CHAINS * LANES <= n; i += CHAINS * LANES) {
        for (int c = 0; c < CHAINS; c++) {
            const floats d = minus(load(x + i + c * LANES), center);
            sum[c] = fused(d, d, sum[c]);
        }
    }
    for (; i + LANES <= n; i += LANES) {
        const floats d = minus(load(x + i), center);
        sum[0] = fused(d, d, sum[0]);
    }
    if (i < n) {
        const floats d = first(minus(load_part(x + i, n - i), center), n - i);
        sum[1] = fused(d, d, sum[1]);
    }
    return sum_of_chains(sum);
}

void PR_ROW(layer_norm)(int64_t rows, int64_t width, int64_t norm_width, float epsilon,
                        const float *x, int64_t x_stride, const float *weight, const float *bias,
                        float *y, int64_t y_stride)
{
    const int64_t left = width % LANES, whole = width - left;
    for (int64_t r = 0; r < rows; r++, x += x_stride, y += y_stride) {
        float mean = sum_row(x, width) / (float)norm_width;
        /* Removed channels count as zeros: each is `mean` away from the mean. */
        float squares = squares_row(x, width, mean) + (float)(norm_width - width) * mean * mean;
        const floats center = spread(mean);
        const floats factor = spread(1.0f / sqrtf(squares / (float)norm_width + epsilon));
        for (int64_t i = 0; i < whole; i += LANES) {
            const floats v = times(minus(load(x + i), center), factor);
            store(y + i, fused(v, load(weight + i), bias ? load(bias + i) : spread(0.0f)));
        }
        if (left == 0) continue;
        const floats v = times(minus(load_part(x + whole, left), center), factor);
        const floats b = bias ? load_part(bias + whole, left) : spread(0.0f);
        store_part(y + whole, fused(v, load_part(weight + whole, left), b), left);
    }
}

/* --- quantization -----------------------------------------------------------------------------*/

/* integer.h's quantize. */
static inline integers quantized(floats x, floats inv_scale, floats zero, bool relu)
{
    const floats low = minus(spread(-127.0f), zero), high = minus(spread(127.0f), zero);
    if (relu) x = larger(x, spread(0.0f));
    const floats v = smaller(larger(times(x, inv_scale), low), high);
    return plus_integers(rounded(v), rounded(zero));
}

static void quantize_each(int64_t rows, int64_t n, const float *x, int64_t x_stride,
                          const float *inv_scale, const float *zero, bool relu, int8_t *q,
                          int64_t q_stride)
{
    const int64_t left = n % LANES, whole = n - left;
    for (int64_t r = 0; r < rows; r++, x += x_stride, q += q_stride) {
        for (int64_t i = 0; i < whole; i += LANES)
            store_bytes(q + i, quantized(load(x + i), load(inv_scale + i), load(zero + i), relu));
        if (left == 0) continue;
        const floats part = load_part(x + whole, left), z = load_part(zero + whole, left);
        const floats inverse = load_part(inv_scale + whole, left);
        store_bytes_part(q + whole, quantized(part, inverse, z, relu), left);
    }
}

/* Rows of few columns without gaps are merged to long ones: pictures have three columns. */
void PR_ROW(quantize)(int64_t rows, int64_t n, const float *x, int64_t x_stride,
                      const float *inv_scale, const float *zero, bool relu, int8_t *q,
                      int64_t q_stride)
{
    enum { MERGED = 16, FEW = 8 };
    int64_t done = 0;
    if (n < FEW && x_stride == n && q_stride == n && rows >= MERGED) {
        float scales[MERGED * FEW], zeros[MERGED * FEW];
        const int64_t wide = MERGED * n;
        for (int64_t i = 0; i < wide; i++) {
            scales[i] = inv_scale[i % n];
            zeros[i] = zero[i % n];
        }
        done = rows / MERGED * MERGED;
        quantize_each(rows / MERGED, wide, x, wide, scales, zeros, relu, q, wide);
    }
    quantize_each(rows - done, n, x + done * n, x_stride, inv_scale, zero, relu, q + done * n,
                  q_stride);
}

static inline floats distance(floats v, bool relu)
{
    return relu ? larger(v, spread(0.0f)) : magnitude(v);
}

static inline float largest_magnitude(const float *x, int64_t n, bool relu)
{
    floats most[CHAINS] = {spread(0.0f), spread(0.0f), spread(0.0f), spread(0.0f)};
    int64_t i = 0;
    for (; i + CHAINS * LANES <= n; i += CHAINS * LANES) {
        for (int c = 0; c < CHAINS; c++)
            most[c] = larger(distance(load(x + i + c * LANES), relu), most[c]);
    }
    for (; i + LANES <= n; i += LANES) most[0] = larger(distance(load(x + i), relu), most[0]);
    if (i < n) most[1] = larger(distance(load_part(x + i, n - i), relu), most[1]);
    return largest_of(larger(larger(most[0], most[2]), larger(most[1], most[3])));
}

/* By the scale of the row's own largest magnitude, which nothing exceeds; a NaN gives -127. */
static inline integers quantized_by_largest(floats x, floats inv_scale, bool relu)
{
    if (relu) x = larger(x, spread(0.0f));
    return rounded(larger(times(x, inv_scale), spread(-127.0f)));
}

void PR_ROW(quantize_rows)(int64_t rows, int64_t n, const float *x, int64_t x_stride, bool relu,
                           int8_t *q, int64_t q_stride, float *row_scale)
{
    const int64_t left = n % LANES, whole = n - left;
    for (int64_t r = 0; r < rows; r++, x += x_stride, q += q_stride) {
        const float most = relu ? largest_magnitude(x, n, true) : largest_magnitude(x, n, false);
        const pr_row_scale row = pr_row_scale_from(most);
        const floats inverse = spread(row.inv_scale);
        row_scale[r] = row.scale;
        for (int64_t i = 0; i < whole; i += LANES)
            store_bytes(q + i, quantized_by_largest(load(x + i), inverse, relu));
        if (left == 0) continue;
        const floats part = load_part(x + whole, left);
        store_bytes_part(q + whole, quantized_by_largest(part, inverse, relu), left);
    }
}

/* --- resizing ---------------------------------------------------------------------------------*/

void PR_ROW(resize_row)(int64_t width, int64_t channels, const float *top, const float *bottom,
                        float wy, const int32_t *x0, const int32_t *x1, const float *wx, float *y)
{
    const int64_t left = channels % LANES, whole = channels - left;
    for (int64_t x = 0; x < width; x++, y += channels) {
        const float *a = top + x0[x] * channels, *b = top + x1[x] * channels;
        const float *c = bottom + x0[x] * channels, *d = bottom + x1[x] * channels;
        const float wd = wy * wx[x], wc = wy - wd, wb = wx[x] - wd, wa = 1.0f - wy - wb;
        const floats va = spread(wa), vb = spread(wb), vc = spread(wc), vd = spread(wd);
        for (int64_t i = 0; i < whole; i += LANES) {
            floats v = fused(vb, load(b + i), times(va, load(a + i)));
            v = fused(vc, load(c + i), v);
            store(y + i, fused(vd, load(d + i), v));
        }
        if (left == 0) continue;
        floats v = times(va, load_part(a + whole, left));
        v = fused(vb, load_part(b + whole, left), v);
        v = fused(vc, load_part(c + whole, left), v);
        store_part(y + whole, fused(vd, load_part(d + whole, left), v), left);
    }
}

/* --- softmax ----------------------------------------------------------------------------------*/

float PR_ROW(max_row)(const float *s, int64_t n)
{
    floats most[CHAINS] = {spread(s[0]), spread(s[0]), spread(s[0]), spread(s[0])};
    int64_t i = 0;
    for (; i + CHAINS * LANES <= n; i += CHAINS * LANES) {
        for (int c = 0; c < CHAINS; c++) most[c] = larger(most[c], load(s + i + c * LANES));
    }
    for (; i + LANES <= n; i += LANES) most[0] = larger(most[0], load(s + i));
    float largest = largest_of(larger(larger(most[0], most[2]), larger(most[1], most[3])));
    for (; i < n; i++) largest = s[i] > largest ? s[i] : largest;
    return largest;
}

/* x = 2^x for `count` vectors, x <= 127; 2^lowest stands for everything below. 2^x = 2^i * 2^f as
 * in math.h's exponentials; c: coefficients of 2^f, from the highest down. All vectors take a step
 * before any takes the next: steps of one wait for each other, and the processor does not look far
 * enough ahead to find another one's. `count` and `degree` are constants, so that nothing of this
 * is left but registers. */
static inline __attribute__((always_inline)) void exp2_each(floats *x, int count, float lowest,
                                                            const float *c, int degree)
{
    const floats shift = spread(12582912.0f), least = spread(lowest);
    floats shifted[EACH], p[EACH];
    for (int i = 0; i < count; i++) x[i] = larger(x[i], least);
    for (int i = 0; i < count; i++) shifted[i] = plus(x[i], shift);
    for (int i = 0; i < count; i++) x[i] = minus(x[i], minus(shifted[i], shift));
    for (int i = 0; i < count; i++) p[i] = spread(c[0]);
    for (int k = 1; k <= degree; k++)
        for (int i = 0; i < count; i++) p[i] = fused(p[i], x[i], spread(c[k]));
    for (int i = 0; i < count; i++) x[i] = times_power(p[i], shifted[i]);
}

/* To 0.75e-7 before rounding. */
static inline __attribute__((always_inline)) void exp2_fine(floats *x, int count)
{
    static const float c[6] = {1.32764725e-3f, 9.67554096e-3f, 5.55071309e-2f,
                               0.240221202f,   0.693146944f,   1.0f};
    exp2_each(x, count, -126.0f, c, 5);
}

float PR_ROW(exp2_row)(float *s, int64_t n, float largest)
{
    const floats shift = spread(largest);
    floats sum = spread(0.0f), x[EACH];
    int64_t i = 0;
    for (; i + EACH * LANES <= n; i += EACH * LANES) {
        for (int j = 0; j < EACH; j++) x[j] = minus(load(s + i + j * LANES), shift);
        exp2_fine(x, EACH);
        for (int j = 0; j < EACH; j++) sum = plus(sum, x[j]);
        for (int j = 0; j < EACH; j++) store(s + i + j * LANES, x[j]);
    }
    for (; i + LANES <= n; i += LANES) {
        x[0] = minus(load(s + i), shift);
        exp2_fine(x, 1);
        sum = plus(sum, x[0]);
        store(s + i, x[0]);
    }
    if (i < n) {
        x[0] = minus(load_part(s + i, n - i), shift);
        exp2_fine(x, 1);
        sum = plus(sum, first(x[0], n - i));
        store_part(s + i, x[0], n - i);
    }
    return sum_of(sum);
}

/* x = 65534 * 2^-x as integers without their fraction, 0 where nothing is left: by a polynomial
 * fitted as above, with 14 more bits that a shift by 14 + i drops; `x` has the 14 already. To 3e-6,
 * and unlike a power of two that a float takes, no shift is too far. */
static inline __attribute__((always_inline)) void twice_weights(floats *x, int count, integers *w)
{
    static const float c[5] = {9.57010221e-3f, -5.59178591e-2f, 0.240247443f, -0.693121791f,
                               0.999999285f};
    const float unit = 65534.0f * 16384.0f;
    floats p[EACH];
    for (int i = 0; i < count; i++) w[i] = rounded(x[i]);
    for (int i = 0; i < count; i++) x[i] = minus(x[i], reals(w[i]));
    for (int i = 0; i < count; i++) p[i] = spread(c[0] * unit);
    for (int k = 1; k <= 4; k++)
        for (int i = 0; i < count; i++) p[i] = fused(p[i], x[i], spread(c[k] * unit));
    for (int i = 0; i < count; i++) w[i] = shifted_right(rounded(p[i]), w[i]);
}

int32_t PR_ROW(weigh_row)(const float *s, int64_t n, float factor, float largest, int16_t *p)
{
    const floats down = spread(-factor), top = spread(largest + 14.0f);
    word_sums sum = no_words();
    floats x[EACH];
    integers w[EACH];
    int64_t i = 0;
    for (; i + EACH * LANES <= n; i += EACH * LANES) {
        for (int j = 0; j < EACH; j++) x[j] = fused(load(s + i + j * LANES), down, top);
        twice_weights(x, EACH, w);
        for (int j = 0; j < EACH; j++) {
            const words weights = halved(narrowed(w[j]));
            sum = plus_words(sum, weights);
            store_words(p + i + j * LANES, weights);
        }
    }
    int32_t total = sum_of_words(sum);
    for (; i < n; i += LANES) {
        const int64_t left = n - i < LANES ? n - i : LANES;
        x[0] = fused(left < LANES ? load_part(s + i, left) : load(s + i), down, top);
        twice_weights(x, 1, w);
        store_words_part(p + i, halved(narrowed(w[0])), left);
        for (int64_t j = 0; j < left; j++) total += p[i + j];
    }
    return total;
}

#endif
