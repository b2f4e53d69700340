/* token_embed: patch map [N, gh, gw, D] to tokens [N, P + gh*gw, D]. Prefix tokens (class token)
 * stand first; every token gets its position vector added. The stored table has P + rows*cols
 * vectors and is sampled bicubically for other grids (depth-anything-v2.md 3.2). */
#include "libprune/ops/ops.h"

#include <math.h>
#include <string.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_attrs *a = &node->attrs;
    if (in->rank != 4) return pr_op_shape_error(node, "the input must be N x H x W x C");
    if (a->grid[0] < 1 || a->grid[1] < 1 || a->grid[0] > 4096 || a->grid[1] > 4096 ||
        a->prefix > 64)
        return pr_op_shape_error(node, "grid %dx%d or prefix %d is out of range", a->grid[0],
                                 a->grid[1], a->prefix);
    const int64_t width = in->dim[3];
    const pr_shape prefix = pr_shape2(a->prefix, width);
    const pr_shape position = pr_shape2(a->prefix + (int64_t)a->grid[0] * a->grid[1], width);
    *out = pr_shape3(in->dim[0], a->prefix + in->dim[1] * in->dim[2], width);
    if (a->prefix > 0) PR_TRY(pr_op_expect_param(model, node, PR_SLOT_PREFIX, &prefix));
    return pr_op_expect_param(model, node, PR_SLOT_POSITION, &position);
}

static prune_status cut(pr_cut_call *call)
{
    PR_TRY(pr_op_cut_param(call, PR_SLOT_PREFIX, 1, call->out));
    return pr_op_cut_param(call, PR_SLOT_POSITION, 1, call->out);
}

void pr_position_taps(int32_t rule, int64_t size, int64_t count, int64_t d, int32_t index[4],
                      float weight[4])
{
    /* torch keeps the step and the coordinate in float32. */
    const double cells = rule == PR_POSITION_OFFSET ? (double)count + 0.1 : (double)count;
    const float step = (float)((double)size / cells);
    const float source = step * ((float)d + 0.5f) - 0.5f, base = floorf(source);
    const float t = source - base, a = -0.75f;
    for (int k = 0; k < 4; k++) {
        const int64_t i = (int64_t)base + k - 1;
        index[k] = (int32_t)(i < 0 ? 0 : i >= size ? size - 1 : i);
        const float x = fabsf(t - (float)(k - 1));
        weight[k] = x <= 1.0f ? ((a + 2) * x - (a + 3)) * x * x + 1
                              : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    }
}

/* The table as it is: both rules skip the sampling for their own square grid, and exact-size
 * sampling of the same grid is the identity for any shape. */
static bool unchanged(const pr_node *node, int64_t gh, int64_t gw)
{
    const pr_attrs *a = &node->attrs;
    if (gh != a->grid[0] || gw != a->grid[1]) return false;
    return gh == gw || a->position_rule == PR_POSITION_SIZE;
}

/* Calls body for every patch with its 16 taps as (table row, weight). */
typedef void (*tap_body)(void *user, int64_t patch, const int32_t row[16], const float weight[16]);
static void each_patch(const pr_node *node, int64_t gh, int64_t gw, tap_body body, void *user)
{
    const pr_attrs *a = &node->attrs;
    for (int64_t y = 0; y < gh; y++)
        for (int64_t x = 0; x < gw; x++) {
            int32_t iy[4], ix[4], row[16];
            float wy[4], wx[4], weight[16];
            pr_position_taps(a->position_rule, a->grid[0], gh, y, iy, wy);
            pr_position_taps(a->position_rule, a->grid[1], gw, x, ix, wx);
            for (int k = 0; k < 16; k++) {
                row[k] = a->prefix + iy[k / 4] * a->grid[1] + ix[k % 4];
                weight[k] = wy[k / 4] * wx[k % 4];
            }
            body(user, y * gw + x, row, weight);
        }
}

typedef struct sampling {
    const float *table; /* forward reads, backward adds into d_table */
    float *d_table, *out;
    const float *d_out;
    int64_t prefix, width;
} sampling;

static void sample_patch(void *user, int64_t patch, const int32_t row[16], const float weight[16])
{
    const sampling *s = user;
    float *to = s->out + (s->prefix + patch) * s->width;
    memset(to, 0, (size_t)s->width * sizeof *to);
    for (int k = 0; k < 16; k++)
        for (int64_t c = 0; c < s->width; c++) to[c] += weight[k] * s->table[row[k] * s->width + c];
}

static void spread_patch(void *user, int64_t patch, const int32_t row[16], const float weight[16])
{
    const sampling *s = user;
    const float *from = s->d_out + (s->prefix + patch) * s->width;
    for (int k = 0; k < 16; k++)
        for (int64_t c = 0; c < s->width; c++)
            s->d_table[row[k] * s->width + c] += weight[k] * from[c];
}

prune_status pr_position_sample(prune_context *ctx, const pr_node *node, const pr_tensor *table,
                                int64_t gh, int64_t gw, float *out)
{
    const int64_t width = table->shape.dim[1], prefix = node->attrs.prefix;
    sampling s = {.table = pr_f32(table), .out = out, .prefix = prefix, .width = width};
    (void)ctx;
    if (unchanged(node, gh, gw)) {
        memcpy(out, s.table, pr_tensor_bytes(table));
        return PRUNE_OK;
    }
    memcpy(out, s.table, (size_t)(prefix * width) * sizeof *out);
    each_patch(node, gh, gw, sample_patch, &s);
    return PRUNE_OK;
}

static prune_status forward(pr_op_call *call)
{
    const int64_t *in = call->in[0]->shape.dim, width = in[3], patches = in[1] * in[2];
    const int64_t prefix = call->node->attrs.prefix, tokens = prefix + patches;
    float *position;
    PR_TRY(pr_new(call->ctx, (void **)&position, (size_t)(tokens * width), sizeof(float)));
    PR_TRY(pr_position_sample(call->ctx, call->node, call->param[PR_SLOT_POSITION], in[1], in[2],
                              position));
    for (int64_t n = 0; n < in[0]; n++) {
        float *to = pr_f32(call->out) + n * tokens * width;
        const float *from = pr_f32(call->in[0]) + n * patches * width;
        for (int64_t i = 0; i < prefix * width; i++)
            to[i] = pr_f32(call->param[PR_SLOT_PREFIX])[i] + position[i];
        for (int64_t i = 0; i < patches * width; i++)
            to[prefix * width + i] = from[i] + position[prefix * width + i];
    }
    pr_free(call->ctx, position);
    return PRUNE_OK;
}

static prune_status backward(pr_op_call *call)
{
    const int64_t *in = call->in[0]->shape.dim, width = in[3], patches = in[1] * in[2];
    const int64_t prefix = call->node->attrs.prefix, tokens = prefix + patches;
    float *sum = pr_calloc(call->ctx, (size_t)(tokens * width), sizeof(float));
    if (!sum) return PRUNE_E_MEMORY;
    for (int64_t n = 0; n < in[0]; n++) {
        const float *dy = pr_f32(call->d_out) + n * tokens * width;
        for (int64_t i = 0; i < tokens * width; i++) sum[i] += dy[i];
        for (int64_t i = 0; call->d_in[0] && i < patches * width; i++)
            pr_f32(call->d_in[0])[n * patches * width + i] += dy[prefix * width + i];
    }
    for (int64_t i = 0; call->d_param[PR_SLOT_PREFIX] && i < prefix * width; i++)
        pr_f32(call->d_param[PR_SLOT_PREFIX])[i] += sum[i];
    if (call->d_param[PR_SLOT_POSITION]) {
        float *d_table = pr_f32(call->d_param[PR_SLOT_POSITION]);
        const bool same = unchanged(call->node, in[1], in[2]);
        for (int64_t i = 0; i < (same ? tokens : prefix) * width; i++) d_table[i] += sum[i];
        sampling s = {.d_table = d_table, .d_out = sum, .prefix = prefix, .width = width};
        if (!same) each_patch(call->node, in[1], in[2], spread_patch, &s);
    }
    pr_free(call->ctx, sum);
    return PRUNE_OK;
}

const pr_op_info pr_op_token_embed = {
    .min_inputs = 1,
    .max_inputs = 1,
    .required_slots = 0, /* prefix only where there are prefix tokens; infer checks both */
    .relation = PR_RELATION_SAME,
    .infer = infer,
    .cut = cut,
    .forward = forward,
    .backward = backward,
};
