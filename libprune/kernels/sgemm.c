#include "libprune/kernels/sgemm.h"

#ifdef PRUNE_RUNTIME_ONLY
#include "libprune/base/cpu.h"
#include "libprune/kernels/kernels.h"
#else
#include <cblas.h>
#include <pthread.h>
#endif

/* Pieces start at multiples of this: whole tiles of OpenBLAS's micro-kernels. */
enum { TILE = 16 };
/* Multiply-adds below which waking another thread costs more than it brings. */
static const int64_t piece_macs = 65536;

#ifdef PRUNE_RUNTIME_ONLY
void pr_sgemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                     const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                     int64_t ldc)
{
    pr_sgemm_panels(pr_kernels_get(pr_cpu_best()), trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb,
                    beta, c, ldc);
}
#else
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void use_one_thread(void)
{
#ifndef PRUNE_SHARED_OPENBLAS
    /* The copy linked into this library is ours alone; a shared one belongs to the host too. */
    openblas_set_num_threads(1);
#endif
}

void pr_sgemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                     const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                     int64_t ldc)
{
    if (m <= 0 || n <= 0) return;
    if (k <= 0) {
        pr_matrix_scale(m, n, beta, c, ldc);
        return;
    }
    (void)pthread_once(&once, use_one_thread);
    cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
                trans_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}
#endif

typedef struct product {
    bool trans_a, trans_b, by_rows;
    int64_t m, n, k;
    float alpha, beta;
    const float *a, *b;
    float *c;
    int64_t lda, ldb, ldc;
} product;

/* Tiles [begin, end) of the rows or of the columns of C. */
static void multiply_piece(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    const product *p = arg;
    int64_t limit = p->by_rows ? p->m : p->n;
    int64_t first = begin * TILE, last = end * TILE < limit ? end * TILE : limit;
    if (p->by_rows) {
        const float *a = p->a + (p->trans_a ? first : first * p->lda);
        pr_sgemm_serial(p->trans_a, p->trans_b, last - first, p->n, p->k, p->alpha, a, p->lda, p->b,
                        p->ldb, p->beta, p->c + first * p->ldc, p->ldc);
    } else {
        const float *b = p->b + (p->trans_b ? first * p->ldb : first);
        pr_sgemm_serial(p->trans_a, p->trans_b, p->m, last - first, p->k, p->alpha, p->a, p->lda, b,
                        p->ldb, p->beta, p->c + first, p->ldc);
    }
}

void pr_sgemm(prune_context *ctx, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
              float alpha, const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
              float *c, int64_t ldc)
{
    if (m <= 0 || n <= 0) return;
    product p = {trans_a, trans_b, true, m, n, k, alpha, beta, a, b, c, lda, ldb, ldc};
    /* Every piece packs the whole of the operand that is not split: split the longer side. */
    p.by_rows = m >= n || m >= (int64_t)TILE * 8 * ctx->threads;
    int64_t tiles = ((p.by_rows ? m : n) + TILE - 1) / TILE;
    int64_t tile_macs = TILE * (p.by_rows ? n : m) * (k > 0 ? k : 1);
    int64_t grain = (piece_macs + tile_macs - 1) / tile_macs;
    pr_parallel(ctx, tiles, grain, multiply_piece, &p);
}
