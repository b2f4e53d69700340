#include "libprune/quant/feedback.h"

#include <math.h>
#include <string.h>

typedef struct job {
    double *a, *b;
    const double *factor, *step;
    const int64_t *largest;
    int64_t n, m, first, last;
} job;

/* Columns eliminated between two parallel sweeps over the rows above. */
enum { BLOCK = 64 };

/* h[i][j] -= U[i,q] D_q U[j,q] for j <= i and the finished rows q in [first, last). */
static void absorb(double *h, int64_t n, int64_t i, int64_t first, int64_t last)
{
    double *to = h + i * n;
    for (int64_t q = first; q < last; q++) {
        const double *u = h + q * n, f = u[i] * u[q];
        for (int64_t k = 0; k <= i; k++) to[k] -= f * u[k];
    }
}

static void absorb_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    (void)lane;
    for (int64_t i = begin; i < end; i++) absorb(j->a, j->n, i, j->first, j->last);
}

void pr_feedback_factor(prune_context *ctx, double *h, int64_t n)
{
    for (int64_t last = n; last > 0; last -= BLOCK) {
        const int64_t first = last > BLOCK ? last - BLOCK : 0;
        for (int64_t p = last - 1; p >= first; p--) {
            double *row = h + p * n;
            absorb(h, n, p, p + 1, last);
            row[p] = fmax(row[p], 1e-30);
            for (int64_t i = 0; i < p; i++) row[i] /= row[p];
        }
        job j = {.a = h, .n = n, .first = first, .last = last};
        pr_parallel(ctx, first, 16, absorb_rows, &j);
    }
}

/* Columns [begin, end) of r: first (U + I) z = r from below, then D, then (U + I)^T x = z. */
static void solve_columns(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const int64_t n = j->n, m = j->m;
    (void)lane;
    for (int64_t p = n - 1; p >= 0; p--) {
        const double *u = j->factor + p * n, *z = j->a + p * m;
        for (int64_t i = 0; i < p; i++)
            for (int64_t c = begin; c < end; c++) j->a[i * m + c] -= u[i] * z[c];
    }
    for (int64_t k = 0; k < n; k++) {
        const double *u = j->factor + k * n;
        double *x = j->a + k * m;
        for (int64_t c = begin; c < end; c++) x[c] /= u[k];
        for (int64_t i = 0; i < k; i++)
            for (int64_t c = begin; c < end; c++) x[c] -= u[i] * j->a[i * m + c];
    }
}

void pr_feedback_solve(prune_context *ctx, const double *factor, int64_t n, double *r, int64_t m)
{
    job j = {.a = r, .factor = factor, .n = n, .m = m};
    pr_parallel(ctx, m, 8, solve_columns, &j);
}

/* b: errors w - rounded of the rows so far. */
static void round_columns(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const int64_t n = j->n, m = j->m;
    (void)lane;
    for (int64_t k = 0; k < n; k++) {
        const double *u = j->factor + k * n;
        double *w = j->a + k * m, *error = j->b + k * m;
        /* error first holds the correction that the rows before pass on */
        for (int64_t c = begin; c < end; c++) error[c] = 0;
        for (int64_t i = 0; i < k; i++)
            for (int64_t c = begin; c < end; c++) error[c] += u[i] * j->b[i * m + c];
        for (int64_t c = begin; c < end; c++) {
            double q = w[c] + error[c];
            if (k + 1 < n) {
                q = fmin(fmax(nearbyint(q / j->step[c]), -127), 127);
                if (j->largest[c] == k) q = w[c] < 0 ? -127 : 127;
                q *= j->step[c];
            }
            error[c] = w[c] - q;
            w[c] = q;
        }
    }
}

prune_status pr_feedback_round(prune_context *ctx, const double *factor, int64_t n, double *w,
                               int64_t m, const double *step)
{
    double *errors = NULL;
    int64_t *largest = NULL;
    prune_status status = PRUNE_OK;
    PR_GO(pr_new(ctx, (void **)&errors, (size_t)(n * m), sizeof *errors));
    PR_GO(pr_new(ctx, (void **)&largest, (size_t)m, sizeof *largest));
    for (int64_t c = 0; c < m; c++) {
        largest[c] = 0;
        for (int64_t k = 1; k + 1 < n; k++)
            if (fabs(w[k * m + c]) > fabs(w[largest[c] * m + c])) largest[c] = k;
        if (fabs(w[largest[c] * m + c]) < 126.5 * step[c]) largest[c] = -1; /* another column's */
    }
    job j = {
        .a = w, .b = errors, .factor = factor, .step = step, .largest = largest, .n = n, .m = m};
    pr_parallel(ctx, m, 8, round_columns, &j);
done:
    pr_free(ctx, errors);
    pr_free(ctx, largest);
    return status;
}
