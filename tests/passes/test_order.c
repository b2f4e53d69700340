#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/order.h"
#include "libprune/passes/shapes.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

enum { SIDE = 12 };

static int32_t conv(prune_model *m, const char *name, int32_t from, int64_t in, int64_t out,
                    int64_t k, int32_t stride)
{
    pr_attrs a = pr_attrs_default();
    const pr_shape weight = pr_shape4(out, k, k, in), bias = pr_shape1(out);
    a.stride[0] = a.stride[1] = stride;
    for (int i = 0; i < 4; i++) a.pad[i] = (int32_t)(k / 2);
    return net_node(m, PR_OP_CONV, name, &from, 1, &a, &weight, &bias);
}

static int32_t resize(prune_model *m, const char *name, int32_t from, int32_t mode, int32_t like)
{
    pr_attrs a = pr_attrs_default();
    const int32_t inputs[2] = {from, like};
    a.factor = like == PR_NONE ? 2 : 1;
    a.resize_mode = mode;
    return net_node(m, PR_OP_RESIZE, name, inputs, like == PR_NONE ? 1 : 2, &a, NULL, NULL);
}

/* 6 x 6 doubled three ways, with a pointwise convolution after each; one more resize is read twice,
 * one layer is annotated, one kernel is larger than a pixel. */
static prune_model *net(prune_context *ctx)
{
    prune_model *m;
    pr_attrs a = pr_attrs_default();
    ck_ok(pr_model_create(&m, ctx));
    int32_t picture = net_node(m, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    int32_t x = conv(m, "stem", picture, 3, 5, 3, 2);
    int32_t y = resize(m, "like", x, PR_RESIZE_BILINEAR_CORNERS, picture);
    y = conv(m, "like.conv", y, 5, 4, 1, 1);
    int32_t z = resize(m, "twice", x, PR_RESIZE_BILINEAR, PR_NONE);
    z = conv(m, "twice.conv", z, 5, 4, 1, 1);
    int32_t sums[2] = {y, z};
    y = net_node(m, PR_OP_ADD, "sum", sums, 2, &a, NULL, NULL);
    z = resize(m, "shared", x, PR_RESIZE_NEAREST, PR_NONE);
    sums[0] = conv(m, "shared.a", z, 5, 4, 1, 1);
    sums[1] = conv(m, "shared.b", z, 5, 4, 1, 1);
    z = net_node(m, PR_OP_ADD, "shared.sum", sums, 2, &a, NULL, NULL);
    sums[0] = y;
    sums[1] = z;
    y = net_node(m, PR_OP_ADD, "sum2", sums, 2, &a, NULL, NULL);
    z = conv(m, "wide", resize(m, "wide.resize", x, PR_RESIZE_BILINEAR, PR_NONE), 5, 4, 3, 1);
    sums[0] = y;
    sums[1] = z;
    y = net_node(m, PR_OP_ADD, "sum3", sums, 2, &a, NULL, NULL);
    ck_ok(pr_model_add_output(m, "depth", conv(m, "head", y, 4, 1, 1, 1)));
    m->meta.preprocess.width = m->meta.preprocess.height = SIDE;
    m->meta.preprocess.multiple = 2;
    return m;
}

static void run(const prune_model *model, float *out)
{
    float input[SIDE * SIDE * 3];
    pr_run *r;
    test_fill(input, SIDE * SIDE * 3, 1);
    ck_ok(pr_run_create(&r, model, 1, SIDE, SIDE, NULL));
    ck_ok(pr_run_forward(r, input));
    memcpy(out, pr_run_output(r)->data, pr_tensor_bytes(pr_run_output(r)));
    pr_run_free(r);
}

START_TEST(pointwise_layers_move_before_what_enlarges)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net(ctx);
    float before[SIDE * SIDE], after[SIDE * SIDE];
    uint64_t macs, fewer;
    int32_t moved = -1;
    run(model, before);
    ck_ok(pr_model_macs(model, 0, 0, &macs));
    ck_ok(pr_order_resizes(model, &moved));
    ck_assert_int_eq(moved, 2);
    ck_assert_int_lt(pr_model_find_node(model, "like.conv"), pr_model_find_node(model, "like"));
    ck_assert_int_lt(pr_model_find_node(model, "twice.conv"), pr_model_find_node(model, "twice"));
    ck_assert_int_gt(pr_model_find_node(model, "shared.a"), pr_model_find_node(model, "shared"));
    ck_assert_int_gt(pr_model_find_node(model, "wide"), pr_model_find_node(model, "wide.resize"));
    ck_ok(pr_model_macs(model, 0, 0, &fewer));
    /* Two convolutions of 5 x 4 weights on 6 x 6 instead of 12 x 12 pixels. */
    ck_assert_uint_eq(macs - fewer, 2 * 20 * (144 - 36));
    run(model, after);
    ck_assert_msg(test_rms(after, before, SIDE * SIDE) < 1e-6, "rms %g",
                  test_rms(after, before, SIDE * SIDE));
    ck_ok(pr_order_resizes(model, &moved));
    ck_assert_int_eq(moved, 0);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(annotated_layers_and_shrinking_resizes_stay)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net(ctx);
    int32_t moved = -1;
    model->nodes[pr_model_find_node(model, "like.conv")].precision.compute = PR_COMPUTE_BF16;
    ck_ok(pr_order_resizes(model, &moved));
    ck_assert_int_eq(moved, 1);
    pr_model_free(model);
    model = net(ctx);
    /* The picture is as small as what is resized to it: nothing to gain. */
    pr_attrs *stem = &model->nodes[pr_model_find_node(model, "stem")].attrs;
    stem->stride[0] = stem->stride[1] = 1;
    model->nodes[pr_model_find_node(model, "twice")].attrs.factor = 1;
    model->nodes[pr_model_find_node(model, "shared")].attrs.factor = 1;
    model->nodes[pr_model_find_node(model, "wide.resize")].attrs.factor = 1;
    ck_ok(pr_order_resizes(model, &moved));
    ck_assert_int_eq(moved, 0);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("passes/order", pointwise_layers_move_before_what_enlarges,
          annotated_layers_and_shrinking_resizes_stay)
