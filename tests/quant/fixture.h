/* A made-up encoder-decoder with pictures, and a layer that INT8 per tensor ruins. */
#ifndef TESTS_QUANT_FIXTURE_H
#define TESTS_QUANT_FIXTURE_H

#include "libprune/interpreter/interpreter.h"
#include "tests/support/graphs.h"
#include "tests/train/scene.h"

static const char hostile_name[] = "convs.0.2";

/* Channel 0 of what `hostile` reads becomes huge and is then ignored by its weights: harmless in
 * floats, but one scale for the whole value leaves the other channels a few steps. */
static inline void make_hostile(prune_model *model)
{
    const int32_t node = pr_model_find_node(model, hostile_name);
    const int32_t before = pr_model_find_node(model, "convs.0.0");
    pr_f32(pr_node_param(model, &model->nodes[before], PR_SLOT_BIAS))[0] += 3000;
    const pr_tensor *weight = pr_node_param(model, &model->nodes[node], PR_SLOT_WEIGHT);
    const int64_t channels = pr_shape_last(&weight->shape);
    for (int64_t i = 0; i < pr_tensor_count(weight); i += channels) pr_f32(weight)[i] = 0;
}

static inline prune_model *fixture_model(prune_context *ctx)
{
    return test_graph_encoder_decoder(ctx, SCENE_H, SCENE_W, 8, 21);
}

#endif
