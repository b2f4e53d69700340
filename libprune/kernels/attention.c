/* Attention in tiles (online softmax, Dao et al. 2022): QUERIES rows of one head against chunks of
 * KEYS keys; sums and what is taken for the maximum are corrected as scores appear that are larger
 * by more than SLACK: floats have room for weights up to 2^SLACK. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/kernels.h"

#include <math.h>

enum { QUERIES = 48, KEYS = 256, SLACK = 16 };

typedef struct attention_job {
    const pr_kernels *kernels;
    const pr_attention *a;
    char *scratch;
    size_t head_floats; /* packed k and v of one head */
    size_t k_floats, chunk_floats;
    size_t lane_offset, lane_bytes;
} attention_job;

static int64_t chunk_keys(const pr_attention *a, int64_t chunk)
{
    int64_t left = a->tokens - chunk * KEYS;
    return left < KEYS ? left : KEYS;
}

static void measure(attention_job *job, const prune_context *ctx, const pr_kernels *kernels,
                    const pr_attention *a)
{
    int64_t chunks = (a->tokens + KEYS - 1) / KEYS;
    job->kernels = kernels;
    job->a = a;
    job->k_floats = (size_t)pr_pack_f32_size(kernels, KEYS, a->qk_width);
    job->chunk_floats =
        pr_scratch_round((job->k_floats + (size_t)pr_pack_f32_size(kernels, a->v_width, KEYS)) *
                         sizeof(float)) /
        sizeof(float);
    job->head_floats = (size_t)chunks * job->chunk_floats;
    job->lane_offset = (size_t)(a->batch * a->heads) * job->head_floats * sizeof(float);
    job->lane_bytes =
        pr_scratch_round((size_t)(QUERIES * (a->qk_width + KEYS) + 2 * QUERIES) * sizeof(float));
    (void)ctx;
}

size_t pr_attention_scratch(const prune_context *ctx, const pr_kernels *kernels,
                            const pr_attention *attention)
{
    attention_job job;
    measure(&job, ctx, kernels, attention);
    return job.lane_offset + (size_t)ctx->threads * job.lane_bytes;
}

static float *packed_chunk(const attention_job *job, int64_t head, int64_t chunk)
{
    return (float *)(void *)job->scratch + (size_t)head * job->head_floats +
           (size_t)chunk * job->chunk_floats;
}

/* Packs k and v of (image, head, chunk) number i. */
static void pack_chunks(void *arg, int64_t begin, int64_t end, int lane)
{
    const attention_job *job = arg;
    const pr_attention *a = job->a;
    int64_t chunks = (a->tokens + KEYS - 1) / KEYS;
    (void)lane;
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / chunks, chunk = i % chunks, keys = chunk_keys(a, chunk);
        int64_t row = head / a->heads * a->tokens + chunk * KEYS, h = head % a->heads;
        float *to = packed_chunk(job, head, chunk);
        const float *k = a->k + row * a->k_stride + h * a->qk_width;
        const float *v = a->v + row * a->v_stride + h * a->v_width;
        pr_prefetch_rows(k, a->k_stride, keys, a->qk_width);
        pr_pack_f32_rows(job->kernels, keys, a->qk_width, k, a->k_stride, to);
        pr_prefetch_rows(v, a->v_stride, keys, a->v_width);
        pr_pack_f32_transposed(job->kernels, a->v_width, keys, v, a->v_stride, to + job->k_floats);
        if (a->bf16) job->kernels->bf16_round(to, to, (int64_t)job->chunk_floats);
    }
}

typedef struct tile {
    float *q, *scores, *largest, *sum; /* [QUERIES, qk_width], [QUERIES, KEYS], [QUERIES] twice */
    float *out;
    int64_t rows;
} tile;

/* Adds one chunk of keys to the tile's running sums. */
static void add_chunk(const attention_job *job, const tile *t, int64_t head, int64_t chunk)
{
    const pr_attention *a = job->a;
    const pr_kernels *kernels = job->kernels;
    int64_t keys = chunk_keys(a, chunk);
    float *data = packed_chunk(job, head, chunk);
    pr_packed k = {.n = keys, .k = a->qk_width, .k_padded = a->qk_width, .data = data};
    pr_packed v = {.n = a->v_width, .k = keys, .k_padded = keys, .data = data + job->k_floats};
    pr_epilogue to_scores = {.out = t->scores, .out_stride = KEYS};
    kernels->f32_panel(t->rows, t->q, a->qk_width, &k, &to_scores, 0);
    for (int64_t r = 0; r < t->rows; r++) {
        float *scores = t->scores + r * KEYS;
        float largest = kernels->max_row(scores, keys);
        if (chunk == 0) t->largest[r] = largest;
        if (largest > t->largest[r] + SLACK) {
            float factor = exp2f(t->largest[r] - largest);
            float *out = t->out + r * a->out_stride;
            t->sum[r] *= factor;
            kernels->scale_row(out, factor, out, a->v_width);
            t->largest[r] = largest;
        }
        float sum = kernels->exp2_row(scores, keys, t->largest[r]);
        if (a->bf16) kernels->bf16_round(scores, scores, keys);
        t->sum[r] = chunk == 0 ? sum : t->sum[r] + sum;
    }
    pr_epilogue to_out = {.out = t->out, .out_stride = a->out_stride};
    if (chunk > 0) {
        to_out.residual = t->out;
        to_out.residual_stride = a->out_stride;
    }
    kernels->f32_panel(t->rows, t->scores, KEYS, &v, &to_out, 0);
}

static void attend_tiles(void *arg, int64_t begin, int64_t end, int lane)
{
    const attention_job *job = arg;
    const pr_attention *a = job->a;
    int64_t tiles = (a->tokens + QUERIES - 1) / QUERIES, chunks = (a->tokens + KEYS - 1) / KEYS;
    float *memory =
        (float *)(void *)(job->scratch + job->lane_offset + (size_t)lane * job->lane_bytes);
    tile t = {.q = memory, .scores = memory + QUERIES * a->qk_width};
    t.largest = t.scores + QUERIES * KEYS;
    t.sum = t.largest + QUERIES;
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / tiles, first = i % tiles * QUERIES, h = head % a->heads;
        int64_t row = head / a->heads * a->tokens + first;
        t.rows = a->tokens - first < QUERIES ? a->tokens - first : QUERIES;
        t.out = a->out + row * a->out_stride + h * a->v_width;
        const float *q = a->q + row * a->q_stride + h * a->qk_width;
        pr_prefetch_rows(q, a->q_stride, t.rows, a->qk_width);
        for (int64_t r = 0; r < t.rows; r++) {
            job->kernels->scale_row(q + r * a->q_stride, a->scale * PR_LOG2_E,
                                    t.q + r * a->qk_width, a->qk_width);
        }
        if (a->bf16) job->kernels->bf16_round(t.q, t.q, t.rows * a->qk_width);
        for (int64_t chunk = 0; chunk < chunks; chunk++) add_chunk(job, &t, head, chunk);
        for (int64_t r = 0; r < t.rows; r++) {
            float *out = t.out + r * a->out_stride;
            job->kernels->scale_row(out, 1.0f / t.sum[r], out, a->v_width);
            if (a->log_sum)
                a->log_sum[head * a->tokens + first + r] =
                    (t.largest[r] + log2f(t.sum[r])) / PR_LOG2_E;
        }
    }
}

void pr_attention_f32(prune_context *ctx, const pr_kernels *kernels, const pr_attention *attention,
                      void *scratch)
{
    attention_job job;
    measure(&job, ctx, kernels, attention);
    job.scratch = scratch;
    int64_t heads = attention->batch * attention->heads;
    int64_t chunks = (attention->tokens + KEYS - 1) / KEYS;
    int64_t tiles = (attention->tokens + QUERIES - 1) / QUERIES;
    pr_parallel(ctx, heads * chunks, 1, pack_chunks, &job);
    pr_parallel(ctx, heads * tiles, 1, attend_tiles, &job);
}
