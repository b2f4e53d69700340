/* Fused BF16 attention (kernels.h: bf16_attention): blocks of 32 queries of one head against chunks
 * of keys, softmax with a running maximum (Dao et al. 2022). Everything stands transposed: scores
 * are K Q^T, [keys][queries], so that each lane of a vector is a query, maxima and sums need no
 * reduction across lanes, and what follows is V^T P^T, [channels][queries]. The vector units work
 * on the softmax of one chunk while the tiles multiply: scores of the next chunk, sums of the one
 * before. */
#include "libprune/kernels/amx/amx.h"
#include "libprune/kernels/amx/tiles.h"
#include "libprune/kernels/driver.h"

#include <math.h>
#include <string.h>

static const float log2_e = 1.44269504f;
enum { QUERIES = 32, LANES = 16, KEYS = 192, STEP = 32 };
/* Bytes from row to row of tiles that hold pairs of halves or sums of 32 queries. */
enum { QUERY_BYTES = QUERIES * 4 };

typedef struct attention_job {
    const pr_attention *a;
    char *scratch;
    int64_t depth, width; /* of a head's q and k, and of its v, padded to whole tiles */
    int64_t chunks, blocks;
    size_t k_bytes, chunk_bytes; /* packed keys; keys and values */
    size_t lane_offset, lane_bytes;
} attention_job;

/* What a lane works in. Two slots: scores of this chunk and the next, weights of this one and the
 * one before. */
typedef struct block {
    uint32_t *q;          /* [depth / 2][QUERIES] pairs */
    float *scores[2];     /* [KEYS][QUERIES] */
    uint32_t *weights[2]; /* [KEYS / 2][QUERIES] pairs */
    float *out;           /* [width][QUERIES] */
    float *largest, *sum; /* [QUERIES] */
    float *factor[2];     /* [QUERIES]: what `out` shrinks by before the chunk is added */
    bool shrinks[2];
} block;

static int64_t padded(int64_t n)
{
    return (n + STEP - 1) / STEP * STEP;
}

static attention_job measure(const prune_context *ctx, const pr_attention *a)
{
    attention_job job = {.a = a, .depth = padded(a->qk_width), .width = padded(a->v_width)};
    (void)ctx;
    job.chunks = (a->tokens + KEYS - 1) / KEYS;
    job.blocks = (a->tokens + QUERIES - 1) / QUERIES;
    job.k_bytes = (size_t)(KEYS * job.depth) * sizeof(uint16_t);
    job.chunk_bytes = job.k_bytes + (size_t)(KEYS * job.width) * sizeof(uint16_t);
    job.lane_offset = (size_t)(a->batch * a->heads * job.chunks) * job.chunk_bytes;
    /* q, two of scores and weights, out, five rows of queries, and room to transpose in. */
    const int64_t rows = job.depth / 2 + 2 * KEYS + KEYS + job.width + 5;
    const int64_t widest = job.depth > job.width ? job.depth : job.width;
    job.lane_bytes = (size_t)(rows * QUERIES + QUERIES * widest) * sizeof(float);
    const size_t packs = (size_t)(KEYS / 2 * job.width) * sizeof(uint32_t);
    if (job.lane_bytes < packs) job.lane_bytes = packs;
    return job;
}

size_t pr_amx_bf16_attention_scratch(const prune_context *ctx, const pr_attention *attention)
{
    attention_job job = measure(ctx, attention);
    return job.lane_offset + (size_t)ctx->threads * job.lane_bytes;
}

static int64_t chunk_keys(const attention_job *job, int64_t chunk)
{
    int64_t left = job->a->tokens - chunk * KEYS;
    return left < KEYS ? left : KEYS;
}

static char *chunk_at(const attention_job *job, int64_t head, int64_t chunk)
{
    return job->scratch + (size_t)(head * job->chunks + chunk) * job->chunk_bytes;
}

/* --- packing ----------------------------------------------------------------------------------*/

/* 4 x 4 words at a time; rows and columns are multiples of 4. to[c][r] = from[r][c]. */
static void transpose_words(const void *from, int64_t from_stride, int64_t rows, int64_t columns,
                            void *to, int64_t to_stride)
{
    for (int64_t r = 0; r < rows; r += 4) {
        for (int64_t c = 0; c < columns; c += 4) {
            const float *x = (const float *)from + r * from_stride + c;
            float *y = (float *)to + c * to_stride + r;
            __m128 a = _mm_loadu_ps(x), b = _mm_loadu_ps(x + from_stride);
            __m128 d = _mm_loadu_ps(x + 2 * from_stride), e = _mm_loadu_ps(x + 3 * from_stride);
            _MM_TRANSPOSE4_PS(a, b, d, e);
            _mm_storeu_ps(y, a);
            _mm_storeu_ps(y + to_stride, b);
            _mm_storeu_ps(y + 2 * to_stride, d);
            _mm_storeu_ps(y + 3 * to_stride, e);
        }
    }
}

static __mmask16 first_lanes(int64_t count)
{
    return (__mmask16)(count >= LANES ? 0xffff : (1u << (count > 0 ? count : 0)) - 1);
}

/* Word i is the pair (low[i], high[i]) in BF16. */
static inline __m512i pairs(__m512 low, __m512 high)
{
    static const uint16_t order[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                       21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                       11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    return _mm512_permutexvar_epi16(_mm512_loadu_si512(order), halves);
}

/* n floats times `scale` as halves, zeros up to `count`, a multiple of 32. */
static void narrow(uint16_t *to, const float *from, int64_t n, int64_t count, float scale)
{
    const __m512 s = _mm512_set1_ps(scale);
    for (int64_t i = 0; i < count; i += 2 * LANES) {
        __m512 low = _mm512_maskz_loadu_ps(first_lanes(n - i), from + i);
        __m512 high = _mm512_maskz_loadu_ps(first_lanes(n - i - LANES), from + i + LANES);
        low = _mm512_mul_ps(low, s);
        high = _mm512_mul_ps(high, s);
        _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

/* Keys as they lie, [KEYS][depth]; values transposed, [width][KEYS]: tiles take either as rows. */
static void pack_chunk(const attention_job *job, const float *k, const float *v, int64_t keys,
                       char *to, uint32_t *words)
{
    const pr_attention *a = job->a;
    uint16_t *packed_k = (uint16_t *)(void *)to;
    for (int64_t i = 0; i < keys; i++)
        narrow(packed_k + i * job->depth, k + i * a->k_stride, a->qk_width, job->depth, 1.0f);
    memset(packed_k + keys * job->depth, 0,
           (size_t)((KEYS - keys) * job->depth) * sizeof *packed_k);
    for (int64_t i = 0; i < KEYS; i += 2) {
        uint32_t *row = words + i / 2 * job->width;
        for (int64_t c = 0; c < job->width; c += LANES) {
            const int64_t left = a->v_width - c;
            const __mmask16 even = first_lanes(i < keys ? left : 0);
            const __mmask16 odd = first_lanes(i + 1 < keys ? left : 0);
            const float *from = v + (i < keys ? i : 0) * a->v_stride + c;
            const __m512 low = _mm512_maskz_loadu_ps(even, from);
            const __m512 high = _mm512_maskz_loadu_ps(odd, from + (odd ? a->v_stride : 0));
            _mm512_storeu_si512(row + c, pairs(low, high));
        }
    }
    transpose_words(words, job->width, KEYS / 2, job->width, to + job->k_bytes, KEYS / 2);
}

static void pack_chunks(void *arg, int64_t begin, int64_t end, int lane)
{
    const attention_job *job = arg;
    const pr_attention *a = job->a;
    char *memory = job->scratch + job->lane_offset + (size_t)lane * job->lane_bytes;
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / job->chunks, chunk = i % job->chunks, h = head % a->heads;
        int64_t row = head / a->heads * a->tokens + chunk * KEYS;
        pack_chunk(job, a->k + row * a->k_stride + h * a->qk_width,
                   a->v + row * a->v_stride + h * a->v_width, chunk_keys(job, chunk),
                   chunk_at(job, head, chunk), (uint32_t *)(void *)memory);
    }
}

/* --- softmax ----------------------------------------------------------------------------------*/

/* 2^x: x = i + f, f in [0, 1), 2^f by a polynomial fitted for the least largest relative error
 * (7.5e-5, where rounding to BF16 makes 2e-3). scalef rounds x down to i itself. */
static inline __m512 exp2_16(__m512 x)
{
    const __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF);
    __m512 p = _mm512_set1_ps(0.0780245513f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.226067185f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.695833504f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999925256f));
    return _mm512_scalef_ps(p, x);
}

/* The softmax of one chunk, done piece by piece. */
typedef struct softmax {
    const block *b;
    const float *scores;
    uint32_t *weights;
    int64_t keys, next; /* keys of the chunk; the next to be weighed, always even */
} softmax;

/* The largest score of every query. Four keys at a time, so that no comparison waits for the last
 * one. */
static void largest_scores(const float *scores, int64_t keys, __m512 most[2])
{
    __m512 m[4][2];
    for (int k = 0; k < 4; k++) {
        m[k][0] = _mm512_loadu_ps(scores);
        m[k][1] = _mm512_loadu_ps(scores + LANES);
    }
    int64_t i = 0;
    for (; i + 4 <= keys; i += 4, scores += 4 * QUERIES) {
        for (int k = 0; k < 4; k++) {
            m[k][0] = _mm512_max_ps(m[k][0], _mm512_loadu_ps(scores + k * QUERIES));
            m[k][1] = _mm512_max_ps(m[k][1], _mm512_loadu_ps(scores + k * QUERIES + LANES));
        }
    }
    for (; i < keys; i++, scores += QUERIES) {
        m[0][0] = _mm512_max_ps(m[0][0], _mm512_loadu_ps(scores));
        m[0][1] = _mm512_max_ps(m[0][1], _mm512_loadu_ps(scores + LANES));
    }
    for (int q = 0; q < 2; q++) {
        most[q] = _mm512_max_ps(_mm512_max_ps(m[0][q], m[1][q]), _mm512_max_ps(m[2][q], m[3][q]));
    }
}

/* Raises the maxima to those of the chunk and says by how much earlier sums shrink. */
static softmax open_softmax(block *b, int64_t chunk, int64_t keys)
{
    const int64_t slot = chunk & 1;
    softmax s = {b, b->scores[slot], b->weights[slot], keys, 0};
    __mmask16 raised = 0;
    __m512 largest[2];
    largest_scores(s.scores, keys, largest);
    for (int64_t q = 0; q < QUERIES; q += LANES) {
        __m512 most = largest[q / LANES], old = _mm512_loadu_ps(b->largest + q);
        if (chunk > 0) {
            most = _mm512_max_ps(most, old);
            const __m512 factor = exp2_16(_mm512_sub_ps(old, most));
            raised |= _mm512_cmp_ps_mask(most, old, _CMP_NEQ_UQ);
            _mm512_storeu_ps(b->factor[slot] + q, factor);
            _mm512_storeu_ps(b->sum + q, _mm512_mul_ps(_mm512_loadu_ps(b->sum + q), factor));
        } else {
            _mm512_storeu_ps(b->sum + q, _mm512_setzero_ps());
        }
        _mm512_storeu_ps(b->largest + q, most);
    }
    b->shrinks[slot] = raised != 0;
    return s;
}

/* Weighs up to `count` pairs of keys. */
static __attribute__((noinline)) void weigh_some(softmax *s, int64_t count)
{
    int64_t until = s->next + 2 * count;
    if (until > s->keys) until = s->keys;
    if (s->next >= until) return;
    for (int64_t q = 0; q < QUERIES; q += LANES) {
        const __m512 most = _mm512_loadu_ps(s->b->largest + q);
        __m512 sum = _mm512_loadu_ps(s->b->sum + q);
        for (int64_t i = s->next; i < until; i += 2) {
            const float *from = s->scores + i * QUERIES + q;
            const __m512 even = exp2_16(_mm512_sub_ps(_mm512_loadu_ps(from), most));
            __m512 odd = _mm512_setzero_ps();
            if (i + 1 < until) odd = exp2_16(_mm512_sub_ps(_mm512_loadu_ps(from + QUERIES), most));
            sum = _mm512_add_ps(sum, _mm512_add_ps(even, odd));
            _mm512_storeu_si512(s->weights + i / 2 * QUERIES + q, pairs(even, odd));
        }
        _mm512_storeu_ps(s->b->sum + q, sum);
    }
    s->next = (until + 1) / 2 * 2;
}

/* What is left, and zeros where the last step of the products reads beyond the keys. */
static void close_softmax(softmax *s)
{
    weigh_some(s, s->keys);
    const int64_t used = (s->keys + 1) / 2;
    memset(s->weights + used * QUERIES, 0,
           (size_t)((padded(s->keys) / 2 - used) * QUERIES) * sizeof *s->weights);
}

/* --- products ---------------------------------------------------------------------------------*/

/* Four tiles of sums, 32 x 32 queries, += rows of a (two tiles) times pairs of b, one step. */
static inline __attribute__((always_inline)) void multiply(const uint16_t *a, int64_t a_stride,
                                                           const uint32_t *b)
{
    const size_t bytes = (size_t)a_stride * sizeof *a;
    _tile_loadd(4, a, bytes);
    _tile_loadd(6, b, QUERY_BYTES);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + LANES, QUERY_BYTES);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + PR_TILE_ROWS * a_stride, bytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

static inline __attribute__((always_inline)) void store_sums(float *to)
{
    _tile_stored(0, to, QUERY_BYTES);
    _tile_stored(1, to + LANES, QUERY_BYTES);
    _tile_stored(2, to + PR_TILE_ROWS * QUERIES, QUERY_BYTES);
    _tile_stored(3, to + PR_TILE_ROWS * QUERIES + LANES, QUERY_BYTES);
}

static inline __attribute__((always_inline)) void clear_sums(void)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/* Scores of a chunk; s, the softmax of the one before, goes on in between. */
static void score(const attention_job *job, const block *b, int64_t head, int64_t chunk, softmax *s,
                  int64_t share)
{
    const uint16_t *k = (const uint16_t *)(const void *)chunk_at(job, head, chunk);
    const int64_t keys = padded(chunk_keys(job, chunk));
    for (int64_t i = 0; i < keys; i += STEP) {
        clear_sums();
        for (int64_t d = 0; d < job->depth; d += STEP) {
            multiply(k + i * job->depth + d, job->depth, b->q + d / 2 * QUERIES);
            weigh_some(s, share);
        }
        store_sums(b->scores[chunk & 1] + i * QUERIES);
    }
}

/* out = out * factor, where a maximum has risen. */
static void shrink(const attention_job *job, const block *b, int64_t chunk)
{
    const float *factor = b->factor[chunk & 1];
    if (chunk == 0 || !b->shrinks[chunk & 1]) return;
    const __m512 low = _mm512_loadu_ps(factor), high = _mm512_loadu_ps(factor + LANES);
    for (int64_t c = 0; c < job->width; c++) {
        float *row = b->out + c * QUERIES;
        _mm512_storeu_ps(row, _mm512_mul_ps(_mm512_loadu_ps(row), low));
        _mm512_storeu_ps(row + LANES, _mm512_mul_ps(_mm512_loadu_ps(row + LANES), high));
    }
}

/* Adds the weighted values of a chunk to `out`. */
static void add_values(const attention_job *job, const block *b, int64_t head, int64_t chunk,
                       softmax *s, int64_t share)
{
    const uint16_t *v = (const uint16_t *)(const void *)(chunk_at(job, head, chunk) + job->k_bytes);
    const int64_t keys = padded(chunk_keys(job, chunk));
    shrink(job, b, chunk);
    PR_PUBLISH(b->out);
    for (int64_t c = 0; c < job->width; c += STEP) {
        float *out = b->out + c * QUERIES;
        if (chunk == 0) {
            clear_sums();
        } else {
            _tile_loadd(0, out, QUERY_BYTES);
            _tile_loadd(1, out + LANES, QUERY_BYTES);
            _tile_loadd(2, out + PR_TILE_ROWS * QUERIES, QUERY_BYTES);
            _tile_loadd(3, out + PR_TILE_ROWS * QUERIES + LANES, QUERY_BYTES);
        }
        for (int64_t i = 0; i < keys; i += STEP) {
            multiply(v + c * KEYS + i, KEYS, b->weights[chunk & 1] + i / 2 * QUERIES);
            weigh_some(s, share);
        }
        store_sums(out);
    }
}

/* --- blocks -----------------------------------------------------------------------------------*/

static block block_at(const attention_job *job, char *memory, float **spare)
{
    float *at = (float *)(void *)memory;
    block b = {.q = (uint32_t *)(void *)at};
    at += job->depth / 2 * QUERIES;
    for (int i = 0; i < 2; i++, at += KEYS * QUERIES) b.scores[i] = at;
    for (int i = 0; i < 2; i++, at += KEYS / 2 * QUERIES) b.weights[i] = (uint32_t *)(void *)at;
    b.out = at;
    b.largest = b.out + job->width * QUERIES;
    b.sum = b.largest + QUERIES;
    b.factor[0] = b.sum + QUERIES;
    b.factor[1] = b.factor[0] + QUERIES;
    *spare = b.factor[1] + QUERIES;
    return b;
}

/* Queries times the scores' scale, in powers of two: [depth / 2][QUERIES] pairs along the depth. */
static void load_queries(const attention_job *job, const block *b, const float *q, int64_t rows,
                         float *spare)
{
    uint16_t *halves = (uint16_t *)(void *)spare;
    for (int64_t r = 0; r < QUERIES; r++)
        narrow(halves + r * job->depth, q + (r < rows ? r : 0) * job->a->q_stride, job->a->qk_width,
               job->depth, r < rows ? job->a->scale * log2_e : 0.0f);
    transpose_words(halves, job->depth / 2, QUERIES, job->depth / 2, b->q, QUERIES);
}

/* Sums over weights, back to a row per query. */
static void store_queries(const attention_job *job, const block *b, float *out, int64_t rows,
                          float *spare)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    for (int64_t q = 0; q < QUERIES; q += LANES) {
        const __m512 inverse = _mm512_div_ps(one, _mm512_loadu_ps(b->sum + q));
        for (int64_t c = 0; c < job->width; c++) {
            float *x = b->out + c * QUERIES + q;
            _mm512_storeu_ps(x, _mm512_mul_ps(_mm512_loadu_ps(x), inverse));
        }
    }
    transpose_words(b->out, QUERIES, job->width, QUERIES, spare, job->width);
    for (int64_t r = 0; r < rows; r++)
        memcpy(out + r * job->a->out_stride, spare + r * job->width,
               (size_t)job->a->v_width * sizeof *out);
}

static void attend(const attention_job *job, block *b, int64_t head)
{
    /* Steps of four products between which a share of the softmax is done. */
    const int64_t steps = KEYS / STEP * (job->depth + job->width) / STEP;
    const int64_t share = (KEYS / 2 + steps - 1) / steps;
    softmax none = {.b = b};
    PR_PUBLISH(b->q);
    score(job, b, head, 0, &none, 0);
    for (int64_t c = 0; c < job->chunks; c++) {
        softmax s = open_softmax(b, c, chunk_keys(job, c));
        if (c + 1 < job->chunks) score(job, b, head, c + 1, &s, share);
        if (c > 0) add_values(job, b, head, c - 1, &s, share);
        close_softmax(&s);
        PR_PUBLISH(s.weights);
    }
    add_values(job, b, head, job->chunks - 1, &none, 0);
}

static void attend_blocks(void *arg, int64_t begin, int64_t end, int lane)
{
    const attention_job *job = arg;
    const pr_attention *a = job->a;
    float *spare;
    block b =
        block_at(job, job->scratch + job->lane_offset + (size_t)lane * job->lane_bytes, &spare);
    pr_tiles_configure(QUERIES);
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / job->blocks, first = i % job->blocks * QUERIES, h = head % a->heads;
        int64_t row = head / a->heads * a->tokens + first;
        int64_t rows = a->tokens - first < QUERIES ? a->tokens - first : QUERIES;
        load_queries(job, &b, a->q + row * a->q_stride + h * a->qk_width, rows, spare);
        attend(job, &b, head);
        store_queries(job, &b, a->out + row * a->out_stride + h * a->v_width, rows, spare);
        for (int64_t r = 0; a->log_sum && r < rows; r++)
            a->log_sum[head * a->tokens + first + r] = (b.largest[r] + log2f(b.sum[r])) / log2_e;
    }
    _tile_release();
}

void pr_amx_bf16_attention(prune_context *ctx, const pr_attention *attention, void *scratch)
{
    attention_job job = measure(ctx, attention);
    job.scratch = scratch;
    int64_t heads = attention->batch * attention->heads;
    pr_parallel(ctx, heads * job.chunks, 1, pack_chunks, &job);
    pr_parallel(ctx, heads * job.blocks, 1, attend_blocks, &job);
}
