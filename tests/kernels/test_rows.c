/* The row functions of every tier against doubles; quantization bit for bit, and tiers with vectors
 * bit for bit like each other. Covers: vector.c */
#include "tests/kernels/reference.h"

enum { N = 203, ROWS = 5 };
static float x[ROWS * N], y[ROWS * N], weight[N], bias[N], inv_scale[N], zero[N], rows[ROWS];
static int8_t q[ROWS * N];

START_TEST(activations)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    test_fill(x, ROWS * N, 1);
    for (int i = 0; i < ROWS * N; i++) x[i] *= i % 7 ? 6.0f : 90.0f;
    for (int t = 0; t < count; t++) {
        for (int act = 0; act < PR_ACT_COUNT; act++) {
            list[t]->activate((pr_activation)act, 0.3f, x, y, ROWS * N);
            for (int i = 0; i < ROWS * N; i++) {
                double wanted =
                    reference_activation((pr_activation)act, (double)0.3f, (double)x[i]);
                double allowed = 1e-6 + 3e-7 * fabs(wanted);
                ck_assert_msg(fabs(wanted - (double)y[i]) <= allowed, "%s, activation %d of %g: %g",
                              list[t]->name, act, (double)x[i], (double)y[i]);
            }
        }
    }
}
END_TEST

START_TEST(layer_norm_counts_removed_channels)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    test_fill(x, ROWS * N, 2);
    test_fill(weight, N, 3);
    test_fill(bias, N, 4);
    for (int t = 0; t < count; t++) {
        for (int64_t width = 1; width <= N; width += 33) {
            int64_t norm = width + 10;
            list[t]->layer_norm(ROWS, width, norm, 1e-6f, x, N, weight, bias, y, N);
            for (int64_t r = 0; r < ROWS; r++) {
                double sum = 0, squares = 0;
                for (int64_t i = 0; i < width; i++) sum += (double)x[r * N + i];
                double mean = sum / (double)norm;
                for (int64_t i = 0; i < norm; i++) {
                    double d = (i < width ? (double)x[r * N + i] : 0.0) - mean;
                    squares += d * d;
                }
                double inverse = 1 / sqrt(squares / (double)norm + 1e-6);
                for (int64_t i = 0; i < width; i++) {
                    double wanted = ((double)x[r * N + i] - mean) * inverse * (double)weight[i];
                    ck_assert_double_eq_tol(wanted + (double)bias[i], (double)y[r * N + i], 2e-5);
                }
            }
        }
    }
}
END_TEST

START_TEST(quantization_is_bit_identical)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    test_fill(x, ROWS * N, 5);
    for (int i = 0; i < N; i++) {
        inv_scale[i] = 20.0f + (float)i;
        zero[i] = (float)(i - 100);
        /* Halves, to see rounding to even. */
        x[i] = ((float)(i % 41) - 20.5f) / inv_scale[i];
    }
    for (int t = 0; t < count; t++) {
        for (int relu = 0; relu < 2; relu++) {
            list[t]->quantize(ROWS, N, x, N, inv_scale, zero, relu, q, N);
            for (int i = 0; i < ROWS * N; i++) {
                float v = relu && !(x[i] > 0.0f) ? 0.0f : x[i];
                ck_assert_int_eq(q[i], pr_quantize_s8(v, inv_scale[i % N], (int8_t)zero[i % N]));
            }
            for (int n = 1; n < 10; n++) { /* few columns: rows are merged */
                int m = ROWS * N / n;
                memset(q, 99, sizeof q);
                list[t]->quantize(m, n, x, n, inv_scale, zero, relu, q, n);
                for (int i = 0; i < ROWS * N; i++) {
                    float v = relu && !(x[i] > 0.0f) ? 0.0f : x[i];
                    int8_t wanted = pr_quantize_s8(v, inv_scale[i % n], (int8_t)zero[i % n]);
                    ck_assert_int_eq(q[i], i < m * n ? wanted : 99);
                }
            }
            list[t]->quantize_rows(ROWS, N, x, N, relu, q, N, rows);
            for (int r = 0; r < ROWS; r++) {
                float seen[N];
                for (int i = 0; i < N; i++) {
                    seen[i] = relu && !(x[r * N + i] > 0.0f) ? 0.0f : x[r * N + i];
                }
                pr_row_scale row = pr_row_scale_from(pr_row_largest(seen, N));
                ck_assert(memcmp(&rows[r], &row.scale, sizeof row.scale) == 0);
                for (int i = 0; i < N; i++) {
                    ck_assert_int_eq(q[r * N + i], pr_quantize_s8(seen[i], row.inv_scale, 0));
                }
            }
        }
    }
}
END_TEST

START_TEST(rows_for_softmax_and_resize)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    static const int32_t x0[3] = {0, 1, 3}, x1[3] = {1, 2, 3};
    static const float wx[3] = {0.25f, 0.5f, 0.75f};
    test_fill(x, ROWS * N, 6);
    for (int t = 0; t < count; t++) {
        for (int64_t n = 1; n < N; n += 17) {
            float largest = list[t]->max_row(x, n);
            for (int64_t i = 0; i < n; i++) ck_assert(x[i] <= largest);
            double sum = 0;
            if (n % 2) largest -= 16; /* what attention allows */
            memcpy(y, x, sizeof y);
            float total = list[t]->exp2_row(y, n, largest);
            for (int64_t i = 0; i < n; i++) {
                double wanted = exp2((double)x[i] - (double)largest);
                ck_assert_double_eq_tol(wanted, (double)y[i], 1e-6 * wanted);
                sum += wanted;
            }
            ck_assert_float_eq(y[n], x[n]);
            ck_assert_double_eq_tol(sum, (double)total, 1e-5 * sum);
            list[t]->scale_row(x, -2.0f, y, n);
            ck_assert_float_eq(y[n - 1], -2.0f * x[n - 1]);
            list[t]->add(x, y, y, n);
            ck_assert_float_eq_tol(y[n - 1], -x[n - 1], 1e-7f);
        }
        enum { C = 11 };
        list[t]->resize_row(3, C, x, x + 4 * C, 0.3f, x0, x1, wx, y);
        for (int i = 0; i < 3 * C; i++) {
            int p = i / C, c = i % C;
            double top = (double)x[x0[p] * C + c] * (1 - (double)wx[p]) +
                         (double)x[x1[p] * C + c] * (double)wx[p];
            double low = (double)x[(4 + x0[p]) * C + c] * (1 - (double)wx[p]) +
                         (double)x[(4 + x1[p]) * C + c] * (double)wx[p];
            ck_assert_double_eq_tol(top * 0.7 + low * 0.3, (double)y[i], 1e-6);
        }
    }
}
END_TEST

/* Everything that a tier's rows write from `seed`, rows of n values, one after the other. */
static size_t everything(const pr_kernels *k, int64_t n, unsigned char *to)
{
    enum { SLACK = 3 }; /* behind a row: must stay as it was */
    const int64_t count = ROWS * (n + SLACK), stride = n + SLACK;
    static const int32_t x0[4] = {0, 1, 0, 2}, x1[4] = {1, 1, 2, 2};
    static const float wx[4] = {0.25f, 0.0f, 0.4f, 0.75f};
    static float floats[ROWS * (N + SLACK)];
    static int16_t words[N + SLACK];
    unsigned char *at = to;
    float one;
#define KEEP(array, bytes) (memcpy(at, array, bytes), at += (bytes))
#define KEEP_FLOATS KEEP(floats, (size_t)count * sizeof(float))
    memset(floats, 0x55, sizeof floats);
    for (int act = 0; act < PR_ACT_COUNT; act++) {
        k->activate((pr_activation)act, 0.3f, x, floats, n);
        KEEP_FLOATS;
    }
    for (int b = 0; b < 2; b++) {
        k->layer_norm(ROWS, n, n + 4, 1e-6f, x, N, weight, b ? bias : NULL, floats, stride);
        KEEP_FLOATS;
        k->quantize(ROWS, n, x, N, inv_scale, zero, b, q, stride);
        KEEP(q, (size_t)count);
        k->quantize_rows(ROWS, n, x, N, b, q, stride, rows);
        KEEP(q, (size_t)count);
        KEEP(rows, sizeof rows);
    }
    k->resize_row(4, n, x, x + 3 * n, 0.3f, x0, x1, wx, floats);
    KEEP_FLOATS;
    k->add(x, weight, floats, n);
    KEEP_FLOATS;
    k->bf16_round(x, floats, n);
    KEEP_FLOATS;
    k->scale_row(x, 1.7f, floats, n);
    KEEP_FLOATS;
    one = k->max_row(x, n);
    KEEP(&one, sizeof one);
    memset(words, 0x55, sizeof words);
    int32_t sum = k->weigh_row(x, n, 1.0f, one, words);
    KEEP(&sum, sizeof sum);
    KEEP(words, sizeof words);
    memcpy(floats, x, (size_t)n * sizeof(float));
    one = k->exp2_row(floats, n, one);
    KEEP_FLOATS;
    KEEP(&one, sizeof one);
#undef KEEP
#undef KEEP_FLOATS
    return (size_t)(at - to);
}

START_TEST(tiers_with_vectors_give_the_same_bits)
{
    static unsigned char wanted[1 << 18], seen[1 << 18];
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    if (count < 3) return; /* the portable tier and one more */
    test_fill(x, ROWS * N, 7);
    test_fill(weight, N, 8);
    test_fill(bias, N, 9);
    for (int i = 0; i < ROWS * N; i++) x[i] *= i % 5 ? 3.0f : 20.0f;
    for (int i = 0; i < N; i++) {
        inv_scale[i] = 2.0f + (float)i;
        zero[i] = (float)(i % 201 - 100);
    }
    /* Every tail of one and of four vectors of sixteen. */
    for (int64_t n = 1; n < 150; n++) {
        memset(q, 0x55, sizeof q);
        size_t bytes = everything(list[1], n, wanted);
        for (int t = 2; t < count; t++) {
            if (strcmp(list[t]->name, "portable") == 0) continue;
            memset(q, 0x55, sizeof q);
            ck_assert_uint_eq(everything(list[t], n, seen), bytes);
            ck_assert_msg(memcmp(wanted, seen, bytes) == 0, "%s differs from %s, %lld values",
                          list[t]->name, list[1]->name, (long long)n);
        }
    }
}
END_TEST

TEST_MAIN("kernels/rows", activations, layer_norm_counts_removed_channels,
          quantization_is_bit_identical, rows_for_softmax_and_resize,
          tiers_with_vectors_give_the_same_bits)
