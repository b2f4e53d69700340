/* Weights into the order that the panel kernels read, once per session. */
#include "libprune/kernels/bf16.h"
#include "libprune/kernels/kernels.h"

#include <string.h>

static size_t padded_columns(int64_t n)
{
    return (size_t)(n / PR_PACK_COLUMNS + 2) * PR_PACK_COLUMNS;
}

static prune_status pad_columns(float **out, prune_context *ctx, int64_t n, const float *values)
{
    *out = pr_calloc(ctx, padded_columns(n), sizeof **out);
    if (!*out) return PRUNE_E_MEMORY;
    if (values) memcpy(*out, values, (size_t)n * sizeof **out);
    return PRUNE_OK;
}

/* Total columns with the last block's padding. */
static int64_t block_total(int64_t n, int64_t lanes)
{
    int64_t total = 0;
    while (total < n) total += pr_block_columns(n - total, lanes);
    return total;
}

prune_status pr_pack_columns(float **out, prune_context *ctx, int64_t n, const float *values)
{
    return pad_columns(out, ctx, n, values);
}

enum { ROOM_ALIGNMENT = 64 };

static size_t room_bytes(size_t bytes)
{
    return (bytes + ROOM_ALIGNMENT - 1) / ROOM_ALIGNMENT * ROOM_ALIGNMENT;
}

/* Memory for p->bytes. */
static prune_status place(pr_packed *p, prune_context *ctx, pr_pack_room *room)
{
    const size_t bytes = room_bytes(p->bytes);
    p->borrowed = room && (size_t)(room->end - room->at) >= bytes;
    p->data = p->borrowed ? room->at : pr_alloc(ctx, p->bytes + 1);
    if (p->borrowed) room->at += bytes;
    return p->data ? PRUNE_OK : PRUNE_E_MEMORY;
}

/* Matrices of one of Winograd's forms. */
static int64_t positions_of(pr_pack_kind kind)
{
    const int64_t pixels = pr_winograd_tile(kind) + 2;
    return pixels * pixels;
}

static size_t f32_bytes(const pr_kernels *kernels, int64_t n, int64_t k)
{
    const int64_t columns = n <= kernels->f32_thin ? n : block_total(n, kernels->f32_lanes);
    return (size_t)(columns * k) * sizeof(float);
}

static bool has_halves(const pr_kernels *kernels, int64_t n)
{
    return kernels->bf16_panel && n > kernels->f32_thin;
}

static size_t bf16_bytes(const pr_kernels *kernels, int64_t n, int64_t k)
{
    const int64_t step = kernels->bf16_step, total = block_total(n, kernels->bf16_lanes);
    return (size_t)(total * ((k + step - 1) / step * step)) * sizeof(uint16_t);
}

/* `parts` matrices, `each` bytes an integer. */
static size_t i8_bytes(const pr_kernels *kernels, int64_t parts, int64_t n, int64_t k, size_t each)
{
    const int64_t total = block_total(n, kernels->i8_lanes);
    return (size_t)(parts * total * pr_pack_i8_depth(kernels, k)) * each;
}

static size_t winograd_f32_bytes(const pr_kernels *kernels, pr_pack_kind kind, int64_t n,
                                 int64_t channels)
{
    const int64_t total = block_total(n, kernels->f32_lanes);
    return (size_t)(positions_of(kind) * total * channels) * sizeof(float);
}

size_t pr_pack_bytes(const pr_kernels *kernels, pr_operands operands, pr_pack_kind kind, int64_t n,
                     int64_t k)
{
    const bool halves = operands == PR_OPERANDS_BF16 && has_halves(kernels, n);
    if (operands != PR_OPERANDS_I8) {
        if (pr_winograd_tile(kind)) return room_bytes(winograd_f32_bytes(kernels, kind, n, k));
        return room_bytes(halves ? bf16_bytes(kernels, n, k) : f32_bytes(kernels, n, k));
    }
    switch (kind) {
    case PR_PACK_WINOGRAD2:
    case PR_PACK_WINOGRAD4:
        return room_bytes(i8_bytes(kernels, positions_of(kind), n, k, sizeof(int16_t)));
    case PR_PACK_PHASES4:
        return 4 * room_bytes(i8_bytes(kernels, positions_of(kind), n, k, sizeof(int16_t)));
    case PR_PACK_PHASES:
        return 4 * room_bytes(i8_bytes(kernels, 1, n, 4 * k, sizeof(int16_t)));
    case PR_PACK_DIRECT:
        break;
    }
    return room_bytes(i8_bytes(kernels, 1, n, k, 1));
}

typedef struct f32_job {
    const pr_kernels *kernels;
    int64_t n, k;
    const float *w;
    float *to;
} f32_job;

/* Blocks [begin, end) of 2 * lanes columns. */
static void pack_f32_blocks(void *arg, int64_t begin, int64_t end, int lane)
{
    const f32_job *job = arg;
    int64_t wide = 2 * job->kernels->f32_lanes, first = begin * wide;
    int64_t last = end * wide < job->n ? end * wide : job->n;
    (void)lane;
    pr_pack_f32_rows(job->kernels, last - first, job->k, job->w + first * job->k, job->k,
                     job->to + first * job->k);
}

prune_status pr_pack_f32(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                         pr_pack_room *room, int64_t n, int64_t k, const float *w,
                         const float *bias)
{
    pr_packed p = {.n = n, .k = k, .k_padded = k, .thin = n <= kernels->f32_thin};
    int64_t wide = 2 * kernels->f32_lanes;
    p.bytes = f32_bytes(kernels, n, k);
    PR_TRY(place(&p, ctx, room));
    prune_status status = pad_columns(&p.bias, ctx, n, bias);
    if (status != PRUNE_OK) {
        pr_packed_free(ctx, &p);
        return status;
    }
    if (p.thin) {
        memcpy(p.data, w, p.bytes);
    } else {
        f32_job job = {kernels, n, k, w, p.data};
        int64_t grain = 65536 / (wide * k + 1) + 1;
        pr_parallel(ctx, (n + wide - 1) / wide, grain, pack_f32_blocks, &job);
    }
    *out = p;
    return PRUNE_OK;
}

/* The tiles of one block; zeros in every gap are there already. */
static uint16_t *pack_block_bf16(const pr_kernels *kernels, uint16_t *to, int64_t wide, int64_t n,
                                 int64_t k_padded, int64_t k, const float *w)
{
    const int64_t lanes = kernels->bf16_lanes, step = kernels->bf16_step;
    for (int64_t j = 0; j < n; j++) {
        for (int64_t i = 0; i < k; i++) {
            const int64_t tile = (i / step * wide + j / lanes * lanes) * step;
            to[tile + (i % step / 2 * lanes + j % lanes) * 2 + i % 2] = pr_bf16_of(w[j * k + i]);
        }
    }
    return to + wide * k_padded;
}

static prune_status pack_halves(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                                pr_pack_room *room, int64_t n, int64_t k, const float *w,
                                const float *bias)
{
    pr_packed p = {.n = n, .k = k, .bf16 = true};
    p.k_padded = (k + kernels->bf16_step - 1) / kernels->bf16_step * kernels->bf16_step;
    p.bytes = bf16_bytes(kernels, n, k);
    PR_TRY(place(&p, ctx, room));
    uint16_t *to = memset(p.data, 0, p.bytes);
    for (int64_t c = 0; c < n;) {
        const int64_t wide = pr_block_columns(n - c, kernels->bf16_lanes);
        const int64_t columns = n - c < wide ? n - c : wide;
        to = pack_block_bf16(kernels, to, wide, columns, p.k_padded, k, w + c * k);
        c += wide;
    }
    prune_status status = pad_columns(&p.bias, ctx, n, bias);
    if (status != PRUNE_OK) {
        pr_packed_free(ctx, &p);
        return status;
    }
    *out = p;
    return PRUNE_OK;
}

prune_status pr_pack_bf16(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                          pr_pack_room *room, int64_t n, int64_t k, const float *w,
                          const float *bias)
{
    float *rounded;
    if (has_halves(kernels, n)) return pack_halves(out, ctx, kernels, room, n, k, w, bias);
    PR_TRY(pr_new(ctx, (void **)&rounded, (size_t)n, (size_t)k * sizeof *rounded));
    kernels->bf16_round(w, rounded, n * k);
    prune_status status = pr_pack_f32(out, ctx, kernels, room, n, k, rounded, bias);
    pr_free(ctx, rounded);
    PR_TRY(status);
    out->bf16 = true;
    return PRUNE_OK;
}

/* Four columns of the block from four rows at w, four values each: a transpose in registers. */
static inline void pack_tile(float *to, int64_t wide, const float *w, int64_t ldw)
{
    typedef float four __attribute__((vector_size(16)));
    four row[4], low[2], high[2], out[4];
    for (int64_t i = 0; i < 4; i++) memcpy(&row[i], w + i * ldw, sizeof row[i]);
    for (int i = 0; i < 2; i++) {
        low[i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 0, 4, 1, 5);
        high[i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 2, 6, 3, 7);
    }
    out[0] = __builtin_shufflevector(low[0], low[1], 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(low[0], low[1], 2, 3, 6, 7);
    out[2] = __builtin_shufflevector(high[0], high[1], 0, 1, 4, 5);
    out[3] = __builtin_shufflevector(high[0], high[1], 2, 3, 6, 7);
    for (int64_t i = 0; i < 4; i++) memcpy(to + i * wide, &out[i], sizeof out[i]);
}

/* Columns from `first` on of one line of the block; zeros past the last. */
static inline void pack_rest(float *to, int64_t wide, int64_t first, int64_t columns,
                             const float *w, int64_t ldw)
{
    for (int64_t j = first; j < columns; j++) to[j] = w[j * ldw];
    for (int64_t j = columns; j < wide; j++) to[j] = 0.0f;
}

void pr_pack_f32_rows(const pr_kernels *kernels, int64_t n, int64_t k, const float *w, int64_t ldw,
                      float *to)
{
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, kernels->f32_lanes);
        int64_t columns = n - c < wide ? n - c : wide;
        const int64_t tiles = columns / 4 * 4;
        int64_t p = 0;
        for (; p + 4 <= k; p += 4) {
            for (int64_t j = 0; j < tiles; j += 4)
                pack_tile(to + p * wide + j, wide, w + (c + j) * ldw + p, ldw);
            for (int64_t i = p; i < p + 4; i++)
                pack_rest(to + i * wide, wide, tiles, columns, w + c * ldw + i, ldw);
        }
        for (; p < k; p++) pack_rest(to + p * wide, wide, 0, columns, w + c * ldw + p, ldw);
        to += wide * k;
        c += wide;
    }
}

void pr_pack_f32_transposed(const pr_kernels *kernels, int64_t n, int64_t k, const float *w,
                            int64_t ldw, float *to)
{
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, kernels->f32_lanes);
        int64_t columns = n - c < wide ? n - c : wide;
        for (int64_t p = 0; p < k; p++) {
            memcpy(to + p * wide, w + p * ldw + c, (size_t)columns * sizeof *to);
            for (int64_t j = columns; j < wide; j++) to[p * wide + j] = 0.0f;
        }
        to += wide * k;
        c += wide;
    }
}

int64_t pr_pack_f32_size(const pr_kernels *kernels, int64_t n, int64_t k)
{
    return block_total(n, kernels->f32_lanes) * k;
}

static int64_t step_of(const pr_kernels *kernels)
{
    return kernels->i8_step ? kernels->i8_step : kernels->i8_depth;
}

/* Columns of a block with their padding, columns, depth; how pr_packed cuts it. */
typedef struct block {
    int64_t wide, n, k, step, lanes;
} block;

/* One block, as pr_packed says; w is n x k without gaps. Written in order, read from `lanes` rows
 * at once; gaps stay as they are. */
#define PACK_BLOCK(name, type)                                                                     \
    static inline void name##_tile(type *to, const block *b, int64_t columns, int64_t deep,        \
                                   int64_t depth, const type *from)                                \
    {                                                                                              \
        for (int64_t c = 0; c < columns; c++, from += b->k, to += depth)                           \
            for (int64_t d = 0; d < deep; d++) to[d] = from[d];                                    \
    }                                                                                              \
    static inline void name(type *block_of, const block *b, int64_t depth, const type *w)          \
    {                                                                                              \
        for (int64_t i = 0; i < b->k; i += b->step) {                                              \
            const int64_t end = b->k - i < b->step ? b->k : i + b->step;                           \
            for (int64_t j = 0; j < b->n; j += b->lanes) {                                         \
                const int64_t columns = b->n - j < b->lanes ? b->n - j : b->lanes;                 \
                type *to = block_of + i * b->wide + j * b->step;                                   \
                int64_t p = i;                                                                     \
                for (; p + depth <= end; p += depth, to += b->lanes * depth)                       \
                    name##_tile(to, b, columns, depth, depth, w + j * b->k + p);                   \
                if (p < end) name##_tile(to, b, columns, end - p, depth, w + j * b->k + p);        \
            }                                                                                      \
        }                                                                                          \
    }
PACK_BLOCK(pack_bytes, int8_t)
PACK_BLOCK(pack_shorts, int16_t)

/* Integer weights as they come, and are packed: bytes, or the 16 bits that a transform needs. */
typedef struct weights {
    const int8_t *bytes;
    const int16_t *shorts; /* where bytes is NULL */
} weights;

static void pack_block(const pr_kernels *kernels, void *to, int64_t wide, int64_t n, int64_t k,
                       weights w, int64_t at)
{
    const block b = {wide, n, k, step_of(kernels), kernels->i8_lanes};
    const int64_t depth = kernels->i8_depth;
    /* The usual depths as constants: loops that the compiler unrolls. */
    if (!w.bytes && depth == 2) {
        pack_shorts(to, &b, 2, w.shorts + at);
    } else if (!w.bytes) {
        pack_shorts(to, &b, depth, w.shorts + at);
    } else if (depth == 4) {
        pack_bytes(to, &b, 4, w.bytes + at);
    } else if (depth == 2) {
        pack_bytes(to, &b, 2, w.bytes + at);
    } else {
        pack_bytes(to, &b, depth, w.bytes + at);
    }
}

int64_t pr_pack_i8_depth(const pr_kernels *kernels, int64_t k)
{
    return (k + step_of(kernels) - 1) / step_of(kernels) * step_of(kernels);
}

int64_t pr_pack_i8_size(const pr_kernels *kernels, int64_t n, int64_t k)
{
    return block_total(n, kernels->i8_lanes) * pr_pack_i8_depth(kernels, k) * kernels->i8_bytes;
}

/* `depth` values of one column, as wide as the tier has them; past `left` they are zeros. */
static inline void put_group(const pr_kernels *kernels, char *to, const int8_t *w, int64_t left)
{
    int64_t depth = kernels->i8_depth;
    for (int64_t i = 0; i < depth; i++) {
        int8_t value = i < left ? w[i] : 0;
        if (kernels->i8_bytes == 2) {
            ((int16_t *)(void *)to)[i] = value;
        } else {
            ((int8_t *)to)[i] = value;
        }
    }
}

/* Column j of a block: groups of `depth` values, `stride` bytes apart within a step and `jump`
 * bytes from step to step. */
static void put_column(const pr_kernels *kernels, char *to, int64_t stride, int64_t jump,
                       const int8_t *w, int64_t length, int64_t k)
{
    int64_t depth = kernels->i8_depth, step = step_of(kernels);
    bool fours = depth == 4 && kernels->i8_bytes == 1;
    int64_t s = 0;
    if (depth == 2 && step == 2 && kernels->i8_bytes == 2) {
        for (; s + 2 <= length; s += 2, to += jump) {
            /* One store: two of 16 bits would hold up the load that joins them. */
            const uint32_t pair = (uint16_t)w[s] | (uint32_t)(uint16_t)w[s + 1] << 16;
            memcpy(to, &pair, sizeof pair);
        }
    }
    for (; s < k; s += step, to += jump) {
        char *at = to;
        for (int64_t i = s; i < s + step; i += depth, at += stride) {
            if (fours && i + 4 <= length) {
                memcpy(at, w + i, 4);
            } else {
                put_group(kernels, at, w + i, length - i);
            }
        }
    }
}

void pr_pack_i8_rows(const pr_kernels *kernels, int64_t n, int64_t k, const int8_t *w, int64_t ldw,
                     void *to, int32_t *offset)
{
    int64_t lanes = kernels->i8_lanes, step = step_of(kernels);
    int64_t group = kernels->i8_depth * kernels->i8_bytes;
    char *first = to;
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, lanes);
        for (int64_t j = 0; j < wide; j++) {
            char *at = first + j / lanes * lanes * step * kernels->i8_bytes + j % lanes * group;
            put_column(kernels, at, lanes * group, wide * step * kernels->i8_bytes,
                       w + (c + j) * ldw, c + j < n ? k : 0, k);
        }
        first += wide * pr_pack_i8_depth(kernels, k) * kernels->i8_bytes;
        c += wide;
    }
    for (int64_t c = 0; kernels->i8_bytes == 1 && c < n; c++) {
        int32_t sum = 0;
        for (int64_t i = 0; i < k; i++) sum += w[c * ldw + i];
        offset[c] = -128 * sum;
    }
}

int64_t pr_pack_i16_size(const pr_kernels *kernels, int64_t n, int64_t k)
{
    int64_t pairs = (k + PR_I16_DEPTH - 1) / PR_I16_DEPTH;
    return block_total(n, kernels->i16_lanes) * pairs * PR_I16_DEPTH * (int64_t)sizeof(int16_t);
}

void pr_pack_i16_transposed(const pr_kernels *kernels, int64_t n, int64_t k, const int8_t *w,
                            int64_t ldw, int16_t *to)
{
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, kernels->i16_lanes);
        int64_t columns = n - c < wide ? n - c : wide;
        for (int64_t p = 0; p < k; p += PR_I16_DEPTH, to += wide * PR_I16_DEPTH) {
            const int8_t *first = w + p * ldw + c, *second = first + ldw;
            int16_t last = p + 1 < k; /* 0: there is no second */
            for (int64_t j = 0; j < columns; j++) {
                to[2 * j] = first[j];
                to[2 * j + 1] = last ? second[j] : 0;
            }
            memset(to + 2 * columns, 0, (size_t)(2 * (wide - columns)) * sizeof *to);
        }
        c += wide;
    }
}

/* `parts` matrices [n, k] that share columns (Winograd's positions) lie together in each block. */
static prune_status pack_parts(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                               pr_pack_room *room, int64_t parts, int64_t n, int64_t k, weights w,
                               const float *scale, const float *bias)
{
    pr_packed p = {.n = n, .k = k};
    prune_status status;
    p.k_padded = pr_pack_i8_depth(kernels, k);
    const int64_t each = w.bytes ? 1 : (int64_t)sizeof(int16_t);
    p.bytes = i8_bytes(kernels, parts, n, k, (size_t)each);
    p.shorts = !w.bytes;
    PR_GO(place(&p, ctx, room));
    char *to = p.data;
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, kernels->i8_lanes);
        int64_t columns = n - c < wide ? n - c : wide;
        size_t bytes = (size_t)(wide * p.k_padded * each);
        for (int64_t i = 0; i < parts; i++, to += bytes) {
            if (columns < wide || p.k_padded > k) memset(to, 0, bytes);
            pack_block(kernels, to, wide, columns, k, w, (i * n + c) * k);
        }
        c += wide;
    }
    PR_GO(pad_columns(&p.bias, ctx, n, bias));
    PR_GO(pad_columns(&p.scale, ctx, n, scale));
    *out = p;
    return PRUNE_OK;
done:
    pr_packed_free(ctx, &p);
    return status;
}

prune_status pr_pack_i8(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                        pr_pack_room *room, int64_t n, int64_t k, const int8_t *w,
                        const float *scale, const float *bias)
{
    PR_TRY(pack_parts(out, ctx, kernels, room, 1, n, k, (weights){.bytes = w}, scale, bias));
    out->offset = pr_calloc(ctx, padded_columns(n), sizeof *out->offset);
    if (!out->offset) {
        pr_packed_free(ctx, out);
        return PRUNE_E_MEMORY;
    }
    for (int64_t o = 0; o < n; o++) {
        int32_t sum = 0;
        for (int64_t i = 0; i < k; i++) sum += w[o * k + i];
        out->offset[o] = -128 * sum;
    }
    return PRUNE_OK;
}

/* --- 3 x 3 kernels ----------------------------------------------------------------------------*/

static bool is_same_3x3(const pr_conv *conv)
{
    if (conv->groups != 1) return false;
    for (int i = 0; i < 2; i++) {
        if (conv->kernel[i] != 3 || conv->stride[i] != 1 || conv->pad[i] != 1) return false;
    }
    return conv->out_height == conv->height && conv->out_width == conv->width;
}

pr_pack_kind pr_pack_kind_for(const pr_kernels *kernels, const pr_conv *conv, int64_t outputs)
{
    /* Panels of bytes have no room for sums of weights or of inputs. */
    if (!kernels->i8_winograd || !is_same_3x3(conv)) return PR_PACK_DIRECT;
    /* Four times the sum must fit 32 bits. */
    if (conv->channels > 3600 || outputs < 4) return PR_PACK_DIRECT;
    /* Tiles of 4 x 4: the sum must fit 26 bits. */
    const bool large = conv->channels >= 8 && 9 * 127 * 127 * conv->channels < 1 << 25;
    if (conv->upsample == 2) return large ? PR_PACK_PHASES4 : PR_PACK_PHASES;
    if (conv->upsample != 1 || conv->channels < 8) return PR_PACK_DIRECT;
    return large ? PR_PACK_WINOGRAD4 : PR_PACK_WINOGRAD2;
}

pr_pack_kind pr_pack_kind_f32(const pr_kernels *kernels, const pr_conv *conv, int64_t outputs)
{
    if (!kernels->f32_winograd || !is_same_3x3(conv)) return PR_PACK_DIRECT;
    /* Fewer products for each transformed value do not pay for its transform. */
    if (conv->channels < 16 || outputs < 16) return PR_PACK_DIRECT;
    /* Four times the weights of a direct convolution have to come from some cache. */
    return conv->channels <= 256 ? PR_PACK_WINOGRAD4 : PR_PACK_WINOGRAD2;
}

/* Which of two neighbours tap t of an enlarged map reads: phase 0 sees -1, 0, 0; phase 1 0, 0, 1.
 */
static const int phase_taps[2][3] = {{0, 1, 1}, {0, 0, 1}};

/* Rows of integers' G times a number that makes them whole: 2 and, but for the last row, 24. */
static const int whole_g2[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
static const int whole_g4[6][3] = {{6, 0, 0}, {4, 4, 4},  {4, -4, 4},
                                   {1, 2, 4}, {1, -2, 4}, {0, 0, 12}};

enum { MOST_WIDE = 32 }; /* columns of a block of floats */

/* row . (a, b, c) of every column. */
static void combine_f32(const double row[3], const double *a, const double *b, const double *c,
                        int64_t count, double *to)
{
    for (int64_t i = 0; i < count; i++) to[i] = row[0] * a[i] + row[1] * b[i] + row[2] * c[i];
}

/* G g G^T of the kernels of `count` columns, one channel; in double: rounded once. Position p goes
 * to u + p * step. */
static void transform_kernels_f32(pr_pack_kind kind, const float *w, int64_t channels,
                                  int64_t count, float *u, int64_t step)
{
    static const double root = 1.4142135623730951, third = 1.0 / 3;
    /* The points of swinograd.c. */
    static const double g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    static const double g4[6][3] = {{1, 0, 0},
                                    {-2 * third, -root * third, -third},
                                    {-2 * third, root * third, -third},
                                    {third / 2, root * third / 2, third},
                                    {third / 2, -root * third / 2, third},
                                    {0, 0, 1}};
    const double(*rows)[3] = kind == PR_PACK_WINOGRAD4 ? g4 : g2;
    const int n = kind == PR_PACK_WINOGRAD4 ? 6 : 4;
    double g[9][MOST_WIDE], half[3][MOST_WIDE], whole[MOST_WIDE];
    for (int64_t j = 0; j < count; j++)
        for (int tap = 0; tap < 9; tap++) g[tap][j] = (double)w[(j * 9 + tap) * channels];
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < 3; x++) combine_f32(rows[y], g[x], g[3 + x], g[6 + x], count, half[x]);
        for (int x = 0; x < n; x++, u += step) {
            combine_f32(rows[x], half[0], half[1], half[2], count, whole);
            for (int64_t j = 0; j < count; j++) u[j] = (float)whole[j];
        }
    }
}

prune_status pr_pack_winograd_f32(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                                  pr_pack_room *room, pr_pack_kind kind, int64_t n,
                                  int64_t channels, const float *w, const float *bias)
{
    pr_packed p = {.n = n, .k = channels, .k_padded = channels, .kind = kind};
    const int64_t lanes = kernels->f32_lanes, positions = positions_of(kind);
    p.bytes = winograd_f32_bytes(kernels, kind, n, channels);
    PR_TRY(place(&p, ctx, room));
    float *to = p.data;
    for (int64_t c = 0; c < n;) {
        int64_t wide = pr_block_columns(n - c, lanes), columns = n - c < wide ? n - c : wide;
        if (columns < wide) memset(to, 0, (size_t)(positions * wide * channels) * sizeof *to);
        for (int64_t k = 0; k < channels; k++) {
            transform_kernels_f32(kind, w + c * 9 * channels + k, channels, columns, to + k * wide,
                                  channels * wide);
        }
        to += positions * wide * channels;
        c += wide;
    }
    prune_status status = pad_columns(&p.bias, ctx, n, bias);
    if (status != PRUNE_OK) {
        pr_packed_free(ctx, &p);
        return status;
    }
    *out = p;
    return PRUNE_OK;
}

enum { SLICE = 64 }; /* channels that are transformed together */

/* The taps of one phase on the small map as 3 x 3 kernels, or the kernels themselves. */
static void gather_taps(pr_pack_kind kind, int phase, const int8_t *w, int64_t channels,
                        int64_t count, int16_t g[9][SLICE])
{
    memset(g, 0, 9 * sizeof *g);
    for (int tap = 0; tap < 9; tap++, w += channels) {
        int y = tap / 3, x = tap % 3;
        if (kind == PR_PACK_PHASES4) {
            y = phase_taps[phase / 2][y] + phase / 2;
            x = phase_taps[phase % 2][x] + phase % 2;
        }
        int16_t *to = g[3 * y + x];
        for (int64_t c = 0; c < count; c++) to[c] = (int16_t)(to[c] + w[c]);
    }
}

/* row . (a, b, c) of every channel. */
static void combine(const int row[3], const int16_t *a, const int16_t *b, const int16_t *c,
                    int64_t count, int16_t *to)
{
    const int16_t p = (int16_t)row[0], q = (int16_t)row[1], r = (int16_t)row[2];
    for (int64_t i = 0; i < count; i++) to[i] = (int16_t)(p * a[i] + q * b[i] + r * c[i]);
}

/* Whole numbers, at most 9 * 127 or 144 * 127 (avx2/winograd.h): position p goes to u + p * step.
 */
static void transform_kernels(pr_pack_kind kind, int16_t g[9][SLICE], int64_t count, int16_t *u,
                              int64_t step)
{
    const bool wide = kind != PR_PACK_WINOGRAD2;
    const int(*whole)[3] = wide ? whole_g4 : whole_g2;
    const int n = wide ? 6 : 4;
    int16_t half[3][SLICE];
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < 3; x++) combine(whole[y], g[x], g[3 + x], g[6 + x], count, half[x]);
        for (int x = 0; x < n; x++, u += step)
            combine(whole[x], half[0], half[1], half[2], count, u);
    }
}

prune_status pr_pack_winograd(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                              pr_pack_room *room, pr_pack_kind kind, int64_t n, int64_t channels,
                              const int8_t *w, const float *scale, const float *bias)
{
    const int64_t positions = positions_of(kind);
    prune_status status = PRUNE_OK;
    int16_t *u, g[9][SLICE];
    PR_TRY(pr_new(ctx, (void **)&u, (size_t)(positions * n), (size_t)channels * sizeof *u));
    for (int phase = 0; phase < pr_pack_parts(kind) && status == PRUNE_OK; phase++) {
        for (int64_t o = 0; o < n; o++) {
            for (int64_t c = 0; c < channels; c += SLICE) {
                const int64_t count = channels - c < SLICE ? channels - c : SLICE;
                gather_taps(kind, phase, w + o * 9 * channels + c, channels, count, g);
                transform_kernels(kind, g, count, u + o * channels + c, n * channels);
            }
        }
        status = pack_parts(&out[phase], ctx, kernels, room, positions, n, channels,
                            (weights){.shorts = u}, scale, bias);
        out[phase].kind = kind;
    }
    pr_free(ctx, u);
    return status;
}

prune_status pr_pack_phases(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                            pr_pack_room *room, int64_t n, int64_t channels, const int8_t *w,
                            const float *scale, const float *bias)
{
    prune_status status = PRUNE_OK;
    size_t bytes = (size_t)(4 * channels) * sizeof(int16_t);
    int16_t *sums;
    PR_TRY(pr_new(ctx, (void **)&sums, (size_t)n, bytes));
    for (int phase = 0; phase < 4 && status == PRUNE_OK; phase++) {
        memset(sums, 0, (size_t)n * bytes);
        for (int64_t i = 0; i < n * 9 * channels; i++) {
            int64_t o = i / (9 * channels), tap = i / channels % 9, c = i % channels;
            int at = phase_taps[phase / 2][tap / 3] * 2 + phase_taps[phase % 2][tap % 3];
            int16_t *to = &sums[(o * 4 + at) * channels + c];
            *to = (int16_t)(*to + w[i]);
        }
        status = pack_parts(&out[phase], ctx, kernels, room, 1, n, 4 * channels,
                            (weights){.shorts = sums}, scale, bias);
        out[phase].kind = PR_PACK_PHASES;
    }
    pr_free(ctx, sums);
    return status;
}

void pr_packed_free(prune_context *ctx, pr_packed *packed)
{
    if (!packed->borrowed) pr_free(ctx, packed->data);
    pr_free(ctx, packed->bias);
    pr_free(ctx, packed->scale);
    pr_free(ctx, packed->offset);
    *packed = (pr_packed){0};
}
