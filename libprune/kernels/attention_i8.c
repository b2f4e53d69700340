/* Attention with integer products, tile by tile as attention.c: the scores are products of q and k
 * in s8, one scale per token and head; the softmax between is in floats; its weights have 15 bits,
 * v is s8 with one scale per channel and chunk of keys. integer.h says what each step means. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/integer.h"
#include "libprune/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { QUERIES = 24, MOST_QUERIES = 32, KEYS = PR_ATTENTION_KEYS, PAIR = PR_I16_DEPTH };
_Static_assert((int64_t)KEYS * 32767 * 127 <= INT32_MAX, "sums of weights times v fit 32 bits");

typedef struct pr_chunk {
    char *k; /* packed for i8_panel */
    float *k_scale;
    int32_t *k_offset;
    int16_t *v; /* packed for i16_panel */
    float *v_scale;
} pr_chunk;

typedef struct attention_job {
    const pr_kernels *kernels;
    const pr_attention *a;
    char *scratch;
    int64_t chunks, tiles, queries;
    int64_t depth;                       /* of the scores' products, padded */
    size_t k_bytes, key_floats, v_bytes; /* parts of a packed chunk */
    size_t channel_floats, chunk_bytes;
    size_t lane_offset, lane_bytes;
} attention_job;

static int64_t padded(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static int64_t chunk_keys(const pr_attention *a, int64_t chunk)
{
    int64_t left = a->tokens - chunk * KEYS;
    return left < KEYS ? left : KEYS;
}

/* Per-column arrays are read up to the next multiple of PR_PACK_COLUMNS. */
static size_t column_floats(int64_t n)
{
    return (size_t)padded(n, PR_PACK_COLUMNS) + PR_PACK_COLUMNS;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static attention_job measure(const prune_context *ctx, const pr_kernels *kernels,
                             const pr_attention *a)
{
    attention_job job = {.kernels = kernels, .a = a};
    int64_t widest = a->qk_width > a->v_width ? a->qk_width : a->v_width;
    (void)ctx;
    job.chunks = (a->tokens + KEYS - 1) / KEYS;
    job.queries = kernels->unit ? kernels->unit : QUERIES;
    if (job.queries > MOST_QUERIES) job.queries = MOST_QUERIES;
    job.tiles = (a->tokens + job.queries - 1) / job.queries;
    job.depth = pr_pack_i8_depth(kernels, a->qk_width);
    job.k_bytes = pr_scratch_round((size_t)pr_pack_i8_size(kernels, KEYS, a->qk_width));
    job.v_bytes = pr_scratch_round((size_t)pr_pack_i16_size(kernels, a->v_width, KEYS));
    job.key_floats = column_floats(KEYS);
    job.channel_floats = column_floats(a->v_width);
    job.chunk_bytes =
        job.k_bytes + job.v_bytes + (2 * job.key_floats + job.channel_floats) * sizeof(float);
    job.lane_offset = (size_t)(a->batch * a->heads * job.chunks) * job.chunk_bytes;
    /* A lane packs first (integers of a chunk, two arrays of column values), then attends. */
    size_t packs =
        pr_scratch_round((size_t)(KEYS * widest)) + 2 * job.channel_floats * sizeof(float);
    size_t panel = pr_scratch_round((size_t)(MOST_QUERIES * job.depth * kernels->i8_bytes));
    size_t attends = panel + pr_scratch_round((size_t)(MOST_QUERIES * a->qk_width)) +
                     MOST_QUERIES * KEYS * (sizeof(float) + sizeof(int16_t)) +
                     pr_scratch_round(3 * MOST_QUERIES * sizeof(float));
    job.lane_bytes = larger(packs, attends);
    return job;
}

size_t pr_attention_i8_scratch(const prune_context *ctx, const pr_kernels *kernels,
                               const pr_attention *attention)
{
    attention_job job = measure(ctx, kernels, attention);
    return job.lane_offset + (size_t)ctx->threads * job.lane_bytes;
}

static pr_chunk chunk_at(const attention_job *job, int64_t head, int64_t index)
{
    char *memory = job->scratch + (size_t)(head * job->chunks + index) * job->chunk_bytes;
    pr_chunk c = {.k = memory};
    c.v = (int16_t *)(void *)(memory + job->k_bytes);
    c.k_scale = (float *)(void *)(memory + job->k_bytes + job->v_bytes);
    c.k_offset = (int32_t *)(void *)(c.k_scale + job->key_floats);
    c.v_scale = (float *)(void *)(c.k_offset + job->key_floats);
    return c;
}

static char *lane_at(const attention_job *job, int lane)
{
    return job->scratch + job->lane_offset + (size_t)lane * job->lane_bytes;
}

static void pack_keys(const attention_job *job, const pr_chunk *to, const float *k, int64_t keys,
                      int8_t *bytes)
{
    const pr_attention *a = job->a;
    pr_prefetch_rows(k, a->k_stride, keys, a->qk_width);
    job->kernels->quantize_rows(keys, a->qk_width, k, a->k_stride, false, bytes, a->qk_width,
                                to->k_scale);
    /* The sign of the scale, so that q's part of it does not turn the order of scores around. */
    if (a->scale < 0)
        for (int64_t j = 0; j < keys; j++) to->k_scale[j] = -to->k_scale[j];
    memset(to->k_scale + keys, 0, (job->key_floats - (size_t)keys) * sizeof(float));
    pr_pack_i8_rows(job->kernels, keys, a->qk_width, bytes, a->qk_width, to->k, to->k_offset);
}

/* Largest magnitudes of n columns. */
static void largest_of_columns(const float *x, int64_t stride, int64_t rows, int64_t n,
                               float *largest)
{
    for (int64_t c = 0; c < n; c++) largest[c] = fabsf(x[c]);
    for (int64_t r = 1; r < rows; r++) {
        const float *row = x + r * stride;
        for (int64_t c = 0; c < n; c++) {
            float magnitude = fabsf(row[c]);
            largest[c] = magnitude > largest[c] ? magnitude : largest[c];
        }
    }
}

static void pack_values(const attention_job *job, const pr_chunk *to, const float *v, int64_t keys,
                        int8_t *bytes, float *columns)
{
    const pr_attention *a = job->a;
    float *inverse = columns, *zero = columns + job->channel_floats;
    memset(columns, 0, 2 * job->channel_floats * sizeof(float));
    memset(to->v_scale, 0, job->channel_floats * sizeof(float));
    pr_prefetch_rows(v, a->v_stride, keys, a->v_width);
    largest_of_columns(v, a->v_stride, keys, a->v_width, inverse);
    for (int64_t c = 0; c < a->v_width; c++) {
        pr_row_scale step = pr_row_scale_from(inverse[c]);
        to->v_scale[c] = step.scale;
        inverse[c] = step.inv_scale;
    }
    job->kernels->quantize(keys, a->v_width, v, a->v_stride, inverse, zero, false, bytes,
                           a->v_width);
    pr_pack_i16_transposed(job->kernels, a->v_width, keys, bytes, a->v_width, to->v);
}

/* (image, head, chunk) number i. */
static void pack_chunks(void *arg, int64_t begin, int64_t end, int lane)
{
    const attention_job *job = arg;
    const pr_attention *a = job->a;
    int64_t widest = a->qk_width > a->v_width ? a->qk_width : a->v_width;
    int8_t *bytes = (int8_t *)lane_at(job, lane);
    float *columns = (float *)(void *)(bytes + pr_scratch_round((size_t)(KEYS * widest)));
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / job->chunks, index = i % job->chunks, keys = chunk_keys(a, index);
        int64_t row = head / a->heads * a->tokens + index * KEYS, h = head % a->heads;
        pr_chunk to = chunk_at(job, head, index);
        pack_keys(job, &to, a->k + row * a->k_stride + h * a->qk_width, keys, bytes);
        pack_values(job, &to, a->v + row * a->v_stride + h * a->v_width, keys, bytes, columns);
    }
}

typedef struct tile {
    char *q;                        /* panel [MOST_QUERIES, depth] */
    int8_t *bytes;                  /* [MOST_QUERIES, qk_width] */
    float *scores;                  /* [MOST_QUERIES, KEYS] */
    int16_t *weights;               /* [MOST_QUERIES, KEYS] */
    float *q_scale, *largest, *sum; /* [MOST_QUERIES] */
    float *out;
    int64_t rows;
} tile;

static tile tile_at(const attention_job *job, int lane)
{
    char *memory = lane_at(job, lane);
    tile t = {.q = memory};
    t.scores = (float *)(void *)(memory + pr_scratch_round((size_t)(MOST_QUERIES * job->depth *
                                                                    job->kernels->i8_bytes)));
    t.weights = (int16_t *)(void *)(t.scores + MOST_QUERIES * KEYS);
    t.q_scale = (float *)(void *)(t.weights + MOST_QUERIES * KEYS);
    t.largest = t.q_scale + MOST_QUERIES;
    t.sum = t.largest + MOST_QUERIES;
    t.bytes = (int8_t *)t.q_scale + pr_scratch_round(3 * MOST_QUERIES * sizeof(float));
    return t;
}

/* Softmax's scale, but for its sign, and the base of its powers go into q's scale: exp(s) =
 * 2^(s log2 e). */
static void load_queries(const attention_job *job, const tile *t, const float *q)
{
    const pr_attention *a = job->a;
    const pr_kernels *kernels = job->kernels;
    int64_t row_bytes = job->depth * kernels->i8_bytes, used = a->qk_width * kernels->i8_bytes;
    pr_prefetch_rows(q, a->q_stride, t->rows, a->qk_width);
    kernels->quantize_rows(t->rows, a->qk_width, q, a->q_stride, false, t->bytes, a->qk_width,
                           t->q_scale);
    for (int64_t r = 0; r < t->rows; r++) {
        t->q_scale[r] *= fabsf(a->scale) * PR_LOG2_E;
        kernels->i8_widen(t->q + r * row_bytes, t->bytes + r * a->qk_width, a->qk_width);
        memset(t->q + r * row_bytes + used, 0, (size_t)(row_bytes - used));
    }
}

/* Scores, still without q's scale, to weights; what is summed so far shrinks when a larger score
 * appears. */
static void weigh(const attention_job *job, const tile *t, int64_t keys, bool first)
{
    const pr_attention *a = job->a;
    const pr_kernels *kernels = job->kernels;
    for (int64_t r = 0; r < t->rows; r++) {
        const float *scores = t->scores + r * KEYS;
        int16_t *weights = t->weights + r * KEYS;
        float largest = kernels->max_row(scores, keys) * t->q_scale[r];
        largest += fabsf(largest) * 0x1p-22f; /* not below any product, however it is rounded */
        if (!first && largest > t->largest[r]) {
            float factor = exp2f(t->largest[r] - largest), *out = t->out + r * a->out_stride;
            t->sum[r] *= factor;
            kernels->scale_row(out, factor, out, a->v_width);
        }
        if (first || largest > t->largest[r]) t->largest[r] = largest;
        float sum = (float)kernels->weigh_row(scores, keys, t->q_scale[r], t->largest[r], weights);
        t->sum[r] = first ? sum : t->sum[r] + sum;
        for (int64_t j = keys; j % PAIR != 0; j++) weights[j] = 0;
    }
}

static void add_chunk(const attention_job *job, const tile *t, int64_t head, int64_t index)
{
    const pr_attention *a = job->a;
    int64_t keys = chunk_keys(a, index);
    pr_chunk c = chunk_at(job, head, index);
    pr_packed k = {.n = keys, .k = a->qk_width, .k_padded = job->depth, .data = c.k};
    pr_packed v = {.n = a->v_width, .k = keys, .k_padded = padded(keys, PAIR), .data = c.v};
    k.offset = c.k_offset;
    k.shorts = job->kernels->i8_bytes == 2;
    v.shorts = true;
    pr_epilogue to_scores = {.out = t->scores, .out_stride = KEYS, .scale = c.k_scale};
    job->kernels->i8_panel(t->rows, t->q, job->depth, &k, &to_scores, 0);
    weigh(job, t, keys, index == 0);
    pr_epilogue to_out = {.out = t->out, .out_stride = a->out_stride, .scale = c.v_scale};
    if (index > 0) {
        to_out.residual = t->out;
        to_out.residual_stride = a->out_stride;
    }
    job->kernels->i16_panel(t->rows, t->weights, KEYS, &v, &to_out, 0);
}

static void attend_tiles(void *arg, int64_t begin, int64_t end, int lane)
{
    const attention_job *job = arg;
    const pr_attention *a = job->a;
    tile t = tile_at(job, lane);
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / job->tiles, first = i % job->tiles * job->queries, h = head % a->heads;
        int64_t row = head / a->heads * a->tokens + first;
        t.rows = a->tokens - first < job->queries ? a->tokens - first : job->queries;
        t.out = a->out + row * a->out_stride + h * a->v_width;
        load_queries(job, &t, a->q + row * a->q_stride + h * a->qk_width);
        for (int64_t c = 0; c < job->chunks; c++) add_chunk(job, &t, head, c);
        for (int64_t r = 0; r < t.rows; r++) {
            float *out = t.out + r * a->out_stride;
            job->kernels->scale_row(out, 1.0f / t.sum[r], out, a->v_width);
            if (a->log_sum)
                a->log_sum[head * a->tokens + first + r] =
                    (t.largest[r] + log2f(t.sum[r] / 32767.0f)) / PR_LOG2_E;
        }
    }
}

void pr_attention_i8(prune_context *ctx, const pr_kernels *kernels, const pr_attention *attention,
                     void *scratch)
{
    attention_job job = measure(ctx, kernels, attention);
    job.scratch = scratch;
    int64_t heads = attention->batch * attention->heads;
    pr_parallel(ctx, heads * job.chunks, 1, pack_chunks, &job);
    pr_parallel(ctx, heads * job.tiles, 1, attend_tiles, &job);
}
