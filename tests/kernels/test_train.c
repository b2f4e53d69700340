/* Covers: train.c */
#include "libprune/kernels/train.h"
#include "tests/kernels/reference.h"

enum { N = 203 };
static float x[N * 40], y[N * 40];

static int train_tiers(const pr_train_kernels *list[PR_ISA_COUNT])
{
    int count = 0;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++)
        if (pr_cpu_has((pr_isa)isa)) list[count++] = pr_train_kernels_get((pr_isa)isa);
    return count;
}

START_TEST(transposes)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    test_fill(x, N * 40, 1);
    for (int t = 0; t < count; t++)
        for (int64_t rows = 1; rows < 35; rows += 3)
            for (int64_t columns = 1; columns < 35; columns += 3) {
                for (int64_t i = 0; i < N * 40; i++) y[i] = 9.0f;
                list[t]->transpose(rows, columns, x, 41, y, 37);
                for (int64_t c = 0; c < columns; c++) {
                    for (int64_t r = 0; r < rows; r++)
                        ck_assert_float_eq(y[c * 37 + r], x[r * 41 + c]);
                    for (int64_t r = rows; r < 37; r++) ck_assert_float_eq(y[c * 37 + r], 9.0f);
                }
            }
}
END_TEST

START_TEST(sums_and_products)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    test_fill(x, 2 * N, 2);
    for (int t = 0; t < count; t++)
        for (int64_t n = 0; n < N; n += 13) {
            double wanted = 0;
            double products = 0;
            for (int64_t i = 0; i < n; i++) {
                wanted += (double)x[i];
                products += (double)x[i] * (double)x[N + i];
            }
            ck_assert_double_eq_tol(wanted, (double)list[t]->sum_row(x, n), 1e-5);
            ck_assert_double_eq_tol(products, (double)list[t]->dot_row(x, x + N, n), 1e-5);
        }
}
END_TEST

START_TEST(softmax_rows)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    static float p[N], ds[N];
    test_fill(x, 4 * N, 3);
    for (int t = 0; t < count; t++) {
        memcpy(p, x, sizeof p);
        memcpy(ds, x + N, sizeof ds);
        list[t]->softmax_row(N - 1, x + 2 * N, x + 3 * N, p, ds);
        for (int i = 0; i < N - 1; i++) {
            const double wanted = exp((double)x[i] - (double)x[2 * N + i]);
            ck_assert_double_eq_tol(wanted, (double)p[i], 1e-6 * wanted);
            ck_assert_double_eq_tol(wanted * ((double)x[N + i] - (double)x[3 * N + i]),
                                    (double)ds[i], 1e-5);
        }
        ck_assert_float_eq(p[N - 1], x[N - 1]);
        ck_assert_float_eq(ds[N - 1], x[2 * N - 1]);
    }
}
END_TEST

START_TEST(elementwise_slopes)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    static float dx[N], dw[N];
    test_fill(x, 4 * N, 4);
    for (int i = 0; i < N; i++) x[i] *= 5.0f;
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < N; i++) dx[i] = dw[i] = 1.0f;
        list[t]->gelu_slope(x, x + N, dx, N - 1);
        for (int i = 0; i < N - 1; i++) {
            const double v = (double)x[i], density = exp(-0.5 * v * v) / sqrt(2 * acos(-1));
            const double slope = 0.5 * erfc(-v / sqrt(2)) + v * density;
            ck_assert_double_eq_tol(1 + (double)x[N + i] * slope, (double)dx[i], 2e-6);
        }
        ck_assert_float_eq(dx[N - 1], 1.0f);
        for (int i = 0; i < N; i++) dx[i] = 1.0f;
        list[t]->scale_slope(x, x + N, x + 2 * N, dx, dw, N - 1);
        list[t]->add_row(x, dx, N - 1);
        for (int i = 0; i < N - 1; i++) {
            const double dy = (double)x[i];
            ck_assert_double_eq_tol(1 + dy + dy * (double)x[2 * N + i], (double)dx[i], 2e-6);
            ck_assert_double_eq_tol(1 + dy * (double)x[N + i], (double)dw[i], 2e-6);
        }
        ck_assert_float_eq(dx[N - 1], 1.0f);
        ck_assert_float_eq(dw[N - 1], 1.0f);
    }
}
END_TEST

/* The derivative of a row as a quotient of differences in double precision. */
static double normed(const float *row, int64_t width, int64_t norm, int64_t moved, double by,
                     const float *weight, const float *dy)
{
    double sum = 0, squares = 0, value = 0;
    for (int64_t i = 0; i < width; i++) sum += (double)row[i] + (i == moved ? by : 0);
    const double mean = sum / (double)norm;
    for (int64_t i = 0; i < width; i++) {
        const double d = (double)row[i] + (i == moved ? by : 0) - mean;
        squares += d * d;
    }
    squares += (double)(norm - width) * mean * mean;
    const double inverse = 1 / sqrt(squares / (double)norm + 1e-6);
    for (int64_t i = 0; i < width; i++)
        value += ((double)row[i] + (i == moved ? by : 0) - mean) * inverse * (double)weight[i] *
                 (double)dy[i];
    return value;
}

START_TEST(layer_norm_slopes)
{
    enum { ROWS = 3 };
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    static float dx[ROWS * N], d_weight[N], d_bias[N];
    test_fill(x, ROWS * N, 5);
    test_fill(y, ROWS * N, 6);
    float *weight = x + ROWS * N;
    test_fill(weight, N, 7);
    for (int t = 0; t < count; t++)
        for (int64_t width = 5; width <= N; width += 66) {
            const int64_t norm = width + 9; /* channels that a cut removed */
            for (int i = 0; i < ROWS * N; i++) dx[i] = 1.0f;
            memset(d_weight, 0, sizeof d_weight);
            memset(d_bias, 0, sizeof d_bias);
            list[t]->layer_norm_slope(ROWS, width, norm, 1e-6f, x, weight, y, dx, d_weight, d_bias);
            for (int64_t c = 0; c < width; c++) {
                double bias = 0, gain = 0;
                for (int64_t r = 0; r < ROWS; r++) {
                    const float *row = x + r * width, *dy = y + r * width;
                    const double up = normed(row, width, norm, c, 1e-4, weight, dy);
                    const double down = normed(row, width, norm, c, -1e-4, weight, dy);
                    ck_assert_double_eq_tol(1 + (up - down) / 2e-4, (double)dx[r * width + c],
                                            2e-4);
                    bias += (double)dy[c];
                    float only[N] = {0};
                    only[c] = 1.0f;
                    gain += (double)dy[c] * normed(row, width, norm, -1, 0, only, only);
                }
                ck_assert_double_eq_tol(bias, (double)d_bias[c], 1e-5);
                ck_assert_double_eq_tol(gain, (double)d_weight[c], 1e-4);
            }
        }
}
END_TEST

START_TEST(adamw_steps)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    for (int t = 0; t < count; t++) {
        test_fill(x, 5 * N, 8);
        for (int i = 0; i < N; i++) x[3 * N + i] *= x[3 * N + i]; /* second moments */
        memcpy(y, x, 5 * N * sizeof *y);
        const pr_adamw_update u = {.weight = y,
                                   .first = y + 2 * N,
                                   .second = y + 3 * N,
                                   .average = y + 4 * N,
                                   .gradient = x + N,
                                   .clip = 0.5f,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.99f,
                                   .shrink = 0.98f,
                                   .rate = 0.01f,
                                   .root_scale = 2.0f,
                                   .epsilon = 1e-3f,
                                   .keep = 0.7f};
        list[t]->adamw(&u, N - 1);
        for (int i = 0; i < N - 1; i++) {
            const double g = 0.5 * (double)x[N + i];
            const double m = 0.9 * (double)x[2 * N + i] + 0.1 * g;
            const double v = 0.99 * (double)x[3 * N + i] + 0.01 * g * g;
            const double w = 0.98 * (double)x[i] - 0.01 * m / (2 * sqrt(v) + 1e-3);
            ck_assert_double_eq_tol(m, (double)y[2 * N + i], 1e-6);
            ck_assert_double_eq_tol(v, (double)y[3 * N + i], 1e-6);
            ck_assert_double_eq_tol(w, (double)y[i], 1e-6 + 1e-5 * fabs(w));
            ck_assert_double_eq_tol(0.7 * (double)x[4 * N + i] + 0.3 * w, (double)y[4 * N + i],
                                    1e-6 + 1e-5 * fabs(w));
        }
        ck_assert_float_eq(y[N - 1], x[N - 1]);
        double squares = 0;
        for (int i = 0; i < N; i++) squares += (double)x[i] * (double)x[i];
        ck_assert_double_eq_tol(squares, list[t]->squares_row(x, N), 1e-9 * squares);
    }
}
END_TEST

TEST_MAIN("kernels/train", transposes, sums_and_products, softmax_rows, elementwise_slopes,
          layer_norm_slopes, adamw_steps)
