/* Backward pass of attention without a matrix of tokens x tokens (Dao et al. 2022). With
 * S = scale q k^T, L = ln(row sums of exp S), P = exp(S - L), O = P v and d = rowsum(dO * O):
 *   dv = P^T dO;  dS = P * (dO v^T - d);  dq = scale dS k;  dk = scale dS^T q.
 * Tiles hold the transposes, KEYS rows of QUERIES columns: that is how three of the five products
 * want them, and L and d then are vectors along a row. */
#include "libprune/kernels/attention_train.h"

#include "libprune/kernels/train.h"

#include <string.h>

/* Multiples of every tier's rows and columns; three tiles of floats stay in a second-level cache.
 */
enum { KEYS = 192, QUERIES = 96 };

typedef struct backward_job {
    const pr_kernels *kernels;
    const pr_train_kernels *train;
    const pr_attention_gradient *g;
    float *memory;
    int64_t lane_floats;
} backward_job;

/* One head's memory. Tile i of queries begins at tile_rows + i * QUERIES * width and so on. */
typedef struct head_work {
    int64_t image, head, q_stride, v_stride, at_q, at_v; /* offsets of the head's first token */
    float *scaled;                                       /* [tokens, qk]: scale q */
    float *q_rows, *q_columns;     /* scale q, packed as [queries, qk] and as [qk, queries] */
    float *d_rows, *d_columns;     /* the same of dO */
    float *k_columns, *k_scaled;   /* one tile: scale k packed as [qk, keys] */
    float *dot;                    /* [tokens]: d */
    float *p, *ds, *ds_transposed; /* [KEYS, QUERIES], and the last [QUERIES, KEYS] */
} head_work;

static int64_t round16(int64_t floats)
{
    return (floats + 15) / 16 * 16;
}

/* Floats of one packed tile of queries, in either order. */
static int64_t tile_floats(const pr_kernels *kernels, int64_t width)
{
    const int64_t rows = pr_pack_f32_size(kernels, QUERIES, width);
    const int64_t columns = pr_pack_f32_size(kernels, width, QUERIES);
    return round16(rows > columns ? rows : columns);
}

static int64_t tile_count(int64_t tokens)
{
    return (tokens + QUERIES - 1) / QUERIES;
}

/* Lays the buffers out from `at` on; returns the floats used. */
static int64_t lay_out(const pr_kernels *kernels, const pr_attention_gradient *g, float *at,
                       head_work *w)
{
    const int64_t tiles = tile_count(g->tokens);
    const struct {
        float **where;
        int64_t floats;
    } parts[] = {{&w->scaled, g->tokens * g->qk_width},
                 {&w->q_rows, tiles * tile_floats(kernels, g->qk_width)},
                 {&w->q_columns, tiles * tile_floats(kernels, g->qk_width)},
                 {&w->d_rows, tiles * tile_floats(kernels, g->v_width)},
                 {&w->d_columns, tiles * tile_floats(kernels, g->v_width)},
                 {&w->k_columns, pr_pack_f32_size(kernels, g->qk_width, KEYS)},
                 {&w->k_scaled, KEYS * g->qk_width},
                 {&w->dot, g->tokens},
                 {&w->p, KEYS * QUERIES},
                 {&w->ds, KEYS * QUERIES},
                 {&w->ds_transposed, KEYS * QUERIES}};
    int64_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].where = at ? at + used : NULL;
        used += round16(parts[i].floats);
    }
    return used;
}

/* Packs every tile of queries of this head. */
static void pack_queries(const backward_job *job, head_work *w)
{
    const pr_attention_gradient *g = job->g;
    const int64_t q_tile = tile_floats(job->kernels, g->qk_width);
    const int64_t d_tile = tile_floats(job->kernels, g->v_width);
    for (int64_t t = 0; t < g->tokens; t++) {
        const float *out = g->out + w->at_v + t * w->v_stride;
        const float *d_out = g->d_out + w->at_v + t * w->v_stride;
        job->kernels->scale_row(g->q + w->at_q + t * w->q_stride, g->scale,
                                w->scaled + t * g->qk_width, g->qk_width);
        w->dot[t] = job->train->dot_row(out, d_out, g->v_width);
    }
    for (int64_t i = 0, t = 0; t < g->tokens; i++, t += QUERIES) {
        const int64_t count = g->tokens - t < QUERIES ? g->tokens - t : QUERIES;
        const float *q = w->scaled + t * g->qk_width;
        const float *d_out = g->d_out + w->at_v + t * w->v_stride;
        pr_pack_f32_rows(job->kernels, count, g->qk_width, q, g->qk_width, w->q_rows + i * q_tile);
        pr_pack_f32_transposed(job->kernels, g->qk_width, count, q, g->qk_width,
                               w->q_columns + i * q_tile);
        pr_pack_f32_rows(job->kernels, count, g->v_width, d_out, w->v_stride,
                         w->d_rows + i * d_tile);
        pr_pack_f32_transposed(job->kernels, g->v_width, count, d_out, w->v_stride,
                               w->d_columns + i * d_tile);
    }
}

/* out[m, n] (+)= a[m, k] * packed. */
static void multiply(const backward_job *job, int64_t m, int64_t n, int64_t k, const float *a,
                     int64_t lda, float *packed, float *out, int64_t stride, bool add)
{
    const pr_packed b = {.n = n, .k = k, .k_padded = k, .data = packed};
    const pr_epilogue e = {
        .out = out, .out_stride = stride, .residual = add ? out : NULL, .residual_stride = stride};
    job->kernels->f32_panel(m, a, lda, &b, &e, 0);
}

/* Keys [first, first + keys) against tile i of the queries. */
static void backward_tile(const backward_job *job, const head_work *w, int64_t first, int64_t keys,
                          int64_t i)
{
    const pr_attention_gradient *g = job->g;
    const int64_t t = i * QUERIES, count = g->tokens - t < QUERIES ? g->tokens - t : QUERIES;
    const int64_t q_tile = i * tile_floats(job->kernels, g->qk_width);
    const int64_t d_tile = i * tile_floats(job->kernels, g->v_width);
    const int64_t at_q = w->at_q + first * w->q_stride, at_v = w->at_v + first * w->v_stride;
    const float *log_sum = g->log_sum + (w->image * g->heads + w->head) * g->tokens + t;
    multiply(job, keys, count, g->qk_width, g->k + at_q, w->q_stride, w->q_rows + q_tile, w->p,
             QUERIES, false);
    multiply(job, keys, count, g->v_width, g->v + at_v, w->v_stride, w->d_rows + d_tile, w->ds,
             QUERIES, false);
    for (int64_t r = 0; r < keys; r++)
        job->train->softmax_row(count, log_sum, w->dot + t, w->p + r * QUERIES,
                                w->ds + r * QUERIES);
    if (g->dv)
        multiply(job, keys, g->v_width, count, w->p, QUERIES, w->d_columns + d_tile, g->dv + at_v,
                 w->v_stride, true);
    if (g->dk)
        multiply(job, keys, g->qk_width, count, w->ds, QUERIES, w->q_columns + q_tile, g->dk + at_q,
                 w->q_stride, true);
    if (!g->dq) return;
    job->train->transpose(keys, count, w->ds, QUERIES, w->ds_transposed, KEYS);
    multiply(job, count, g->qk_width, keys, w->ds_transposed, KEYS, w->k_columns,
             g->dq + w->at_q + t * w->q_stride, w->q_stride, true);
}

static void backward_heads(void *arg, int64_t begin, int64_t end, int lane)
{
    const backward_job *job = arg;
    const pr_attention_gradient *g = job->g;
    for (int64_t item = begin; item < end; item++) {
        head_work w = {.image = item / g->heads, .head = item % g->heads};
        (void)lay_out(job->kernels, g, job->memory + lane * job->lane_floats, &w);
        w.q_stride = g->heads * g->qk_width;
        w.v_stride = g->heads * g->v_width;
        w.at_q = w.image * g->tokens * w.q_stride + w.head * g->qk_width;
        w.at_v = w.image * g->tokens * w.v_stride + w.head * g->v_width;
        pack_queries(job, &w);
        for (int64_t first = 0; first < g->tokens; first += KEYS) {
            const int64_t keys = g->tokens - first < KEYS ? g->tokens - first : KEYS;
            for (int64_t r = 0; r < keys; r++)
                job->kernels->scale_row(g->k + w.at_q + (first + r) * w.q_stride, g->scale,
                                        w.k_scaled + r * g->qk_width, g->qk_width);
            pr_pack_f32_transposed(job->kernels, g->qk_width, keys, w.k_scaled, g->qk_width,
                                   w.k_columns);
            for (int64_t i = 0; i < tile_count(g->tokens); i++)
                backward_tile(job, &w, first, keys, i);
        }
    }
}

prune_status pr_attention_backward(prune_context *ctx, const pr_attention_gradient *gradient)
{
    head_work unused = {0};
    backward_job job = {.kernels = pr_kernels_get(ctx->isa),
                        .train = pr_train_kernels_get(ctx->isa),
                        .g = gradient};
    job.lane_floats = lay_out(job.kernels, gradient, NULL, &unused);
    PR_TRY(
        pr_new(ctx, (void **)&job.memory, (size_t)(ctx->threads * job.lane_floats), sizeof(float)));
    pr_parallel(ctx, gradient->batch * gradient->heads, 1, backward_heads, &job);
    pr_free(ctx, job.memory);
    return PRUNE_OK;
}
