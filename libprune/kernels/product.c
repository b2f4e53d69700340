/* Gradients of weights and of inputs as products over the panel kernels: B is packed block by block
 * of k, and rows of a transposed A are turned into panels that stay in the second-level cache. */
#include "libprune/kernels/product.h"

#include "libprune/kernels/driver.h"
#include "libprune/kernels/train.h"

#include <string.h>

/* BLOCK: rows of B that are packed at once when A is transposed: 16 columns of it stay in the
 * first- level cache. ROWS: rows of B that are laid out in blocks together, so that they are read
 * once. */
enum { BLOCK = 320, ROWS = 16 };

typedef struct product_job {
    const pr_kernels *kernels;
    const pr_train_kernels *train;
    const pr_product *p;
    int64_t first, depth; /* the block of k in work */
    float *packed;        /* B[first .. first + depth, n] in the kernels' order */
    float *lanes;         /* per lane: a panel of A, and rows of B */
    int64_t lane_floats, panel_rows, panel_floats;
} product_job;

/* Rows [begin, end) of the block, counted from its first. */
static void pack_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const product_job *job = arg;
    const pr_product *p = job->p;
    float *own = job->lanes + lane * job->lane_floats + job->panel_floats;
    for (int64_t r = begin; r < end; r += ROWS) {
        const int64_t rows = end - r < ROWS ? end - r : ROWS;
        const float *from = own;
        int64_t stride = p->n;
        if (p->rows_of_b) {
            p->rows_of_b(p->user, job->first + r, job->first + r + rows, own);
        } else {
            from = p->b + (job->first + r) * p->ldb;
            stride = p->ldb;
        }
        for (int64_t c = 0; c < p->n;) {
            const int64_t wide = pr_block_columns(p->n - c, job->kernels->f32_lanes);
            const int64_t columns = p->n - c < wide ? p->n - c : wide;
            float *to = job->packed + c * job->depth + r * wide;
            for (int64_t i = 0; i < rows; i++, to += wide) {
                memcpy(to, from + i * stride + c, (size_t)columns * sizeof *to);
                for (int64_t j = columns; j < wide; j++) to[j] = 0.0f;
            }
            c += wide;
        }
    }
}

static void add_sums(const pr_train_kernels *train, const float *panel, int64_t rows, int64_t depth,
                     float *sums)
{
    for (int64_t i = 0; i < rows; i++) sums[i] += train->sum_row(panel + i * depth, depth);
}

/* Units [begin, end) of PR_PANEL_UNIT rows of the result. */
static void multiply_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const product_job *job = arg;
    const pr_product *p = job->p;
    const pr_packed b = {.n = p->n, .k = job->depth, .k_padded = job->depth, .data = job->packed};
    const pr_epilogue add = {
        .residual = p->out, .residual_stride = p->ldo, .out = p->out, .out_stride = p->ldo};
    const int64_t last = end * PR_PANEL_UNIT < p->m ? end * PR_PANEL_UNIT : p->m;
    float *panel = job->lanes + lane * job->lane_floats;
    for (int64_t r = begin * PR_PANEL_UNIT; r < last; r += job->panel_rows) {
        const int64_t rows = last - r < job->panel_rows ? last - r : job->panel_rows;
        const float *a = p->a + r * p->lda + job->first;
        int64_t lda = p->lda;
        if (p->a_transposed) {
            job->train->transpose(job->depth, rows, p->a + job->first * p->lda + r, p->lda, panel,
                                  job->depth);
            if (p->a_sums) add_sums(job->train, panel, rows, job->depth, p->a_sums + r);
            a = panel;
            lda = job->depth;
        }
        if (p->out) job->kernels->f32_panel(rows, a, lda, &b, &add, r);
    }
}

prune_status pr_product_f32(prune_context *ctx, const pr_product *p)
{
    prune_status status = PRUNE_OK;
    const pr_kernels *kernels = pr_kernels_get(ctx->isa);
    product_job job = {.kernels = kernels, .train = pr_train_kernels_get(ctx->isa), .p = p};
    const int64_t most = p->a_transposed && p->k > BLOCK ? BLOCK : p->k;
    if (p->m <= 0 || p->n <= 0 || p->k <= 0) return PRUNE_OK;
    job.panel_rows = pr_panel_rows(most * (int64_t)sizeof(float));
    job.panel_floats = p->a_transposed ? job.panel_rows * most : 0;
    job.lane_floats = (job.panel_floats + (p->rows_of_b ? ROWS * p->n : 0) + 15) / 16 * 16;
    PR_GO(pr_new(ctx, (void **)&job.packed, (size_t)pr_pack_f32_size(kernels, p->n, most),
                 sizeof(float)));
    PR_GO(pr_new(ctx, (void **)&job.lanes, (size_t)(ctx->threads * job.lane_floats + 1),
                 sizeof(float)));
    for (job.first = 0; job.first < p->k; job.first += job.depth) {
        job.depth = p->k - job.first < most ? p->k - job.first : most;
        if (p->out) pr_parallel(ctx, job.depth, ROWS, pack_rows, &job);
        pr_parallel(ctx, (p->m + PR_PANEL_UNIT - 1) / PR_PANEL_UNIT,
                    pr_panel_grain(p->n * job.depth), multiply_rows, &job);
    }
done:
    pr_free(ctx, job.packed);
    pr_free(ctx, job.lanes);
    return status;
}
