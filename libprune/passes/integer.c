#include "libprune/passes/integer.h"

#include "libprune/passes/shapes.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* How a weight's memory maps to rows: conv and linear are [O][K]; conv_transpose is
 * [kh, kw, O, I], that is rows of I with output channel = row % O. */
typedef struct layout {
    int64_t rows, depth, channels, outputs;
} layout;

bool pr_integer_possible(const prune_model *model, int32_t node)
{
    const pr_node *n = &model->nodes[node];
    if (!pr_op_get(n->op)->quantizable || n->params[PR_SLOT_WEIGHT] == PR_NONE) return false;
    return n->op != PR_OP_CONV || n->attrs.groups == 1;
}

static layout layout_of(const pr_node *node, const pr_tensor *weight)
{
    const pr_shape *s = &weight->shape;
    layout map;
    map.channels = pr_shape_last(s);
    if (node->op == PR_OP_CONV_TRANSPOSE) {
        map.depth = map.channels;
        map.outputs = s->dim[2];
        map.rows = s->dim[0] * s->dim[1] * s->dim[2];
    } else {
        map.outputs = map.rows = s->dim[0];
        map.depth = map.rows > 0 ? pr_shape_count(s) / map.rows : 0;
    }
    return map;
}

static prune_status check_vector(const pr_node *node, const char *what, const pr_tensor *tensor,
                                 pr_dtype dtype, int64_t count)
{
    if (tensor->dtype == dtype && tensor->data && pr_tensor_count(tensor) == count) return PRUNE_OK;
    return pr_fail(PRUNE_E_SHAPE, "layer '%s': %s must hold %lld values of type %s; quantize again",
                   node->name, what, (long long)count, pr_dtype_name(dtype));
}

static prune_status check_record(const pr_node *node, const pr_tensor *weight, const layout *map)
{
    const pr_precision *p = &node->precision;
    if (p->input == PR_INPUT_TOKEN && node->op == PR_OP_CONV)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "layer '%s': a convolution mixes pixels, so its input cannot have one scale "
                       "per pixel; use per tensor or per channel",
                       node->name);
    int64_t inputs = p->input == PR_INPUT_CHANNEL ? map->channels : 1;
    if (p->input == PR_INPUT_TENSOR || p->input == PR_INPUT_CHANNEL) {
        PR_TRY(check_vector(node, "input_scale", &p->input_scale, PR_F32, inputs));
        PR_TRY(check_vector(node, "input_zero", &p->input_zero, PR_I8, inputs));
        for (int64_t c = 0; c < inputs; c++)
            if (!(pr_f32(&p->input_scale)[c] > 0 && isfinite(pr_f32(&p->input_scale)[c])))
                return pr_fail(PRUNE_E_FORMAT,
                               "layer '%s': input_scale[%lld] is not a positive number; quantize "
                               "again",
                               node->name, (long long)c);
    }
    if (weight->dtype == PR_I8)
        PR_TRY(check_vector(node, "weight_scale", &p->weight_scale, PR_F32, map->outputs));
    return PRUNE_OK;
}

static prune_status start(const prune_model *model, int32_t index, const pr_tensor **weight,
                          layout *map)
{
    const pr_node *node = &model->nodes[index];
    if (!pr_integer_possible(model, index))
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "layer '%s' (%s) has no integer form; only linear, conv_transpose and conv "
                       "without groups have",
                       node->name, pr_op_name(node->op));
    *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    *map = layout_of(node, *weight);
    return check_record(node, *weight, map);
}

/* Scale of the input at position k of a row; 1 where the input has none. */
static double input_scale(const pr_precision *p, int64_t channel)
{
    if (p->input == PR_INPUT_TENSOR) return (double)pr_f32(&p->input_scale)[0];
    if (p->input == PR_INPUT_CHANNEL) return (double)pr_f32(&p->input_scale)[channel];
    return 1.0;
}

static int32_t input_zero(const pr_precision *p, int64_t channel)
{
    if (p->input == PR_INPUT_TENSOR) return ((const int8_t *)p->input_zero.data)[0];
    if (p->input == PR_INPUT_CHANNEL) return ((const int8_t *)p->input_zero.data)[channel];
    return 0;
}

/* scale[outputs] and w8[rows][depth] of float weights. */
static void quantize_rows(const pr_precision *p, const layout *map, const float *w, float *scale,
                          int8_t *w8)
{
    for (int64_t o = 0; o < map->outputs; o++) {
        double largest = 0;
        for (int64_t r = o; r < map->rows; r += map->outputs)
            for (int64_t k = 0; k < map->depth; k++)
                largest = fmax(largest, fabs((double)w[r * map->depth + k] *
                                             input_scale(p, k % map->channels)));
        /* A row of zeros keeps a positive scale, so that nothing divides by zero. */
        scale[o] = fmaxf((float)(largest / 127.0), FLT_MIN);
    }
    for (int64_t r = 0; r < map->rows; r++) {
        const double step = (double)scale[r % map->outputs];
        for (int64_t k = 0; k < map->depth; k++) {
            double v = (double)w[r * map->depth + k] * input_scale(p, k % map->channels) / step;
            v = fmin(fmax(nearbyint(v), -127.0), 127.0);
            w8[r * map->depth + k] = (int8_t)v;
        }
    }
}

/* Weight as F32: shared when it is one already. */
static prune_status as_float(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor)
{
    if (tensor->dtype != PR_F32) return pr_tensor_convert(out, ctx, tensor, PR_F32);
    *out = pr_tensor_share(tensor);
    return PRUNE_OK;
}

/* Integers in the weight's own layout and one scale per output channel. */
static prune_status integers(pr_tensor *w8, pr_tensor *scale, const prune_model *model,
                             const pr_node *node, const pr_tensor *weight, const layout *map)
{
    prune_context *ctx = model->ctx;
    prune_status status = PRUNE_OK;
    pr_tensor floats = {0};
    *w8 = *scale = (pr_tensor){0};
    if (weight->dtype == PR_I8) {
        *w8 = pr_tensor_share(weight);
        *scale = pr_tensor_share(&node->precision.weight_scale);
        return PRUNE_OK;
    }
    const pr_shape outputs = pr_shape1(map->outputs);
    PR_GO(as_float(&floats, ctx, weight));
    PR_GO(pr_tensor_create(w8, ctx, PR_I8, &weight->shape));
    PR_GO(pr_tensor_create(scale, ctx, PR_F32, &outputs));
    quantize_rows(&node->precision, map, pr_f32(&floats), pr_f32(scale), w8->data);
done:
    pr_tensor_release(&floats);
    if (status != PRUNE_OK) {
        pr_tensor_release(w8);
        pr_tensor_release(scale);
    }
    return status;
}

/* The zero points leave the sums and enter the bias. */
static void correct_bias(pr_integer *out, const pr_precision *p, const layout *map,
                         const float *scale, const float *bias)
{
    for (int64_t r = 0; r < map->rows; r++) {
        const int8_t *row = (const int8_t *)out->weight.data + r * map->depth;
        int64_t sum = 0;
        for (int64_t k = 0; k < map->depth; k++)
            sum += (int64_t)row[k] * input_zero(p, k % map->channels);
        const int64_t o = r % map->outputs;
        pr_f32(&out->scale)[r] = scale[o];
        pr_f32(&out->bias)[r] =
            (float)((bias ? (double)bias[o] : 0.0) - (double)scale[o] * (double)sum);
    }
}

prune_status pr_integer_derive(pr_integer *out, const prune_model *model, int32_t index)
{
    const pr_node *node = &model->nodes[index];
    const pr_tensor *weight, *bias = pr_node_param(model, node, PR_SLOT_BIAS);
    pr_integer made = {0};
    pr_tensor scale = {0}, bias_floats = {0};
    prune_status status = PRUNE_OK;
    layout map;
    PR_TRY(start(model, index, &weight, &map));
    PR_GO(integers(&made.weight, &scale, model, node, weight, &map));
    if (bias) PR_GO(as_float(&bias_floats, model->ctx, bias));
    made.rows = map.rows;
    made.depth = map.depth;
    made.channels = map.channels;
    made.weight.shape = pr_shape2(map.rows, map.depth);
    const pr_shape rows = pr_shape1(map.rows);
    PR_GO(pr_tensor_create(&made.scale, model->ctx, PR_F32, &rows));
    PR_GO(pr_tensor_create(&made.bias, model->ctx, PR_F32, &rows));
    correct_bias(&made, &node->precision, &map, pr_f32(&scale), bias ? pr_f32(&bias_floats) : NULL);
    *out = made;
done:
    pr_tensor_release(&scale);
    pr_tensor_release(&bias_floats);
    if (status != PRUNE_OK) pr_integer_free(&made);
    return status;
}

void pr_integer_free(pr_integer *integer)
{
    pr_tensor_release(&integer->weight);
    pr_tensor_release(&integer->scale);
    pr_tensor_release(&integer->bias);
    *integer = (pr_integer){0};
}

prune_status pr_integer_bake(prune_model *model, int32_t index)
{
    pr_node *node = &model->nodes[index];
    const pr_tensor *weight;
    pr_tensor w8, scale;
    layout map;
    PR_TRY(start(model, index, &weight, &map));
    if (weight->dtype == PR_I8) return PRUNE_OK;
    PR_TRY(integers(&w8, &scale, model, node, weight, &map));
    pr_tensor *slot = &model->params[node->params[PR_SLOT_WEIGHT]].tensor;
    pr_tensor_release(slot);
    *slot = w8;
    pr_tensor_release(&node->precision.weight_scale);
    node->precision.weight_scale = scale;
    return PRUNE_OK;
}

static prune_status to_floats(pr_tensor *out, const prune_model *model, const pr_node *node,
                              const layout *map, const pr_tensor *w8, const float *scale)
{
    const int8_t *from = w8->data;
    PR_TRY(pr_tensor_create(out, model->ctx, PR_F32, &w8->shape));
    float *to = pr_f32(out);
    for (int64_t r = 0; r < map->rows; r++)
        for (int64_t k = 0; k < map->depth; k++)
            to[r * map->depth + k] =
                (float)((double)from[r * map->depth + k] * (double)scale[r % map->outputs] /
                        input_scale(&node->precision, k % map->channels));
    return PRUNE_OK;
}

prune_status pr_integer_round_trip(pr_tensor *out, const prune_model *model, int32_t index)
{
    const pr_node *node = &model->nodes[index];
    const pr_tensor *weight;
    pr_tensor w8, scale;
    layout map;
    PR_TRY(start(model, index, &weight, &map));
    PR_TRY(integers(&w8, &scale, model, node, weight, &map));
    prune_status status = to_floats(out, model, node, &map, &w8, pr_f32(&scale));
    pr_tensor_release(&w8);
    pr_tensor_release(&scale);
    return status;
}

prune_status pr_integer_dequantize(pr_tensor *out, const prune_model *model, int32_t index)
{
    const pr_tensor *weight = pr_node_param(model, &model->nodes[index], PR_SLOT_WEIGHT);
    if (weight && weight->dtype != PR_I8) return as_float(out, model->ctx, weight);
    return pr_integer_round_trip(out, model, index);
}

/* Operators with weights that mix channels: what people count as layers. */
static bool is_layer(const pr_node *node)
{
    return node->op == PR_OP_CONV || node->op == PR_OP_LINEAR || node->op == PR_OP_CONV_TRANSPOSE;
}

/* Follows `node` backwards through operators without weights to the layers that feed it. */
static void mark_feeding_layers(const prune_model *model, int32_t node, bool *seen, bool *keep)
{
    for (int32_t i = 0; i <= node; i++) seen[i] = i == node;
    for (int32_t i = node; i >= 0; i--) {
        const pr_node *n = &model->nodes[i];
        if (!seen[i]) continue;
        if (is_layer(n)) {
            keep[i] = true;
            continue;
        }
        const int32_t values = pr_op_get(n->op)->value_inputs;
        for (int32_t j = 0; j < n->n_inputs && (!values || j < values); j++)
            seen[n->inputs[j]] = true;
    }
}

prune_status pr_integer_last_layers(const prune_model *model, bool *last)
{
    const size_t n = (size_t)model->n_nodes;
    bool *seen = NULL;
    PR_TRY(pr_new(model->ctx, (void **)&seen, n + 1, sizeof *seen));
    memset(last, 0, n * sizeof *last);
    for (int32_t i = 0; i < model->n_outputs; i++)
        mark_feeding_layers(model, model->outputs[i].node, seen, last);
    pr_free(model->ctx, seen);
    return PRUNE_OK;
}

/* What a layer that reads the picture may take of all multiply-adds and stay floating point. */
static const double little = 0.05;

/* Clears keep where the layer's share of the model is more than that. */
static prune_status release_costly(const prune_model *model, bool *keep)
{
    int64_t height, width;
    pr_shape *shapes = NULL;
    prune_status status = PRUNE_OK;
    pr_model_input_size(model, &height, &width);
    PR_TRY(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes + 1, sizeof *shapes));
    PR_GO(pr_shapes_infer(model, 1, height, width, shapes));
    const double most = little * (double)pr_shapes_macs(model, shapes);
    for (int32_t i = 0; i < model->n_nodes; i++)
        if (keep[i] && (double)pr_node_macs(model, shapes, i) > most) keep[i] = false;
done:
    pr_free(model->ctx, shapes);
    return status;
}

/* first[node]: a layer that reads what is computed from the picture without another layer. */
static prune_status mark_first_layers(const prune_model *model, bool *first)
{
    bool *seen = NULL;
    PR_TRY(pr_new(model->ctx, (void **)&seen, (size_t)model->n_nodes + 1, sizeof *seen));
    for (int32_t i = 0; i < model->n_nodes; i++) { /* seen: without any layer */
        const pr_node *n = &model->nodes[i];
        const int32_t values = pr_op_get(n->op)->value_inputs;
        bool from_picture = n->op == PR_OP_INPUT;
        for (int32_t j = 0; j < n->n_inputs && (!values || j < values); j++)
            from_picture = from_picture || seen[n->inputs[j]];
        first[i] = from_picture && is_layer(n);
        seen[i] = from_picture && !first[i];
    }
    pr_free(model->ctx, seen);
    return PRUNE_OK;
}

prune_status pr_integer_default_float(const prune_model *model, bool *keep)
{
    bool *last = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&last, (size_t)model->n_nodes + 1, sizeof *last));
    PR_GO(mark_first_layers(model, keep));
    PR_GO(release_costly(model, keep));
    PR_GO(pr_integer_last_layers(model, last));
    for (int32_t i = 0; i < model->n_nodes; i++) keep[i] = keep[i] || last[i];
done:
    pr_free(model->ctx, last);
    return status;
}
