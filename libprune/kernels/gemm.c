/* Matrix products over packed weights: rows split over the pool, panels that stay in L2. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/kernels.h"

#include <string.h>

enum { PANEL_BYTES = 160 << 10 };
/* About ten microseconds on one core: waking another costs a few. */
enum { WORTHWHILE = 400000 };

static int64_t rows_that_fit(int64_t bytes, int64_t row_bytes, int64_t unit)
{
    int64_t rows = bytes / (row_bytes > 0 ? row_bytes : 1) / unit * unit;
    return rows < 2 * unit ? 2 * unit : rows > PR_PANEL_MOST ? PR_PANEL_MOST : rows;
}

int64_t pr_panel_rows(int64_t row_bytes)
{
    return rows_that_fit(PANEL_BYTES, row_bytes, PR_PANEL_UNIT);
}

int64_t pr_panel_grain(int64_t row_macs)
{
    return WORTHWHILE / (PR_PANEL_UNIT * (row_macs > 0 ? row_macs : 1)) + 1;
}

int64_t pr_panel_float_macs(const pr_kernels *kernels, int64_t macs, bool integer)
{
    /* BF16 is half as fast as integers. */
    const int64_t worth = integer ? kernels->i8_worth : kernels->i8_worth / 2;
    return worth ? macs * WORTHWHILE / worth : macs;
}

int64_t pr_panel_stride_i8(const pr_kernels *kernels, const pr_packed *b)
{
    /* Whole cache lines, an odd number of them: sixteen rows of a tile that lie a power of two
     * apart would share a few sets of the first-level cache. */
    return kernels->i8_plain ? (b->k_padded / 64 | 1) * 64 : b->k_padded;
}

int64_t pr_panel_rows_i8(const pr_kernels *kernels, const pr_packed *b)
{
    int64_t bytes = kernels->i8_panel_bytes ? kernels->i8_panel_bytes : PANEL_BYTES;
    return rows_that_fit(bytes, pr_panel_stride_i8(kernels, b) * kernels->i8_bytes,
                         pr_panel_unit(kernels));
}

size_t pr_panel_bytes_i8(const pr_kernels *kernels, const pr_packed *b)
{
    return pr_scratch_round((size_t)(pr_panel_rows_i8(kernels, b) * pr_panel_stride_i8(kernels, b) *
                                     kernels->i8_bytes));
}

int64_t pr_panel_grain_i8(const pr_kernels *kernels, const pr_packed *b, int64_t products)
{
    int64_t worth = kernels->i8_worth ? kernels->i8_worth : WORTHWHILE;
    int64_t macs = products * b->n * b->k;
    return worth / (pr_panel_unit(kernels) * (macs > 0 ? macs : 1)) + 1;
}

pr_epilogue pr_epilogue_for(const pr_epilogue *e, const pr_packed *b, int64_t column)
{
    pr_epilogue own = *e;
    own.bias = b->bias;
    own.scale = b->scale;
    if (own.gain) own.gain += column;
    if (own.residual) own.residual += column;
    if (own.out) own.out += column;
    if (own.out8) {
        own.out8 += column;
        own.inv_scale += column;
        own.zero += column;
    }
    return own;
}

typedef struct gemm_job {
    const pr_kernels *kernels;
    const pr_gemm *gemm;
    pr_epilogue e;
    char *scratch;
    size_t lane_bytes;
} gemm_job;

/* The first row of unit number `units`, at most the number of rows. */
static int64_t clamp_rows(const gemm_job *job, int64_t units)
{
    int64_t row = units * pr_panel_unit(job->kernels);
    return row < job->gemm->m ? row : job->gemm->m;
}

static int64_t units_of(const gemm_job *job)
{
    const int64_t unit = pr_panel_unit(job->kernels);
    return (job->gemm->m + unit - 1) / unit;
}

/* Rows [first, last), panel by panel. */
static void f32_range(const gemm_job *job, int64_t first, int64_t last)
{
    const pr_gemm *g = job->gemm;
    int64_t step = pr_panel_rows(g->b->k * (int64_t)sizeof(float));
    for (int64_t r = first; r < last; r += step) {
        int64_t rows = last - r < step ? last - r : step;
        job->kernels->f32_panel(rows, (const float *)g->a + r * g->lda, g->lda, g->b, &job->e, r);
    }
}

static void gemm_f32_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const gemm_job *job = arg;
    (void)lane;
    f32_range(job, clamp_rows(job, begin), clamp_rows(job, end));
}

void pr_gemm_f32_block(const pr_kernels *kernels, const pr_gemm *gemm)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), NULL, 0};
    f32_range(&job, 0, gemm->m);
}

void pr_gemm_f32(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), NULL, 0};
    pr_parallel(ctx, units_of(&job), pr_panel_grain(gemm->b->n * gemm->b->k), gemm_f32_rows, &job);
}

pr_float_panel pr_float_panel_for(const pr_kernels *kernels, const pr_packed *b)
{
    pr_float_panel p = {.round = b->bf16, .element = (int64_t)sizeof(float), .stride = b->k_padded};
    p.rows = pr_panel_rows(p.stride * p.element);
    if (!b->bf16 || b->thin || !kernels->bf16_panel) return p;
    p.halves = true;
    p.element = (int64_t)sizeof(uint16_t);
    p.stride = (b->k_padded / 32 | 1) * 32;
    int64_t bytes = kernels->i8_panel_bytes ? kernels->i8_panel_bytes : PANEL_BYTES;
    p.rows = rows_that_fit(bytes, p.stride * p.element, pr_panel_unit(kernels));
    return p;
}

size_t pr_float_panel_bytes(const pr_float_panel *p)
{
    return pr_scratch_round((size_t)(p->rows * p->stride * p->element));
}

int64_t pr_float_panel_grain(const pr_kernels *kernels, const pr_packed *b, int64_t products)
{
    const int64_t macs = products * b->n * b->k;
    if (!b->bf16 || b->thin || !kernels->bf16_panel || !kernels->i8_worth)
        return pr_panel_grain(macs);
    /* Half as fast as integers. */
    return kernels->i8_worth / 2 / (pr_panel_unit(kernels) * (macs > 0 ? macs : 1)) + 1;
}

void pr_float_panel_fill(const pr_kernels *kernels, const pr_float_panel *p, const pr_packed *b,
                         int64_t rows, const float *from, int64_t from_stride, void *panel)
{
    char *to = panel;
    for (int64_t i = 0; i < rows; i++, from += from_stride, to += p->stride * p->element) {
        if (!p->halves) {
            kernels->bf16_round(from, (float *)(void *)to, b->k);
            continue;
        }
        uint16_t *halves = (uint16_t *)(void *)to;
        kernels->bf16_narrow(halves, from, b->k);
        memset(halves + b->k, 0, (size_t)(b->k_padded - b->k) * sizeof *halves);
    }
}

size_t pr_gemm_bf16_block_scratch(const pr_kernels *kernels, const pr_packed *b)
{
    const pr_float_panel p = pr_float_panel_for(kernels, b);
    return pr_float_panel_bytes(&p);
}

size_t pr_gemm_bf16_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_packed *b)
{
    return (size_t)ctx->threads * pr_gemm_bf16_block_scratch(kernels, b);
}

static void bf16_range(const gemm_job *job, int64_t first, int64_t last, char *panel)
{
    const pr_gemm *g = job->gemm;
    const pr_float_panel p = pr_float_panel_for(job->kernels, g->b);
    const int64_t step = p.rows;
    for (int64_t r = first; r < last; r += step) {
        const int64_t rows = last - r < step ? last - r : step;
        pr_float_panel_fill(job->kernels, &p, g->b, rows, (const float *)g->a + r * g->lda, g->lda,
                            panel);
        pr_float_panel_run(job->kernels, &p, rows, panel, g->b, &job->e, r);
    }
}

static void gemm_bf16_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const gemm_job *job = arg;
    bf16_range(job, clamp_rows(job, begin), clamp_rows(job, end),
               job->scratch + (size_t)lane * job->lane_bytes);
}

void pr_gemm_bf16_block(const pr_kernels *kernels, const pr_gemm *gemm, void *scratch)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), NULL, 0};
    bf16_range(&job, 0, gemm->m, scratch);
}

void pr_gemm_bf16(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm, void *scratch)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), scratch,
                    pr_gemm_bf16_block_scratch(kernels, gemm->b)};
    pr_parallel(ctx, units_of(&job), pr_float_panel_grain(kernels, gemm->b, 1), gemm_bf16_rows,
                &job);
}

size_t pr_gemm_i8_block_scratch(const pr_kernels *kernels, const pr_packed *b)
{
    return pr_panel_bytes_i8(kernels, b);
}

size_t pr_gemm_i8_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_packed *b)
{
    return (size_t)ctx->threads * pr_gemm_i8_block_scratch(kernels, b);
}

/* Whether a's rows can be multiplied where they lie: whole steps of k on cache lines, and not so
 * far apart that a tile's rows share a set of the first-level cache. */
static bool lies_as_panel(const gemm_job *job)
{
    const pr_gemm *g = job->gemm;
    return job->kernels->i8_plain && g->b->k == g->b->k_padded && g->lda % 64 == 0 &&
           g->lda % 2048 != 0 && (uintptr_t)g->a % 64 == 0;
}

static void i8_range(const gemm_job *job, int64_t first, int64_t last, char *panel)
{
    const pr_gemm *g = job->gemm;
    const pr_kernels *kernels = job->kernels;
    const int8_t *a = g->a;
    int64_t k = g->b->k, bytes = kernels->i8_bytes, stride = pr_panel_stride_i8(kernels, g->b);
    int64_t step = pr_panel_rows_i8(kernels, g->b);
    const bool in_place = lies_as_panel(job);
    for (int64_t r = first; r < last; r += step) {
        int64_t rows = last - r < step ? last - r : step;
        if (in_place) {
            kernels->i8_panel(rows, a + r * g->lda, g->lda, g->b, &job->e, r);
            continue;
        }
        for (int64_t i = 0; i < rows; i++) {
            char *to = panel + i * stride * bytes;
            kernels->i8_widen(to, a + (r + i) * g->lda, k);
            memset(to + k * bytes, 0, (size_t)((g->b->k_padded - k) * bytes));
        }
        kernels->i8_panel(rows, panel, stride, g->b, &job->e, r);
    }
}

static void gemm_i8_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const gemm_job *job = arg;
    i8_range(job, clamp_rows(job, begin), clamp_rows(job, end),
             job->scratch + (size_t)lane * job->lane_bytes);
}

void pr_gemm_i8_block(const pr_kernels *kernels, const pr_gemm *gemm, void *scratch)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), NULL, 0};
    i8_range(&job, 0, gemm->m, scratch);
}

void pr_gemm_i8(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm, void *scratch)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), scratch,
                    pr_gemm_i8_block_scratch(kernels, gemm->b)};
    pr_parallel(ctx, units_of(&job), pr_panel_grain_i8(kernels, gemm->b, 1), gemm_i8_rows, &job);
}
