/* RT-MonoDepth-S: a plain convolutional encoder-decoder for driving scenes, without skip
 * connections. Predicts disparity; 1 / depth = 0.01 + 9.99 disparity, up to one scale. */
#include "libprune/models/families/families.h"

#include <stdio.h>

enum { STAGES = 3, LEVELS = 4, MAX_NAME = 96 };

typedef struct network {
    pr_builder builder;
    pr_checkpoint *checkpoint;
    char name[MAX_NAME]; /* of the latest convolution */
    int32_t channels;    /* that it makes */
} network;

/* A convolution whose channels the file tells, then its activation. */
static int32_t conv(network *n, int32_t x, const char *module, int32_t kernel,
                    const pr_attrs *attrs, bool bias)
{
    pr_builder *b = &n->builder;
    char key[MAX_NAME + 8];
    int32_t in = n->channels;
    (void)snprintf(key, sizeof key, "%s.weight", module);
    if (b->status == PRUNE_OK)
        b->status = pr_checkpoint_axis(n->checkpoint, key, 4, 0, &n->channels);
    /* Nodes are called as in the network: "encoder.convs.0.0", "decoder.3.conv". */
    (void)snprintf(n->name, MAX_NAME, "%s", module[0] == 'd' ? module + sizeof "depth" : module);
    int32_t node = pr_build_node(b, PR_OP_CONV, n->name, x, PR_NONE, attrs);
    pr_build_conv_params(b, node, module, n->channels, in, kernel, bias);
    return node;
}

static int32_t activate(network *n, int32_t x, pr_op_kind op, float alpha)
{
    char name[MAX_NAME + 8];
    pr_attrs attrs = pr_attrs_default();
    attrs.alpha = alpha;
    (void)snprintf(name, sizeof name, "%s.act", n->name);
    return pr_build_node(&n->builder, op, name, x, PR_NONE, &attrs);
}

static int32_t encoder(network *n, int32_t x)
{
    pr_attrs attrs = pr_build_conv_attrs(2, 3);
    x = conv(n, x, "encoder.conv1", 7, &attrs, false);
    x = activate(n, x, PR_OP_RELU, 0.0f);
    for (int32_t stage = 0; stage < STAGES; stage++)
        for (int32_t k = 0; k <= 2; k += 2) {
            char module[MAX_NAME];
            attrs = pr_build_conv_attrs(k == 0 ? 2 : 1, 1);
            (void)snprintf(module, sizeof module, "encoder.convs.%d.%d", stage, k);
            x = conv(n, x, module, 3, &attrs, true);
            x = activate(n, x, PR_OP_LEAKY_RELU, 0.1f);
        }
    return x;
}

static int32_t decoder(network *n, int32_t x)
{
    pr_attrs reflect = pr_build_conv_attrs(1, 1), up = pr_attrs_default();
    reflect.pad_mode = PR_PAD_REFLECT;
    up.resize_mode = PR_RESIZE_NEAREST;
    up.factor = 2;
    for (int32_t k = 0; k < 2 * LEVELS; k++) {
        char module[MAX_NAME];
        if (k % 2 == 1) {
            (void)snprintf(module, sizeof module, "decoder.%d.up", k);
            x = pr_build_node(&n->builder, PR_OP_RESIZE, module, x, PR_NONE, &up);
        }
        (void)snprintf(module, sizeof module, "depth.decoder.%d.conv", k);
        x = conv(n, x, module, 3, &reflect, true);
        x = activate(n, x, PR_OP_ELU, 1.0f);
    }
    pr_attrs attrs = pr_build_conv_attrs(1, 1);
    x = conv(n, x, "depth.decoder.8.conv3", 3, &attrs, true);
    return pr_build_unary(&n->builder, PR_OP_SIGMOID, "disparity", x);
}

/* The size that the network was trained at, which encoder.pth carries. */
static int32_t trained_size(const pr_checkpoint *checkpoint, const char *key, int32_t otherwise)
{
    const pr_tensor *tensor = pr_checkpoint_find(checkpoint, key);
    if (!tensor || tensor->dtype != PR_I64 || tensor->shape.rank != 0) return otherwise;
    int64_t size = *(const int64_t *)tensor->data;
    return size >= 16 && size <= 4096 && size % 16 == 0 ? (int32_t)size : otherwise;
}

static prune_status set_meta(prune_model *model, const pr_checkpoint *checkpoint)
{
    pr_meta *meta = &model->meta;
    meta->architecture = pr_strdup(model->ctx, "rt_monodepth_s");
    if (!meta->architecture) return PRUNE_E_MEMORY;
    meta->preprocess = (pr_preprocess){.fit = PR_FIT_EXACT,
                                       .filter = PR_FILTER_LANCZOS_PIL,
                                       .width = trained_size(checkpoint, "encoder.width", 640),
                                       .height = trained_size(checkpoint, "encoder.height", 192),
                                       .multiple = 16,
                                       .mean = {0.45f, 0.45f, 0.45f},
                                       .std = {0.225f, 0.225f, 0.225f}};
    meta->resize_back = PR_FILTER_BILINEAR;
    meta->output_kind = PR_OUTPUT_DISPARITY;
    meta->disparity_scale = 9.99f;
    meta->disparity_offset = 0.01f;
    return PRUNE_OK;
}

prune_status pr_rt_monodepth_open(prune_model **out, pr_checkpoint *checkpoint, const char *probe,
                                  const prune_load_options *options)
{
    (void)probe;
    (void)options;
    prune_model *model = NULL;
    PR_TRY(pr_model_create(&model, checkpoint->ctx));
    pr_weights weights = {checkpoint->ctx, checkpoint, pr_checkpoint_fetch};
    network n = {
        .builder = {.model = model, .weights = &weights}, .checkpoint = checkpoint, .channels = 3};
    pr_builder *b = &n.builder;
    int32_t x = pr_build_node(b, PR_OP_INPUT, "input", PR_NONE, PR_NONE, NULL);
    x = encoder(&n, x);
    x = decoder(&n, x);
    if (b->status == PRUNE_OK) b->status = pr_model_add_output(model, "disparity", x);
    if (b->status == PRUNE_OK) b->status = set_meta(model, checkpoint);
    if (b->status != PRUNE_OK) {
        pr_model_free(model);
        return b->status;
    }
    /* Outputs at other scales, used in training only, and plain numbers. */
    static const char *const dead[] = {"depth.decoder.9.", "depth.decoder.10.", "encoder.height",
                                       "encoder.width", "encoder.use_stereo"};
    for (size_t k = 0; k < sizeof dead / sizeof *dead; k++) pr_checkpoint_dead(checkpoint, dead[k]);
    *out = model;
    return PRUNE_OK;
}
