/* Gradients of weights and of inputs as products over the panel kernels: B is packed block by block
 * of k, and rows of a transposed A are turned into panels that stay in the second-level cache. */
#include "libprune/kernels/product.h"

#include "libprune/kernels/driver.h"
#include "libprune/kernels/train.h"

#include <string.h>

/* Rows of B that are packed at once when A is transposed: BLOCK for the whole pool, so that 16
 * columns of it stay in the first-level cache; OWN for a thread alone, in its second-level cache.
 * ROWS of them are laid out in blocks together, so that they are read once. */
enum { BLOCK = 320, OWN = 128, ROWS = 16 };
/* k is cut into slices where the result has fewer rows than FEW and slices are long. */
enum { FEW = 8 * PR_PANEL_UNIT, SLICES = 16 };

/* One block of k in work: B[first .. first + depth, n] packed, and a thread's own memory. */
typedef struct block {
    int64_t first, depth;
    float *packed, *panel, *rows;
} block;

typedef struct product_job {
    const pr_kernels *kernels;
    const pr_train_kernels *train;
    const pr_product *p;
    block shared;
    float *lanes;   /* per thread: a panel of A, rows of B, and with slices packed B */
    float *results; /* per slice: [m, n], then m sums of A */
    int64_t lane_floats, panel_rows, panel_floats, rows_floats;
} product_job;

static int64_t round16(int64_t floats)
{
    return (floats + 15) / 16 * 16;
}

static block block_of(const product_job *job, int lane)
{
    block own = job->shared;
    own.panel = job->lanes + lane * job->lane_floats;
    own.rows = own.panel + job->panel_floats;
    return own;
}

/* Lengths that are known when this is compiled need no call. */
static inline void copy_columns(float *to, const float *from, int64_t columns, int64_t wide)
{
    if (columns == 16) {
        memcpy(to, from, 16 * sizeof *to);
    } else if (columns == 32) {
        memcpy(to, from, 32 * sizeof *to);
    } else {
        for (int64_t j = 0; j < columns; j++) to[j] = from[j];
    }
    for (int64_t j = columns; j < wide; j++) to[j] = 0.0f;
}

/* Rows [begin, end) of the block, counted from its first. */
static void pack_rows(const product_job *job, const block *b, int64_t begin, int64_t end)
{
    const pr_product *p = job->p;
    for (int64_t r = begin; r < end; r += ROWS) {
        const int64_t rows = end - r < ROWS ? end - r : ROWS;
        const float *from = b->rows;
        int64_t stride = p->n;
        if (p->rows_of_b) {
            p->rows_of_b(p->user, b->first + r, b->first + r + rows, b->rows);
        } else {
            from = p->b + (b->first + r) * p->ldb;
            stride = p->ldb;
        }
        for (int64_t c = 0; c < p->n;) {
            const int64_t wide = pr_block_columns(p->n - c, job->kernels->f32_lanes);
            const int64_t columns = p->n - c < wide ? p->n - c : wide;
            float *to = b->packed + c * b->depth + r * wide;
            for (int64_t i = 0; i < rows; i++, to += wide)
                copy_columns(to, from + i * stride + c, columns, wide);
            c += wide;
        }
    }
}

/* Rows [begin, end) of the result, which is `out` with row stride ldo. */
static void multiply_rows(const product_job *job, const block *own, int64_t begin, int64_t end,
                          float *out, int64_t ldo, float *sums)
{
    const pr_product *p = job->p;
    const pr_packed b = {.n = p->n, .k = own->depth, .k_padded = own->depth, .data = own->packed};
    const pr_epilogue add = {
        .residual = out, .residual_stride = ldo, .out = out, .out_stride = ldo};
    for (int64_t r = begin; r < end; r += job->panel_rows) {
        const int64_t rows = end - r < job->panel_rows ? end - r : job->panel_rows;
        const float *a = p->a + r * p->lda + own->first;
        int64_t lda = p->lda;
        if (p->a_transposed) {
            job->train->transpose(own->depth, rows, p->a + own->first * p->lda + r, p->lda,
                                  own->panel, own->depth);
            for (int64_t i = 0; sums && i < rows; i++)
                sums[r + i] += job->train->sum_row(own->panel + i * own->depth, own->depth);
            a = own->panel;
            lda = own->depth;
        }
        if (out) job->kernels->f32_panel(rows, a, lda, &b, &add, r);
    }
}

static prune_status lanes_open(product_job *job, prune_context *ctx, int64_t depth, bool packs)
{
    const pr_product *p = job->p;
    const int64_t packed = pr_pack_f32_size(job->kernels, p->n, depth);
    job->panel_rows = pr_panel_rows(depth * (int64_t)sizeof(float));
    job->panel_floats = p->a_transposed ? round16(job->panel_rows * depth) : 0;
    job->rows_floats = p->rows_of_b ? round16(ROWS * p->n) : 0;
    job->lane_floats = job->panel_floats + job->rows_floats + (packs ? round16(packed) : 0);
    PR_TRY(pr_new(ctx, (void **)&job->lanes, (size_t)(ctx->threads * job->lane_floats + 1),
                  sizeof(float)));
    if (packs) return PRUNE_OK;
    return pr_new(ctx, (void **)&job->shared.packed, (size_t)packed, sizeof(float));
}

/* --- the pool shares a block of B and divides the rows of the result ---------------------------*/

static void pack_range(void *arg, int64_t begin, int64_t end, int lane)
{
    const product_job *job = arg;
    const block own = block_of(job, lane);
    pack_rows(job, &own, begin, end);
}

/* Units [begin, end) of PR_PANEL_UNIT rows. */
static void multiply_range(void *arg, int64_t begin, int64_t end, int lane)
{
    const product_job *job = arg;
    const pr_product *p = job->p;
    const block own = block_of(job, lane);
    const int64_t last = end * PR_PANEL_UNIT < p->m ? end * PR_PANEL_UNIT : p->m;
    multiply_rows(job, &own, begin * PR_PANEL_UNIT, last, p->out, p->ldo, p->a_sums);
}

static prune_status by_rows(product_job *job, prune_context *ctx)
{
    const pr_product *p = job->p;
    const int64_t most = p->a_transposed && p->k > BLOCK ? BLOCK : p->k;
    const int64_t units = (p->m + PR_PANEL_UNIT - 1) / PR_PANEL_UNIT;
    block *b = &job->shared;
    PR_TRY(lanes_open(job, ctx, most, false));
    for (b->first = 0; b->first < p->k; b->first += b->depth) {
        b->depth = p->k - b->first < most ? p->k - b->first : most;
        if (p->out) pr_parallel(ctx, b->depth, ROWS, pack_range, job);
        pr_parallel(ctx, units, pr_panel_grain(p->n * b->depth), multiply_range, job);
    }
    return PRUNE_OK;
}

/* --- each thread goes through slices of k, with a result for each slice ------------------------*/

static void multiply_slices(void *arg, int64_t begin, int64_t end, int lane)
{
    const product_job *job = arg;
    const pr_product *p = job->p;
    block own = block_of(job, lane);
    own.packed = own.rows + job->rows_floats;
    for (int64_t s = begin; s < end; s++) {
        float *out = job->results + s * p->m * (p->n + 1), *sums = out + p->m * p->n;
        const int64_t last = p->k * (s + 1) / SLICES;
        for (own.first = p->k * s / SLICES; own.first < last; own.first += own.depth) {
            own.depth = last - own.first < OWN ? last - own.first : OWN;
            if (p->out) pack_rows(job, &own, 0, own.depth);
            multiply_rows(job, &own, 0, p->m, p->out ? out : NULL, p->n, sums);
        }
    }
}

static prune_status by_slices(product_job *job, prune_context *ctx)
{
    const pr_product *p = job->p;
    const int64_t size = p->m * (p->n + 1);
    PR_TRY(lanes_open(job, ctx, OWN, true));
    job->results = pr_calloc(ctx, (size_t)(SLICES * size), sizeof(float));
    if (!job->results) return PRUNE_E_MEMORY;
    pr_parallel(ctx, SLICES, 1, multiply_slices, job);
    for (int64_t s = 0; s < SLICES; s++) {
        const float *part = job->results + s * size;
        for (int64_t i = 0; p->out && i < p->m; i++)
            job->train->add_row(part + i * p->n, p->out + i * p->ldo, p->n);
        for (int64_t i = 0; p->a_sums && i < p->m; i++) p->a_sums[i] += part[p->m * p->n + i];
    }
    return PRUNE_OK;
}

prune_status pr_product_f32(prune_context *ctx, const pr_product *p)
{
    product_job job = {
        .kernels = pr_kernels_get(ctx->isa), .train = pr_train_kernels_get(ctx->isa), .p = p};
    prune_status status;
    if (p->m <= 0 || p->n <= 0 || p->k <= 0) return PRUNE_OK;
    if (p->a_transposed && p->m < FEW && p->k >= SLICES * OWN)
        status = by_slices(&job, ctx);
    else
        status = by_rows(&job, ctx);
    pr_free(ctx, job.shared.packed);
    pr_free(ctx, job.lanes);
    pr_free(ctx, job.results);
    return status;
}
