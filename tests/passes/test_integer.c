#include "libprune/passes/integer.h"
#include "tests/support/support.h"

#include <math.h>

/* input -> a -> relu -> b -> relu -> c -> relu -> d (pointwise) */
typedef struct fixture {
    prune_context *ctx;
    prune_model *model;
    int32_t first, transpose, conv, last;
} fixture;

static void add_weight(prune_model *model, int32_t node, int32_t rank, const int64_t *dim,
                       int64_t outputs, uint64_t seed)
{
    pr_tensor weight, bias;
    const pr_shape shape = pr_shape_make(rank, dim), one = pr_shape1(outputs);
    ck_ok(pr_tensor_create(&weight, model->ctx, PR_F32, &shape));
    ck_ok(pr_tensor_create(&bias, model->ctx, PR_F32, &one));
    test_fill(pr_f32(&weight), pr_tensor_count(&weight), seed);
    test_fill(pr_f32(&bias), outputs, seed + 1);
    ck_ok(pr_model_add_param(model, node, PR_SLOT_WEIGHT, weight));
    ck_ok(pr_model_add_param(model, node, PR_SLOT_BIAS, bias));
}

static int32_t add_layer(prune_model *model, pr_op_kind op, const char *name, int32_t input,
                         const int64_t dim[4], uint64_t seed)
{
    pr_attrs attrs = pr_attrs_default();
    int32_t node;
    const int32_t side = (int32_t)dim[op == PR_OP_CONV ? 1 : 0];
    for (int i = 0; i < 4; i++) attrs.pad[i] = op == PR_OP_CONV ? side / 2 : 0;
    for (int i = 0; i < 2; i++) attrs.stride[i] = op == PR_OP_CONV ? 1 : side;
    ck_ok(pr_model_add_node(model, &node, op, name, &input, 1, &attrs));
    add_weight(model, node, 4, dim, op == PR_OP_CONV ? dim[0] : dim[2], seed);
    return node;
}

static int32_t add_relu(prune_model *model, const char *name, int32_t input)
{
    const pr_attrs attrs = pr_attrs_default();
    int32_t node;
    ck_ok(pr_model_add_node(model, &node, PR_OP_RELU, name, &input, 1, &attrs));
    return node;
}

static fixture make_wide(int64_t channels)
{
    fixture f = {.ctx = test_context(1)};
    const pr_attrs attrs = pr_attrs_default();
    int32_t input;
    ck_ok(pr_model_create(&f.model, f.ctx));
    ck_ok(pr_model_add_node(f.model, &input, PR_OP_INPUT, "image", NULL, 0, &attrs));
    f.first = add_layer(f.model, PR_OP_CONV, "a", input, (const int64_t[]){6, 3, 3, 3}, 1);
    f.transpose = add_layer(f.model, PR_OP_CONV_TRANSPOSE, "b", add_relu(f.model, "ra", f.first),
                            (const int64_t[]){2, 2, 5, 6}, 3);
    f.conv = add_layer(f.model, PR_OP_CONV, "c", add_relu(f.model, "rb", f.transpose),
                       (const int64_t[]){channels, 3, 3, 5}, 5);
    f.last = add_layer(f.model, PR_OP_CONV, "d", add_relu(f.model, "rc", f.conv),
                       (const int64_t[]){1, 1, 1, channels}, 7);
    ck_ok(pr_model_add_output(f.model, "depth", f.last));
    return f;
}

static fixture make(void)
{
    return make_wide(4);
}

static void drop(fixture *f)
{
    prune_model_free(f->model);
    prune_context_free(f->ctx);
}

/* A record with a scale and a zero point per channel (or for all). */
static void annotate(prune_model *model, int32_t index, pr_input_quant kind, int64_t channels)
{
    pr_precision *p = &model->nodes[index].precision;
    const pr_shape shape = pr_shape1(kind == PR_INPUT_CHANNEL ? channels : 1);
    p->compute = PR_COMPUTE_I8;
    p->input = kind;
    if (kind == PR_INPUT_TOKEN) return;
    ck_ok(pr_tensor_create(&p->input_scale, model->ctx, PR_F32, &shape));
    ck_ok(pr_tensor_create(&p->input_zero, model->ctx, PR_I8, &shape));
    for (int64_t c = 0; c < shape.dim[0]; c++) {
        pr_f32(&p->input_scale)[c] = 0.01f * (float)(c + 1);
        ((int8_t *)p->input_zero.data)[c] = (int8_t)(20 - 17 * c);
    }
}

static double scale_at(const pr_precision *p, int64_t c)
{
    if (p->input == PR_INPUT_TOKEN) return 1.0;
    return (double)pr_f32(&p->input_scale)[p->input == PR_INPUT_CHANNEL ? c : 0];
}

static int zero_at(const pr_precision *p, int64_t c)
{
    if (p->input == PR_INPUT_TOKEN) return 0;
    return ((const int8_t *)p->input_zero.data)[p->input == PR_INPUT_CHANNEL ? c : 0];
}

/* For random integer inputs q, the integer form gives what double arithmetic on the quantized
 * weights gives for the real inputs scale * (q - zero); and no weight is off by more than half a
 * step. */
static void check_identity(const prune_model *model, int32_t index)
{
    const pr_node *node = &model->nodes[index];
    const pr_tensor *bias = pr_node_param(model, node, PR_SLOT_BIAS);
    pr_tensor exact, rounded;
    pr_integer made;
    ck_ok(pr_integer_derive(&made, model, index));
    ck_ok(pr_integer_dequantize(&exact, model, index));
    ck_ok(pr_integer_round_trip(&rounded, model, index));
    const int8_t *w8 = made.weight.data;
    const int64_t outputs = pr_tensor_count(bias);
    uint64_t state = 99;
    for (int64_t r = 0; r < made.rows; r++) {
        int64_t acc = 0;
        double real = (double)pr_f32(bias)[r % outputs];
        int largest = 0;
        for (int64_t k = 0; k < made.depth; k++) {
            const int64_t c = k % made.channels, at = r * made.depth + k;
            state = state * 6364136223846793005u + 1442695040888963407u;
            const int q = (int)(state >> 40) % 128 * ((state >> 20) % 2 ? 1 : -1);
            const double s = scale_at(&node->precision, c);
            acc += q * w8[at];
            real += (double)pr_f32(&rounded)[at] * s * (q - zero_at(&node->precision, c));
            const double step = (double)pr_f32(&made.scale)[r] / s;
            ck_assert(fabs((double)pr_f32(&rounded)[at] - (double)pr_f32(&exact)[at]) <=
                      0.5001 * step);
            ck_assert_int_ge(w8[at], -127);
            if (w8[at] > largest || -w8[at] > largest) largest = w8[at] < 0 ? -w8[at] : w8[at];
        }
        if (node->op != PR_OP_CONV_TRANSPOSE) ck_assert_int_eq(largest, 127);
        const double y =
            (double)acc * (double)pr_f32(&made.scale)[r] + (double)pr_f32(&made.bias)[r];
        ck_assert_double_eq_tol(y, real, 2e-5 * (1 + fabs(real)));
    }
    pr_integer_free(&made);
    pr_tensor_release(&exact);
    pr_tensor_release(&rounded);
}

START_TEST(integers_compute_what_the_quantized_floats_do)
{
    const pr_input_quant kinds[] = {PR_INPUT_TENSOR, PR_INPUT_CHANNEL, PR_INPUT_TOKEN};
    for (int i = 0; i < 3; i++) {
        fixture f = make();
        annotate(f.model, f.transpose, kinds[i], 6);
        annotate(f.model, f.conv, kinds[i], 5);
        check_identity(f.model, f.transpose);
        if (kinds[i] != PR_INPUT_TOKEN) check_identity(f.model, f.conv);
        drop(&f);
    }
}
END_TEST

START_TEST(baking_keeps_the_integers)
{
    fixture f = make();
    pr_integer before, after;
    annotate(f.model, f.conv, PR_INPUT_CHANNEL, 5);
    ck_ok(pr_integer_derive(&before, f.model, f.conv));
    ck_ok(pr_integer_bake(f.model, f.conv));
    ck_ok(pr_integer_bake(f.model, f.conv));
    const pr_tensor *weight = pr_node_param(f.model, &f.model->nodes[f.conv], PR_SLOT_WEIGHT);
    ck_assert_int_eq(weight->dtype, PR_I8);
    ck_assert_int_eq(weight->shape.rank, 4);
    ck_ok(pr_integer_derive(&after, f.model, f.conv));
    ck_assert_mem_eq(before.weight.data, after.weight.data, pr_tensor_bytes(&before.weight));
    ck_assert_mem_eq(before.scale.data, after.scale.data, pr_tensor_bytes(&before.scale));
    ck_assert_mem_eq(before.bias.data, after.bias.data, pr_tensor_bytes(&before.bias));
    /* Floats recovered from the integers quantize to the same integers. */
    pr_tensor floats;
    ck_ok(pr_integer_dequantize(&floats, f.model, f.conv));
    pr_integer_free(&after);
    pr_tensor *slot = &f.model->params[f.model->nodes[f.conv].params[PR_SLOT_WEIGHT]].tensor;
    pr_tensor_release(slot);
    *slot = floats;
    ck_ok(pr_integer_derive(&after, f.model, f.conv));
    ck_assert_mem_eq(before.weight.data, after.weight.data, pr_tensor_bytes(&before.weight));
    pr_integer_free(&before);
    pr_integer_free(&after);
    drop(&f);
}
END_TEST

START_TEST(rows_of_zeros_and_half_weights)
{
    fixture f = make();
    pr_tensor *slot = &f.model->params[f.model->nodes[f.conv].params[PR_SLOT_WEIGHT]].tensor;
    memset(slot->data, 0, 45 * sizeof(float)); /* output 0 */
    pr_tensor half;
    ck_ok(pr_tensor_convert(&half, f.ctx, slot, PR_F16));
    pr_tensor_release(slot);
    *slot = half;
    annotate(f.model, f.conv, PR_INPUT_TENSOR, 5);
    pr_integer made;
    ck_ok(pr_integer_derive(&made, f.model, f.conv));
    for (int k = 0; k < 45; k++) ck_assert_int_eq(((int8_t *)made.weight.data)[k], 0);
    ck_assert(pr_f32(&made.scale)[0] > 0);
    pr_integer_free(&made);
    drop(&f);
}
END_TEST

START_TEST(records_that_do_not_fit_are_refused)
{
    fixture f = make();
    pr_integer made;
    annotate(f.model, f.conv, PR_INPUT_CHANNEL, 4); /* the weight has 5 input channels */
    ck_fails(pr_integer_derive(&made, f.model, f.conv), PRUNE_E_SHAPE, "'c'");
    f.model->nodes[f.conv].precision.input = PR_INPUT_TOKEN;
    ck_fails(pr_integer_derive(&made, f.model, f.conv), PRUNE_E_UNSUPPORTED, "per pixel");
    annotate(f.model, f.transpose, PR_INPUT_TENSOR, 1);
    pr_f32(&f.model->nodes[f.transpose].precision.input_scale)[0] = -1.0f;
    ck_fails(pr_integer_derive(&made, f.model, f.transpose), PRUNE_E_FORMAT, "input_scale[0]");
    f.model->nodes[f.first].attrs.groups = 3;
    ck_assert(!pr_integer_possible(f.model, f.first));
    ck_fails(pr_integer_bake(f.model, f.first), PRUNE_E_UNSUPPORTED, "groups");
    drop(&f);
}
END_TEST

/* Of the multiply-adds for a pixel, a has 162 of 162 + 120 + 4 * 49 c, b and d the others: 15 %
 * with c = 4 channels, 2 % with 40. */
START_TEST(last_layers_and_cheap_first_ones_stay_floats)
{
    for (int64_t channels = 4; channels <= 40; channels += 36) {
        fixture f = make_wide(channels);
        bool keep[16];
        f.model->meta.preprocess.width = f.model->meta.preprocess.height = 8;
        ck_ok(pr_integer_default_float(f.model, keep));
        ck_assert(keep[f.last]);
        ck_assert(keep[f.first] == (channels == 40));
        ck_assert(!keep[f.conv] && !keep[f.transpose]);
        drop(&f);
    }
}
END_TEST

TEST_MAIN("passes/integer", integers_compute_what_the_quantized_floats_do,
          baking_keeps_the_integers, rows_of_zeros_and_half_weights,
          records_that_do_not_fit_are_refused, last_layers_and_cheap_first_ones_stay_floats)
