/* Matrix products over packed weights: rows split over the pool, panels that stay in L2. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/kernels.h"

#include <string.h>

int64_t pr_panel_rows(int64_t row_bytes)
{
    enum { PANEL_BYTES = 160 << 10, UNIT = PR_PANEL_UNIT };
    int64_t rows = PANEL_BYTES / (row_bytes > 0 ? row_bytes : 1) / UNIT * UNIT;
    return rows < 2 * UNIT ? 2 * UNIT : rows > PR_PANEL_MOST ? PR_PANEL_MOST : rows;
}

int64_t pr_panel_grain(int64_t row_macs)
{
    /* About ten microseconds on one core: waking another costs a few. */
    enum { WORTHWHILE = 400000 };
    return WORTHWHILE / (PR_PANEL_UNIT * (row_macs > 0 ? row_macs : 1)) + 1;
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

static int64_t clamp_rows(int64_t units, int64_t m)
{
    return units * PR_PANEL_UNIT < m ? units * PR_PANEL_UNIT : m;
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
    f32_range(job, clamp_rows(begin, job->gemm->m), clamp_rows(end, job->gemm->m));
}

void pr_gemm_f32_block(const pr_kernels *kernels, const pr_gemm *gemm)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), NULL, 0};
    f32_range(&job, 0, gemm->m);
}

void pr_gemm_f32(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm)
{
    gemm_job job = {kernels, gemm, pr_epilogue_for(&gemm->e, gemm->b, 0), NULL, 0};
    pr_parallel(ctx, (gemm->m + PR_PANEL_UNIT - 1) / PR_PANEL_UNIT,
                pr_panel_grain(gemm->b->n * gemm->b->k), gemm_f32_rows, &job);
}

int64_t pr_float_panel_rows(const pr_float_panel *p)
{
    /* A common multiple of what work is dealt out in and of the tiles' height. */
    enum { TILES = 96 };
    const int64_t rows = pr_panel_rows(p->stride * p->element);
    return p->halves && rows > TILES ? rows / TILES * TILES : rows;
}

size_t pr_float_panel_bytes(const pr_float_panel *p)
{
    int64_t rows = pr_float_panel_rows(p);
    if (p->halves) rows = (rows + PR_BF16_ROWS - 1) / PR_BF16_ROWS * PR_BF16_ROWS;
    return pr_scratch_round((size_t)(rows * p->stride * p->element));
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
    const int64_t step = pr_float_panel_rows(&p);
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
    bf16_range(job, clamp_rows(begin, job->gemm->m), clamp_rows(end, job->gemm->m),
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
    pr_parallel(ctx, (gemm->m + PR_PANEL_UNIT - 1) / PR_PANEL_UNIT,
                pr_panel_grain(gemm->b->n * gemm->b->k), gemm_bf16_rows, &job);
}

size_t pr_gemm_i8_block_scratch(const pr_kernels *kernels, const pr_packed *b)
{
    int64_t row = b->k_padded * kernels->i8_bytes;
    return pr_scratch_round((size_t)(pr_panel_rows(row) * row));
}

size_t pr_gemm_i8_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_packed *b)
{
    return (size_t)ctx->threads * pr_gemm_i8_block_scratch(kernels, b);
}

static void i8_range(const gemm_job *job, int64_t first, int64_t last, char *panel)
{
    const pr_gemm *g = job->gemm;
    int64_t k = g->b->k, padded = g->b->k_padded, bytes = job->kernels->i8_bytes;
    int64_t step = pr_panel_rows(padded * bytes);
    for (int64_t r = first; r < last; r += step) {
        int64_t rows = last - r < step ? last - r : step;
        for (int64_t i = 0; i < rows; i++) {
            char *to = panel + i * padded * bytes;
            job->kernels->i8_widen(to, (const int8_t *)g->a + (r + i) * g->lda, k);
            memset(to + k * bytes, 0, (size_t)((padded - k) * bytes));
        }
        job->kernels->i8_panel(rows, panel, padded, g->b, &job->e, r);
    }
}

static void gemm_i8_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const gemm_job *job = arg;
    i8_range(job, clamp_rows(begin, job->gemm->m), clamp_rows(end, job->gemm->m),
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
    pr_parallel(ctx, (gemm->m + PR_PANEL_UNIT - 1) / PR_PANEL_UNIT,
                pr_panel_grain(gemm->b->n * gemm->b->k), gemm_i8_rows, &job);
}
