/* Arithmetic on plain buffers, one table row per instruction-set tier. Sessions build on the
 * drivers below (pr_gemm_*, pr_conv_*), which gather rows and call a tier's panel kernels. */
#ifndef PR_KERNELS_KERNELS_H
#define PR_KERNELS_KERNELS_H

#include "libprune/base/context.h"

typedef enum pr_activation {
    PR_ACT_NONE = 0,
    PR_ACT_RELU = 1,
    PR_ACT_LEAKY_RELU = 2, /* y > 0 ? y : alpha * y */
    PR_ACT_ELU = 3,        /* y > 0 ? y : alpha * (exp(y) - 1) */
    PR_ACT_GELU = 4,       /* y * Phi(y), the erf form, absolute error below 1e-6 */
    PR_ACT_SIGMOID = 5,
    PR_ACT_COUNT
} pr_activation;

/* What happens to a sum before it is stored (integer.h defines each step for integers):
 *   y = acc * scale[c] * row_scale[r] + bias[c];  y *= gain[c];  y = act(y);
 *   y += residual[r, c];  y = late(y)
 *   out[r, c] = y;  out8[r, c] = quantize(relu8 ? max(y, 0) : y)
 * Rows and columns count from the pointers given here. bias, gain, scale, inv_scale and zero are
 * readable up to the next multiple of PR_PACK_COLUMNS. */
typedef struct pr_epilogue {
    const int32_t *place;   /* row r is stored, and finds its residual, at place[r]; NULL: at r */
    const float *scale;     /* [n], integers only */
    const float *row_scale; /* [m], integers with dynamic inputs only, else NULL */
    const float *bias;      /* [n] or NULL */
    const float *gain;      /* [n] or NULL: LayerScale */
    pr_activation act, late;
    float alpha, late_alpha;
    const float *residual; /* or NULL */
    int64_t residual_stride;
    float *out; /* or NULL */
    int64_t out_stride;
    int8_t *out8; /* or NULL */
    int64_t out8_stride;
    const float *inv_scale; /* [n], with out8 */
    const float *zero;      /* [n], with out8: zero points as floats */
    bool relu8;
} pr_epilogue;

/* Nothing but a store, or an addition to what is stored: tiles need no buffer (attention). */
static inline bool pr_epilogue_is_plain(const pr_epilogue *e)
{
    return e->out && !e->bias && !e->gain && !e->out8 && !e->place && e->act == PR_ACT_NONE &&
           e->late == PR_ACT_NONE && (!e->residual || e->residual == e->out);
}

enum { PR_I16_DEPTH = 2 };     /* of every tier's i16_panel */
enum { PR_PACK_COLUMNS = 64 }; /* padding of per-column arrays; a multiple of every block width */

/* How a 3 x 3 kernel is multiplied: integers in whatever form stays exact, floats directly or by
 * Winograd's, which rounds differently. */
typedef enum pr_pack_kind {
    PR_PACK_DIRECT = 0,
    PR_PACK_WINOGRAD2, /* 4 x 4 transformed weights for 2 x 2 outputs (winograd.h) */
    PR_PACK_WINOGRAD4, /* 6 x 6 for 4 x 4 */
    PR_PACK_PHASES,    /* after nearest x2: 2 x 2 sums of weights for each of four phases */
    PR_PACK_PHASES4    /* the phases in the form of 4 x 4 outputs each */
} pr_pack_kind;

/* Outputs along an edge of a Winograd tile; 0: not such a form. */
static inline int64_t pr_winograd_tile(pr_pack_kind kind)
{
    if (kind == PR_PACK_WINOGRAD2) return 2;
    return kind == PR_PACK_WINOGRAD4 || kind == PR_PACK_PHASES4 ? 4 : 0;
}

/* Packed matrices, one beside the other. */
static inline int32_t pr_pack_parts(pr_pack_kind kind)
{
    return kind == PR_PACK_PHASES || kind == PR_PACK_PHASES4 ? 4 : 1;
}

/* Weights [n, k] in the order that a tier's panel kernel reads: blocks of 2 * lanes columns, the
 * last one of `lanes` columns when that is enough; inside a block [k / depth][columns][depth], or,
 * for tiers with an i8_step, [k / step][columns / lanes][step / depth][lanes][depth]: tiles.
 * Integers are bytes, or of 16 bits where `shorts` says so.
 * thin: plain rows [n, k_padded], for a few outputs, where kernels reduce along k instead. */
typedef struct pr_packed {
    int64_t n, k, k_padded;
    pr_pack_kind kind;
    bool thin;
    bool bf16;   /* operands are rounded to BF16: see pr_pack_bf16 */
    bool shorts; /* integers of 16 bits: sums of weights, and what attention packs on the way */
    void *data;
    float *bias;     /* padded with zeros */
    float *scale;    /* integers: padded with zeros */
    int32_t *offset; /* integers: -128 * column sum, what adding 128 to every input costs */
    size_t bytes;
    bool borrowed; /* data lies in a room */
} pr_packed;

/* Memory for the weights of many layers, filled from `at` upwards: one large block has huge pages,
 * many small ones would cost more in page faults than packing them. */
typedef struct pr_pack_room {
    char *at, *end;
} pr_pack_room;

typedef enum pr_operands { PR_OPERANDS_F32, PR_OPERANDS_BF16, PR_OPERANDS_I8 } pr_operands;

/* Convolution, N x H x W x C, as products of gathered rows (implicit im2col). */
typedef struct pr_conv {
    int64_t batch, height, width, channels; /* of what the kernel slides over */
    int64_t upsample; /* the image is stored this many times smaller: nearest-neighbour resize */
    int64_t out_height, out_width;
    int64_t kernel[2], stride[2], pad[2]; /* pad: top, left; the rest follows from the sizes */
    bool reflect;                         /* else padding holds `fill` */
    bool clamp;                           /* padding repeats the edge */
    int64_t groups;
    const void *image;  /* float or int8 */
    const int8_t *fill; /* int8 [channels]: what padding holds; NULL: 0 */
    const pr_packed *b; /* one per group */
    pr_epilogue e;      /* columns count over all groups */
    int64_t origin;     /* the output row (pixel) that is row 0 of e */
} pr_conv;

struct pr_attention;

typedef struct pr_kernels {
    const char *name;
    int32_t unit; /* rows are dealt out in units of this many; 0: PR_PANEL_UNIT (driver.h) */
    /* out[m, n] = a[m, k] * packed^T, then the epilogue; rows count from `row` in it. */
    int32_t f32_lanes, f32_thin;
    void (*f32_panel)(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                      const pr_epilogue *e, int64_t row);
    /* One thin output without a residual, out_stride 1: row r is the sum over `parts` of the
     * product of b's k / parts values with those at line[part] + r * step (NULL: zeros). NULL: not
     * there. */
    void (*f32_single)(int64_t m, const float *const *lines, int64_t parts, int64_t step,
                       const pr_packed *b, const pr_epilogue *e, int64_t row);
    /* BF16 (bf16.h). bf16_round leaves rounded numbers as floats, y may be x. Tiers with bfloat16
     * products have the rest: panels of rounded halves (bf16_narrow), k padded with zeros to a
     * multiple of bf16_step; others have no bf16_panel, and their f32_panel takes rounded floats.
     */
    void (*bf16_round)(const float *x, float *y, int64_t count);
    int32_t bf16_lanes, bf16_step;
    void (*bf16_narrow)(uint16_t *to, const float *from, int64_t count);
    void (*bf16_panel)(int64_t m, const uint16_t *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row);
    /* Fused attention in a layout of its own; NULL: not there (attention_bf16.c). */
    size_t (*bf16_attention_scratch)(const prune_context *ctx,
                                     const struct pr_attention *attention);
    void (*bf16_attention)(prune_context *ctx, const struct pr_attention *attention, void *scratch);
    /* Integers: a is a panel of i8_bytes-wide elements, written by i8_widen; lda in elements. */
    int32_t i8_lanes, i8_depth, i8_bytes;
    int32_t i8_step;        /* k is padded to a multiple of it, blocks are cut by it; 0: i8_depth */
    bool i8_plain;          /* a panel holds the bytes themselves: rows may stay where they are */
    int64_t i8_panel_bytes; /* of a panel that stays in cache; 0: as for floats */
    int64_t i8_worth;       /* multiply-adds worth waking a thread for; 0: as for floats */
    /* Rows of a block that goes through several layers: so many multiply by a weight in a multiple
     * of the time that reading it takes, from memory or the third-level cache. 0: a unit is
     * enough. */
    int32_t reuse;
    void (*i8_widen)(void *to, const int8_t *from, int64_t count);
    void (*i8_panel)(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                     const pr_epilogue *e, int64_t row);
    /* Winograd convolution of output tiles [begin, end) (winograd.h). `memory` holds what
     * ..._winograd_bytes(conv) says. NULL: direct is faster (f32), or the tier's panels hold bytes,
     * into which the transform would not fit (i8). */
    size_t (*f32_winograd_bytes)(const pr_conv *conv);
    void (*f32_winograd)(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                         void *memory);
    size_t (*i8_winograd_bytes)(const pr_conv *conv);
    void (*i8_winograd)(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                        void *memory);
    /* Lays out `rows` rows of a panel, `to_stride` elements apart: `taps` runs of `run` values from
     * line + offset[t], or from fill where offset[t] < 0; offset advances by `step` per row. */
    void (*f32_gather)(float *to, int64_t to_stride, const float *line, const int32_t *offset,
                       int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill);
    /* The same, narrowed to halves; with bf16_panel only. */
    void (*bf16_gather)(uint16_t *to, int64_t to_stride, const float *line, const int32_t *offset,
                        int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill);
    void (*i8_gather)(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                      int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill);

    void (*activate)(pr_activation act, float alpha, const float *x, float *y, int64_t count);
    void (*add)(const float *a, const float *b, float *y, int64_t count);
    /* y = (x - mean) / sqrt(var + epsilon) * weight + bias over each row of `width`; statistics
     * count `norm_width` channels (the removed ones as zeros). bias may be NULL. */
    void (*layer_norm)(int64_t rows, int64_t width, int64_t norm_width, float epsilon,
                       const float *x, int64_t x_stride, const float *weight, const float *bias,
                       float *y, int64_t y_stride);
    /* Rows of n columns: per-column inv_scale and zero; relu first when asked. */
    void (*quantize)(int64_t rows, int64_t n, const float *x, int64_t x_stride,
                     const float *inv_scale, const float *zero, bool relu, int8_t *q,
                     int64_t q_stride);
    /* Dynamic: each row by its own largest magnitude; row_scale[r] receives its step. */
    void (*quantize_rows)(int64_t rows, int64_t n, const float *x, int64_t x_stride, bool relu,
                          int8_t *q, int64_t q_stride, float *row_scale);
    /* One output row of a bilinear resize: between source rows top and bottom by wy, and between
     * columns x0 and x1 by wx. */
    void (*resize_row)(int64_t width, int64_t channels, const float *top, const float *bottom,
                       float wy, const int32_t *x0, const int32_t *x1, const float *wx, float *y);
    /* For softmax. exp2_row: in place s[j] = 2^(s[j] - largest), relative error 3e-7; returns the
     * sum. No s[j] is above largest by more than 127. */
    float (*max_row)(const float *s, int64_t n);
    float (*exp2_row)(float *s, int64_t n, float largest);
    void (*scale_row)(const float *x, float factor, float *y, int64_t count);
    /* What the tier can do at most (measure/peak.c), each NULL where there is nothing to measure:
     * `rounds` rounds of independent multiply-adds on registers alone, by the instructions that the
     * panels use; returns how many there were. Reading: `bytes` from memory aligned to 64. */
    uint64_t (*peak_f32)(int64_t rounds);
    uint64_t (*peak_i8)(int64_t rounds);
    uint64_t (*peak_bf16)(int64_t rounds);
    void (*peak_read)(const void *from, size_t bytes);
    /* Attention in integers (integer.h). weigh_row: p[j] = rne(2^(s[j] * factor - largest) *
     * 32767), exact to one unit; returns their sum, n <= 65536. No s[j] * factor, unrounded, is
     * above largest. */
    int32_t (*weigh_row)(const float *s, int64_t n, float factor, float largest, int16_t *p);
    /* As i8_panel, for a[m, k] and packed^T of 16 bits each, k padded to PR_I16_DEPTH in both; the
     * caller keeps the sums within 32 bits. */
    int32_t i16_lanes;
    void (*i16_panel)(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                      const pr_epilogue *e, int64_t row);
} pr_kernels;

/* The row of a tier; builds for other processors have the portable one alone. */
const pr_kernels *pr_kernels_get(pr_isa isa);

extern const pr_kernels pr_kernels_portable;
extern const pr_kernels pr_kernels_avx2;
extern const pr_kernels pr_kernels_avxvnni;
extern const pr_kernels pr_kernels_avx512;
extern const pr_kernels pr_kernels_avx512vnni;
extern const pr_kernels pr_kernels_amx;

/* --- packing ---------------------------------------------------------------------------------*/
/* What the functions below take of a room for one matrix [n, k], or for one 3 x 3 convolution of k
 * channels where `kind` is not direct. */
size_t pr_pack_bytes(const pr_kernels *kernels, pr_operands operands, pr_pack_kind kind, int64_t n,
                     int64_t k);
/* Packed weights lie in `room`, which must outlive them; in memory of their own where it is NULL or
 * full. */
prune_status pr_pack_f32(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                         pr_pack_room *room, int64_t n, int64_t k, const float *w,
                         const float *bias);
prune_status pr_pack_i8(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                        pr_pack_room *room, int64_t n, int64_t k, const int8_t *w,
                        const float *scale, const float *bias);
/* Floats whose products are BF16 ones. Thin weights, and those of tiers without such products, are
 * laid out as by pr_pack_f32, but rounded; else a block is made of tiles, [k / step][columns /
 * lanes] of them, each [step / 2][lanes][2] halves. */
prune_status pr_pack_bf16(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                          pr_pack_room *room, int64_t n, int64_t k, const float *w,
                          const float *bias);
/* 3 x 3 kernels [n, 3, 3, channels], stride 1, one group, in one of Winograd's forms, into
 * out[pr_pack_parts(kind)]. Only where pr_pack_kind_for says so. */
prune_status pr_pack_winograd(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                              pr_pack_room *room, pr_pack_kind kind, int64_t n, int64_t channels,
                              const int8_t *w, const float *scale, const float *bias);
/* The same for floats; only where pr_pack_kind_f32 says so. */
prune_status pr_pack_winograd_f32(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                                  pr_pack_room *room, pr_pack_kind kind, int64_t n,
                                  int64_t channels, const float *w, const float *bias);
/* Into out[4], one for each phase (y, x) of the enlarged map: PR_PACK_PHASES. */
prune_status pr_pack_phases(pr_packed *out, prune_context *ctx, const pr_kernels *kernels,
                            pr_pack_room *room, int64_t n, int64_t channels, const int8_t *w,
                            const float *scale, const float *bias);
/* The fastest exact form of an integer convolution (image, sums and outputs do not matter). */
pr_pack_kind pr_pack_kind_for(const pr_kernels *kernels, const pr_conv *conv, int64_t outputs);
/* The same for floats: direct or Winograd. The enlarging of the image does not matter. */
pr_pack_kind pr_pack_kind_f32(const pr_kernels *kernels, const pr_conv *conv, int64_t outputs);
/* The block layout alone, into memory of pr_pack_f32_size floats: w [n, k] with row stride ldw, or
 * its transpose [k, n]. Never thin. */
int64_t pr_pack_f32_size(const pr_kernels *kernels, int64_t n, int64_t k);
void pr_pack_f32_rows(const pr_kernels *kernels, int64_t n, int64_t k, const float *w, int64_t ldw,
                      float *to);
void pr_pack_f32_transposed(const pr_kernels *kernels, int64_t n, int64_t k, const float *w,
                            int64_t ldw, float *to);
/* The same for integers, row by row while running: w [n, k] for i8_panel, with what its rows cost
 * where inputs become unsigned (offset holds n values); and w [k, n] for i16_panel. Sizes in bytes,
 * everything that panels read is written. */
int64_t pr_pack_i8_depth(const pr_kernels *kernels, int64_t k); /* k as panels want it padded */
int64_t pr_pack_i8_size(const pr_kernels *kernels, int64_t n, int64_t k);
void pr_pack_i8_rows(const pr_kernels *kernels, int64_t n, int64_t k, const int8_t *w, int64_t ldw,
                     void *to, int32_t *offset);
int64_t pr_pack_i16_size(const pr_kernels *kernels, int64_t n, int64_t k);
void pr_pack_i16_transposed(const pr_kernels *kernels, int64_t n, int64_t k, const int8_t *w,
                            int64_t ldw, int16_t *to);
/* A copy of n per-column values, padded as the epilogue needs them; NULL values: zeros. */
prune_status pr_pack_columns(float **out, prune_context *ctx, int64_t n, const float *values);
void pr_packed_free(prune_context *ctx, pr_packed *packed);

/* Columns of the block that starts where `remaining` columns are left, for packers and kernels. */
static inline int64_t pr_block_columns(int64_t remaining, int64_t lanes)
{
    return remaining > lanes ? 2 * lanes : lanes;
}

/* --- drivers: split over the context's pool ---------------------------------------------------
 * `scratch` is aligned to 64 bytes and holds what the matching ..._scratch function says. */
typedef struct pr_gemm {
    int64_t m;
    const void *a; /* float or int8 [m, k] */
    int64_t lda;
    const pr_packed *b; /* its bias and scale are used, those of e ignored */
    pr_epilogue e;
} pr_gemm;
/* Where b->bf16: pr_gemm_bf16 with scratch; convolutions of floats see for themselves. */
size_t pr_gemm_bf16_scratch(const prune_context *ctx, const pr_kernels *kernels,
                            const pr_packed *b);
void pr_gemm_bf16(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm,
                  void *scratch);
size_t pr_gemm_i8_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_packed *b);
void pr_gemm_f32(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm);
void pr_gemm_i8(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *gemm, void *scratch);
/* The same on the calling thread alone: a block of rows among other steps (session/rows.c). */
void pr_gemm_f32_block(const pr_kernels *kernels, const pr_gemm *gemm);
size_t pr_gemm_bf16_block_scratch(const pr_kernels *kernels, const pr_packed *b);
void pr_gemm_bf16_block(const pr_kernels *kernels, const pr_gemm *gemm, void *scratch);
size_t pr_gemm_i8_block_scratch(const pr_kernels *kernels, const pr_packed *b);
void pr_gemm_i8_block(const pr_kernels *kernels, const pr_gemm *gemm, void *scratch);

size_t pr_conv_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv,
                       bool integer);
void pr_conv_f32(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv, void *scratch);
void pr_conv_i8(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv, void *scratch);
/* 1 x 1 without stride or padding: a matrix product on the image as it lies. */
bool pr_conv_is_gemm(const pr_conv *conv);
/* Output rows (pixels) [begin, end) on the calling thread. Both are multiples of the unit, or end
 * is the last row. Unit 0: this form of convolution cannot be cut into runs of rows. */
int64_t pr_conv_block_unit(const pr_conv *conv);
size_t pr_conv_block_scratch(const pr_kernels *kernels, const pr_conv *conv, bool integer);
void pr_conv_block(const pr_kernels *kernels, const pr_conv *conv, bool integer, int64_t begin,
                   int64_t end, void *scratch);

/* Transposed convolution with kernel == stride; packed weights [outputs, channels] per tap. */
typedef struct pr_conv_transpose {
    int64_t batch, height, width, channels;
    int64_t kernel[2];
    const void *image;  /* float or int8 */
    const pr_packed *b; /* [kernel[0] * kernel[1]] */
    pr_epilogue e;      /* of the larger map */
} pr_conv_transpose;
size_t pr_conv_transpose_scratch(const prune_context *ctx, const pr_kernels *kernels,
                                 const pr_conv_transpose *transpose);
void pr_conv_transpose_run(prune_context *ctx, const pr_kernels *kernels,
                           const pr_conv_transpose *transpose, bool integer, void *scratch);

/* y = a / (1 + exp(-a)) * b, elementwise; y overlaps neither. */
void pr_gate_f32(const pr_kernels *kernels, const float *a, const float *b, float *y,
                 int64_t count);

/* Source cells of every output along one axis of a bilinear resize, and the weight of the second:
 * torch's float32 coordinates, clamped to the image. */
void pr_resize_axis(bool corners, int64_t in, int64_t out, int32_t *first, int32_t *second,
                    float *weight);

/* Softmax(scale q k^T) v per head, in tiles: no tokens x tokens matrix exists. Rows of q, k, v and
 * out are `..._stride` floats apart, images follow each other after `tokens` rows. */
typedef struct pr_attention {
    int64_t batch, tokens, heads, qk_width, v_width;
    float scale;
    const float *q, *k, *v;
    int64_t q_stride, k_stride, v_stride;
    float *out;
    int64_t out_stride;
    float *log_sum; /* or NULL; [batch * heads, tokens]: ln of what exp(scale q k^T) adds up to */
    bool bf16;      /* pr_attention_f32: operands of products are rounded, q when it is scaled */
} pr_attention;
size_t pr_attention_scratch(const prune_context *ctx, const pr_kernels *kernels,
                            const pr_attention *attention);
void pr_attention_f32(prune_context *ctx, const pr_kernels *kernels, const pr_attention *attention,
                      void *scratch);
/* BF16 operands: q (scaled), k, the probabilities before they are divided by their sum, and v. */
size_t pr_attention_bf16_scratch(const prune_context *ctx, const pr_kernels *kernels,
                                 const pr_attention *attention);
void pr_attention_bf16(prune_context *ctx, const pr_kernels *kernels, const pr_attention *attention,
                       void *scratch);
/* With integer products (integer.h). v has a scale per channel and this many keys. */
enum { PR_ATTENTION_KEYS = 384 };
size_t pr_attention_i8_scratch(const prune_context *ctx, const pr_kernels *kernels,
                               const pr_attention *attention);
void pr_attention_i8(prune_context *ctx, const pr_kernels *kernels, const pr_attention *attention,
                     void *scratch);
/* A tier with a fused BF16 attention runs in it what may be integers: it is nearer to FP32, and
 * faster than sums over weights of 15 bits. */
static inline bool pr_attention_prefers_bf16(const pr_kernels *kernels)
{
    return kernels->bf16_attention != NULL;
}

#endif
