#include "libprune/kernels/igemm.h"

/* Four outputs at a time share the loads of a row; compilers turn the inner loop into widening
 * multiply-adds where the baseline instruction set has them. */
static void dot4(const int8_t *a, const int8_t *w, int64_t k, int32_t out[4])
{
    const int8_t *w0 = w, *w1 = w + k, *w2 = w + 2 * k, *w3 = w + 3 * k;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int64_t i = 0; i < k; i++) {
        int16_t x = a[i];
        s0 += x * (int16_t)w0[i];
        s1 += x * (int16_t)w1[i];
        s2 += x * (int16_t)w2[i];
        s3 += x * (int16_t)w3[i];
    }
    out[0] = s0;
    out[1] = s1;
    out[2] = s2;
    out[3] = s3;
}

void pr_igemm_portable_serial(int64_t m, int64_t n, int64_t k, const int8_t *a, int64_t lda,
                              const int8_t *w, int32_t *c, int64_t ldc)
{
    /* Blocks of rows keep four rows of w in the first-level cache. */
    enum { ROWS = 64 };
    for (int64_t first = 0; first < m; first += ROWS) {
        int64_t last = first + ROWS < m ? first + ROWS : m;
        int64_t o = 0;
        for (; o + 4 <= n; o += 4) {
            for (int64_t i = first; i < last; i++) dot4(a + i * lda, w + o * k, k, c + i * ldc + o);
        }
        for (; o < n; o++) {
            for (int64_t i = first; i < last; i++) {
                int32_t sum = 0;
                for (int64_t p = 0; p < k; p++) {
                    sum += (int16_t)a[i * lda + p] * (int16_t)w[o * k + p];
                }
                c[i * ldc + o] = sum;
            }
        }
    }
}

typedef struct igemm_job {
    int64_t n, k, lda, ldc;
    const int8_t *a, *w;
    int32_t *c;
} igemm_job;

static void igemm_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const igemm_job *job = arg;
    (void)lane;
    pr_igemm_portable_serial(end - begin, job->n, job->k, job->a + begin * job->lda, job->lda,
                             job->w, job->c + begin * job->ldc, job->ldc);
}

void pr_igemm_portable(prune_context *ctx, int64_t m, int64_t n, int64_t k, const int8_t *a,
                       int64_t lda, const int8_t *w, int32_t *c, int64_t ldc)
{
    igemm_job job = {n, k, lda, ldc, a, w, c};
    pr_parallel(ctx, m, 8, igemm_rows, &job);
}
