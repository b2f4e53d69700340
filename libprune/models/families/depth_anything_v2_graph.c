/* The network of Depth Anything V2 as a graph. Node names are the release's module names without
 * "pretrained." and "depth_head."; D is the embedding width, F the fusion width. */
#include "libprune/models/families/depth_anything_v2.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_NAME = 128 };

/* Modules with weights, by their names in the release and in Hugging Face's port. */
typedef enum module {
    PATCH,
    NORM1,
    QKV,
    PROJ,
    SCALE1,
    NORM2,
    FC1,
    FC2,
    GATE,
    GATED,
    SCALE2,
    NORM,
    PROJECT,
    RESIZE,
    LAYER_RN,
    FUSION_OUT,
    UNIT1_CONV1,
    UNIT1_CONV2,
    UNIT2_CONV1,
    UNIT2_CONV2,
    HEAD1,
    HEAD2,
    HEAD3
} module;

static const struct {
    const char *original, *hugging_face;
} modules[] = {
    [PATCH] = {"pretrained.patch_embed.proj", "backbone.embeddings.patch_embeddings.projection"},
    [NORM1] = {"pretrained.blocks.%d.norm1", "backbone.encoder.layer.%d.norm1"},
    [QKV] = {"pretrained.blocks.%d.attn.qkv", "backbone.encoder.layer.%d.attention.attention"},
    [PROJ] = {"pretrained.blocks.%d.attn.proj", "backbone.encoder.layer.%d.attention.output.dense"},
    [SCALE1] = {"pretrained.blocks.%d.ls1.gamma", "backbone.encoder.layer.%d.layer_scale1.lambda1"},
    [NORM2] = {"pretrained.blocks.%d.norm2", "backbone.encoder.layer.%d.norm2"},
    [FC1] = {"pretrained.blocks.%d.mlp.fc1", "backbone.encoder.layer.%d.mlp.fc1"},
    [FC2] = {"pretrained.blocks.%d.mlp.fc2", "backbone.encoder.layer.%d.mlp.fc2"},
    [GATE] = {"pretrained.blocks.%d.mlp.w12", "backbone.encoder.layer.%d.mlp.weights_in"},
    [GATED] = {"pretrained.blocks.%d.mlp.w3", "backbone.encoder.layer.%d.mlp.weights_out"},
    [SCALE2] = {"pretrained.blocks.%d.ls2.gamma", "backbone.encoder.layer.%d.layer_scale2.lambda1"},
    [NORM] = {"pretrained.norm", "backbone.layernorm"},
    [PROJECT] = {"depth_head.projects.%d", "neck.reassemble_stage.layers.%d.projection"},
    [RESIZE] = {"depth_head.resize_layers.%d", "neck.reassemble_stage.layers.%d.resize"},
    [LAYER_RN] = {"depth_head.scratch.layer%d_rn", "neck.convs.%d"},
    [FUSION_OUT] = {"depth_head.scratch.refinenet%d.out_conv",
                    "neck.fusion_stage.layers.%d.projection"},
    [UNIT1_CONV1] = {"depth_head.scratch.refinenet%d.resConfUnit1.conv1",
                     "neck.fusion_stage.layers.%d.residual_layer1.convolution1"},
    [UNIT1_CONV2] = {"depth_head.scratch.refinenet%d.resConfUnit1.conv2",
                     "neck.fusion_stage.layers.%d.residual_layer1.convolution2"},
    [UNIT2_CONV1] = {"depth_head.scratch.refinenet%d.resConfUnit2.conv1",
                     "neck.fusion_stage.layers.%d.residual_layer2.convolution1"},
    [UNIT2_CONV2] = {"depth_head.scratch.refinenet%d.resConfUnit2.conv2",
                     "neck.fusion_stage.layers.%d.residual_layer2.convolution2"},
    [HEAD1] = {"depth_head.scratch.output_conv1", "head.conv1"},
    [HEAD2] = {"depth_head.scratch.output_conv2.0", "head.conv2"},
    [HEAD3] = {"depth_head.scratch.output_conv2.2", "head.conv3"},
};

typedef struct dav2 {
    pr_builder builder;
    const pr_dav2_config *config;
    char name[MAX_NAME], key[MAX_NAME];
} dav2;

/* Module name in the checkpoint. `number` counts as the release does; the port counts layer_rn
 * from 0 and the fusion blocks backwards. */
static const char *key_of(dav2 *d, module m, int32_t number)
{
    int32_t port = m == LAYER_RN                         ? number - 1
                   : m >= FUSION_OUT && m <= UNIT2_CONV2 ? 4 - number
                                                         : number;
    if (d->config->hugging_face)
        (void)snprintf(d->key, MAX_NAME, modules[m].hugging_face, port);
    else
        (void)snprintf(d->key, MAX_NAME, modules[m].original, number);
    return d->key;
}

/* Name of a node inside block, level or fusion stage `number`. */
static const char *name_of(dav2 *d, const char *pattern, int32_t number)
{
    (void)snprintf(d->name, MAX_NAME, pattern, number);
    return d->name;
}

static int32_t conv(dav2 *d, const char *name, int32_t input, module m, int32_t number, int64_t out,
                    int64_t in, int32_t kernel, int32_t stride, bool bias)
{
    pr_attrs attrs = pr_build_conv_attrs(stride, kernel == 3 ? 1 : 0);
    int32_t node = pr_build_node(&d->builder, PR_OP_CONV, name, input, PR_NONE, &attrs);
    pr_build_conv_params(&d->builder, node, key_of(d, m, number), out, in, kernel, bias);
    return node;
}

static int32_t linear(dav2 *d, const char *name, int32_t input, module m, int32_t number,
                      int64_t out, int64_t in)
{
    int32_t node = pr_build_unary(&d->builder, PR_OP_LINEAR, name, input);
    pr_build_linear_params(&d->builder, node, key_of(d, m, number), out, in);
    return node;
}

static int32_t layer_norm(dav2 *d, const char *name, int32_t input, module m, int32_t number)
{
    pr_attrs attrs = pr_attrs_default();
    attrs.epsilon = d->config->epsilon;
    attrs.norm_width = d->config->width;
    int32_t node = pr_build_node(&d->builder, PR_OP_LAYER_NORM, name, input, PR_NONE, &attrs);
    pr_build_norm_params(&d->builder, node, key_of(d, m, number), d->config->width);
    return node;
}

static int32_t layer_scale(dav2 *d, const char *name, int32_t input, module m, int32_t number)
{
    pr_shape shape = pr_shape1(d->config->width);
    int32_t node = pr_build_unary(&d->builder, PR_OP_SCALE, name, input);
    pr_build_param(&d->builder, node, PR_SLOT_WEIGHT, key_of(d, m, number), &shape);
    return node;
}

/* --- encoder -------------------------------------------------------------------------------- */

/* Patches, class token and positions: [N, gh, gw, D] to [N, 1 + gh * gw, D]. */
static int32_t embed(dav2 *d, int32_t *patches)
{
    const pr_dav2_config *c = d->config;
    pr_builder *b = &d->builder;
    int32_t image = pr_build_node(b, PR_OP_INPUT, "input", PR_NONE, PR_NONE, NULL);
    *patches = conv(d, "patch_embed.proj", image, PATCH, 0, c->width, 3, PR_DAV2_PATCH,
                    PR_DAV2_PATCH, true);
    pr_attrs attrs = pr_attrs_default();
    attrs.grid[0] = c->grid[0];
    attrs.grid[1] = c->grid[1];
    attrs.prefix = 1;
    attrs.position_rule = c->position_rule;
    int32_t tokens = pr_build_node(b, PR_OP_TOKEN_EMBED, "tokens", *patches, PR_NONE, &attrs);
    bool hf = c->hugging_face;
    int64_t rows = 1 + (int64_t)c->grid[0] * c->grid[1];
    pr_shape prefix = pr_shape3(1, 1, c->width), position = pr_shape3(1, rows, c->width);
    pr_tensor table;
    if (pr_build_fetch(b, hf ? "backbone.embeddings.cls_token" : "pretrained.cls_token", &prefix,
                       &table)) {
        table.shape = pr_shape2(1, c->width);
        pr_build_bind(b, tokens, PR_SLOT_PREFIX, &table);
    }
    if (pr_build_fetch(b, hf ? "backbone.embeddings.position_embeddings" : "pretrained.pos_embed",
                       &position, &table)) {
        table.shape = pr_shape2(rows, c->width);
        pr_build_bind(b, tokens, PR_SLOT_POSITION, &table);
    }
    return tokens;
}

/* Binds `parts` linear nodes to the equal parts, one below the other, of one fused layer of the
 * checkpoint, sharing its memory: weight [parts * out, in], bias [parts * out]. */
static void split_linear(dav2 *d, const int32_t *nodes, int32_t parts, const char *module_key,
                         int64_t out, int64_t in)
{
    static const char *const slots[2] = {"weight", "bias"};
    const pr_shape shapes[2] = {pr_shape2(parts * out, in), pr_shape1(parts * out)};
    pr_builder *b = &d->builder;
    for (int32_t s = 0; s < 2; s++) {
        char key[MAX_NAME + 8];
        pr_tensor fused;
        (void)snprintf(key, sizeof key, "%s.%s", module_key, slots[s]);
        if (!pr_build_fetch(b, key, &shapes[s], &fused)) continue;
        for (int32_t i = 0; i < parts && b->status == PRUNE_OK; i++) {
            pr_tensor part = pr_tensor_share(&fused);
            part.shape.dim[0] = out;
            part.data = (char *)part.data + (size_t)i * pr_tensor_bytes(&part);
            pr_build_bind(b, nodes[i], s, &part);
        }
        pr_tensor_release(&fused);
    }
}

/* The three projections of block i. The release fuses them, rows q, then k, then v. */
static void qkv(dav2 *d, int32_t input, int32_t i, int32_t out[3])
{
    static const char *const patterns[3] = {"blocks.%d.attn.q", "blocks.%d.attn.k",
                                            "blocks.%d.attn.v"};
    static const char *const port[3] = {"query", "key", "value"};
    pr_builder *b = &d->builder;
    int64_t width = d->config->width;
    for (int32_t w = 0; w < 3; w++)
        out[w] = pr_build_unary(b, PR_OP_LINEAR, name_of(d, patterns[w], i), input);
    if (!d->config->hugging_face) {
        split_linear(d, out, 3, key_of(d, QKV, i), width, width);
        return;
    }
    for (int32_t w = 0; w < 3; w++) {
        char key[MAX_NAME + 8];
        (void)snprintf(key, sizeof key, "%s.%s", key_of(d, QKV, i), port[w]);
        pr_build_linear_params(b, out[w], key, width, width);
    }
}

/* w3(silu(w1(x)) * w2(x)), where the checkpoint has w1 above w2 in one layer. */
static int32_t gated_mlp(dav2 *d, int32_t x, int32_t i)
{
    pr_builder *b = &d->builder;
    int32_t half[2], width = d->config->width, hidden = d->config->hidden[i];
    half[0] = pr_build_unary(b, PR_OP_LINEAR, name_of(d, "blocks.%d.mlp.w1", i), x);
    half[1] = pr_build_unary(b, PR_OP_LINEAR, name_of(d, "blocks.%d.mlp.w2", i), x);
    split_linear(d, half, 2, key_of(d, GATE, i), hidden, width);
    x = pr_build_node(b, PR_OP_SWIGLU, name_of(d, "blocks.%d.mlp.gate", i), half[0], half[1], NULL);
    return linear(d, name_of(d, "blocks.%d.mlp.w3", i), x, GATED, i, width, hidden);
}

static int32_t mlp(dav2 *d, int32_t x, int32_t i)
{
    int32_t width = d->config->width, hidden = d->config->hidden[i];
    if (d->config->gated) return gated_mlp(d, x, i);
    x = linear(d, name_of(d, "blocks.%d.mlp.fc1", i), x, FC1, i, hidden, width);
    x = pr_build_unary(&d->builder, PR_OP_GELU, name_of(d, "blocks.%d.mlp.act", i), x);
    return linear(d, name_of(d, "blocks.%d.mlp.fc2", i), x, FC2, i, width, hidden);
}

/* x + ls1 * attention(norm1(x)), then x + ls2 * mlp(norm2(x)). */
static int32_t block(dav2 *d, int32_t x, int32_t i)
{
    const pr_dav2_config *c = d->config;
    pr_builder *b = &d->builder;
    int32_t q[3], width = c->width / c->heads;
    int32_t y = layer_norm(d, name_of(d, "blocks.%d.norm1", i), x, NORM1, i);
    qkv(d, y, i, q);
    pr_attrs attrs = pr_attrs_default();
    attrs.heads = c->heads;
    attrs.qk_width = attrs.v_width = width;
    attrs.scale = 1.0f / sqrtf((float)width);
    if (b->status == PRUNE_OK)
        b->status = pr_model_add_node(b->model, &y, PR_OP_ATTENTION,
                                      name_of(d, "blocks.%d.attn", i), q, 3, &attrs);
    y = linear(d, name_of(d, "blocks.%d.attn.proj", i), y, PROJ, i, c->width, c->width);
    y = layer_scale(d, name_of(d, "blocks.%d.ls1", i), y, SCALE1, i);
    x = pr_build_node(b, PR_OP_ADD, name_of(d, "blocks.%d.add1", i), x, y, NULL);
    y = layer_norm(d, name_of(d, "blocks.%d.norm2", i), x, NORM2, i);
    y = mlp(d, y, i);
    y = layer_scale(d, name_of(d, "blocks.%d.ls2", i), y, SCALE2, i);
    return pr_build_node(b, PR_OP_ADD, name_of(d, "blocks.%d.add2", i), x, y, NULL);
}

/* --- head ----------------------------------------------------------------------------------- */

/* Tapped tokens to a map of C channels at 4, 2, 1 and 1/2 times the patch grid, then to F. */
static int32_t reassemble(dav2 *d, int32_t tokens, int32_t patches, int32_t level)
{
    static const char *const rn[4] = {"scratch.layer1_rn", "scratch.layer2_rn", "scratch.layer3_rn",
                                      "scratch.layer4_rn"};
    const pr_dav2_config *c = d->config;
    pr_builder *b = &d->builder;
    int32_t channels = c->neck[level];
    pr_attrs attrs = pr_attrs_default();
    attrs.prefix = 1;
    int32_t x = layer_norm(d, name_of(d, "norm.%d", level), tokens, NORM, 0);
    x = pr_build_node(b, PR_OP_TOKENS_TO_MAP, name_of(d, "map.%d", level), x, patches, &attrs);
    x = conv(d, name_of(d, "projects.%d", level), x, PROJECT, level, channels, c->width, 1, 1,
             true);
    name_of(d, "resize_layers.%d", level);
    if (level < 2) {
        int32_t factor = level == 0 ? 4 : 2;
        attrs = pr_build_conv_attrs(factor, 0);
        x = pr_build_node(b, PR_OP_CONV_TRANSPOSE, d->name, x, PR_NONE, &attrs);
        pr_build_conv_transpose_params(b, x, key_of(d, RESIZE, level), channels, channels, factor);
    } else if (level == 3) {
        x = conv(d, d->name, x, RESIZE, level, channels, channels, 3, 2, true);
    }
    return conv(d, rn[level], x, LAYER_RN, level + 1, c->fusion, channels, 3, 1, false);
}

/* x + conv2(relu(conv1(relu(x)))) of fusion stage k. */
static int32_t residual_unit(dav2 *d, int32_t x, int32_t k, int32_t unit)
{
    static const char *const steps[2][5] = {
        {"scratch.refinenet%d.resConfUnit1.relu1", "scratch.refinenet%d.resConfUnit1.conv1",
         "scratch.refinenet%d.resConfUnit1.relu2", "scratch.refinenet%d.resConfUnit1.conv2",
         "scratch.refinenet%d.resConfUnit1.add"},
        {"scratch.refinenet%d.resConfUnit2.relu1", "scratch.refinenet%d.resConfUnit2.conv1",
         "scratch.refinenet%d.resConfUnit2.relu2", "scratch.refinenet%d.resConfUnit2.conv2",
         "scratch.refinenet%d.resConfUnit2.add"}};
    const char *const *step = steps[unit - 1];
    int32_t width = d->config->fusion;
    module first = unit == 1 ? UNIT1_CONV1 : UNIT2_CONV1,
           second = unit == 1 ? UNIT1_CONV2 : UNIT2_CONV2;
    int32_t y = pr_build_unary(&d->builder, PR_OP_RELU, name_of(d, step[0], k), x);
    y = conv(d, name_of(d, step[1], k), y, first, k, width, width, 3, 1, true);
    y = pr_build_unary(&d->builder, PR_OP_RELU, name_of(d, step[2], k), y);
    y = conv(d, name_of(d, step[3], k), y, second, k, width, width, 3, 1, true);
    return pr_build_node(&d->builder, PR_OP_ADD, name_of(d, step[4], k), x, y, NULL);
}

/* Fusion stage k: adds the refined skip map, refines, resizes to the size of `like` (or doubles),
 * mixes. Stage 4 is the coarsest and has no skip: its first unit is dead weight in the files. */
static int32_t fuse(dav2 *d, int32_t x, int32_t skip, int32_t like, int32_t k)
{
    pr_builder *b = &d->builder;
    if (skip != PR_NONE) {
        int32_t refined = residual_unit(d, skip, k, 1);
        x = pr_build_node(b, PR_OP_ADD, name_of(d, "scratch.refinenet%d.add", k), x, refined, NULL);
    }
    x = residual_unit(d, x, k, 2);
    pr_attrs attrs = pr_attrs_default();
    attrs.resize_mode = PR_RESIZE_BILINEAR_CORNERS;
    attrs.factor = like == PR_NONE ? 2 : 1;
    x = pr_build_node(b, PR_OP_RESIZE, name_of(d, "scratch.refinenet%d.resize", k), x, like,
                      &attrs);
    return conv(d, name_of(d, "scratch.refinenet%d.out_conv", k), x, FUSION_OUT, k,
                d->config->fusion, d->config->fusion, 1, 1, true);
}

/* Fused map at 8 times the patch grid to depth at 14 times the patch grid. */
static int32_t output_head(dav2 *d, int32_t x, int32_t patches)
{
    const pr_dav2_config *c = d->config;
    pr_builder *b = &d->builder;
    x = conv(d, "scratch.output_conv1", x, HEAD1, 0, c->half, c->fusion, 3, 1, true);
    pr_attrs attrs = pr_attrs_default();
    attrs.resize_mode = PR_RESIZE_BILINEAR_CORNERS;
    attrs.factor = PR_DAV2_PATCH;
    x = pr_build_node(b, PR_OP_RESIZE, "scratch.output_resize", x, patches, &attrs);
    x = conv(d, "scratch.output_conv2.0", x, HEAD2, 0, c->head, c->half, 3, 1, true);
    x = pr_build_unary(b, PR_OP_RELU, "scratch.output_conv2.1", x);
    x = conv(d, "scratch.output_conv2.2", x, HEAD3, 0, 1, c->head, 1, 1, true);
    if (!c->metric) return pr_build_unary(b, PR_OP_RELU, "depth", x);
    x = pr_build_unary(b, PR_OP_SIGMOID, "scratch.output_sigmoid", x);
    attrs = pr_attrs_default();
    attrs.scale = c->max_depth;
    return pr_build_node(b, PR_OP_AFFINE, "depth", x, PR_NONE, &attrs);
}

/* --- whole ---------------------------------------------------------------------------------- */

static prune_status set_meta(prune_model *model, const pr_dav2_config *config)
{
    pr_meta *meta = &model->meta;
    meta->architecture = pr_strdup(model->ctx, "depth_anything_v2");
    if (!meta->architecture) return PRUNE_E_MEMORY;
    if (config->variant && !(meta->variant = pr_strdup(model->ctx, config->variant)))
        return PRUNE_E_MEMORY;
    if (config->license && !(meta->license = pr_strdup(model->ctx, config->license)))
        return PRUNE_E_MEMORY;
    meta->preprocess = config->preprocess;
    meta->resize_back = config->resize_back;
    meta->output_kind = config->metric ? PR_OUTPUT_METRIC : PR_OUTPUT_RELATIVE;
    meta->max_depth = config->metric ? config->max_depth : 0.0f;
    return PRUNE_OK;
}

prune_status pr_dav2_build(prune_model **out, prune_context *ctx, const pr_dav2_config *config,
                           const pr_weights *weights)
{
    prune_model *model = NULL;
    PR_TRY(pr_model_create(&model, ctx));
    dav2 d = {.builder = {.model = model, .weights = weights}, .config = config};
    pr_builder *b = &d.builder;
    int32_t patches, tap[PR_DAV2_TAPS] = {0}, map[PR_DAV2_TAPS];
    int32_t x = embed(&d, &patches);
    for (int32_t i = 0, next = 0; i < config->blocks && next < PR_DAV2_TAPS; i++) {
        x = block(&d, x, i);
        if (i == config->taps[next]) tap[next++] = x;
    }
    for (int32_t l = 0; l < PR_DAV2_TAPS; l++) map[l] = reassemble(&d, tap[l], patches, l);
    x = fuse(&d, map[3], PR_NONE, map[2], 4);
    x = fuse(&d, x, map[2], map[1], 3);
    x = fuse(&d, x, map[1], map[0], 2);
    x = fuse(&d, x, map[0], PR_NONE, 1);
    x = output_head(&d, x, patches);
    if (b->status == PRUNE_OK) b->status = pr_model_add_output(model, "depth", x);
    if (b->status == PRUNE_OK) b->status = set_meta(model, config);
    if (b->status != PRUNE_OK) {
        pr_model_free(model);
        return b->status;
    }
    *out = model;
    return PRUNE_OK;
}

void pr_dav2_default_taps(int32_t blocks, int32_t taps[PR_DAV2_TAPS])
{
    /* The released 24-block model taps 4 rather than the regular 5. */
    for (int32_t k = 0; k < PR_DAV2_TAPS; k++) taps[k] = (k + 1) * blocks / 4 - 1;
    if (blocks == 24) taps[0] = 4;
}

prune_status pr_dav2_parse_taps(const char *text, int32_t blocks, int32_t taps[PR_DAV2_TAPS])
{
    const char *at = text;
    int32_t previous = -1;
    for (int32_t k = 0; k < PR_DAV2_TAPS; k++) {
        char *end;
        long value = strtol(at, &end, 10);
        bool ends_well = k + 1 < PR_DAV2_TAPS ? *end == ',' : *end == '\0';
        if (end == at || !ends_well || value <= previous || value >= blocks)
            return pr_fail(PRUNE_E_ARGUMENT,
                           "--taps %s: give four ascending blocks from 0 to %d, such as 2,5,8,11",
                           text, blocks - 1);
        taps[k] = previous = (int32_t)value;
        at = end + 1;
    }
    return PRUNE_OK;
}

pr_preprocess pr_dav2_preprocess(void)
{
    return (pr_preprocess){.fit = PR_FIT_LOWER_BOUND,
                           .filter = PR_FILTER_CUBIC_CV,
                           .width = 518,
                           .height = 518,
                           .multiple = PR_DAV2_PATCH,
                           .mean = {0.485f, 0.456f, 0.406f},
                           .std = {0.229f, 0.224f, 0.225f}};
}
