#include "libprune/models/strangers.h"

#include "libprune/models/families/families.h"

#include <string.h>

/* Tensors that tell a network, more specific ones first; names may stand behind wrappers. */
static const struct {
    const char *tensor, *what;
} strangers[] = {
    {"core.core.pretrained.cls_token",
     "these are of a ZoeDepth network, as the metric models of Depth Anything V1 are; use the "
     "metric models of V2"},
    {"scratch.refinenet1.resConfUnit1.conv1.weight",
     "these are of MiDaS or DPT, another network with a similar head"},
    {"encoder.layer1.0.conv1.weight", "these are of a ResNet encoder, as monodepth2 has it"},
    {"layer1.0.conv1.weight", "these are of a ResNet, which classifies pictures"},
    {"decoder.0.conv.conv.weight",
     "these are of a monodepth2 decoder, or of RT-MonoDepth's without its encoder: give the folder "
     "with encoder.pth and depth.pth"},
    {"blocks.0.ls1.gamma", "these are of DINOv2, the encoder without a depth head"},
    {"encoder.layer.0.layer_scale1.lambda1",
     "these are of DINOv2, the encoder without a depth head"},
    {"blocks.0.attn.qkv.weight", "these are of a vision transformer without a depth head"},
    {"down_blocks.0.resnets.0.conv1.weight",
     "these are of a diffusion network, as Marigold has it"},
};

/* The name is the tensor's, or ends with it behind a dot. */
static bool is_called(const char *name, const char *tensor)
{
    size_t n = strlen(name), m = strlen(tensor);
    return n >= m && strcmp(name + n - m, tensor) == 0 && (n == m || name[n - m - 1] == '.');
}

static const char *explain(const pr_table *table)
{
    for (size_t s = 0; s < sizeof strangers / sizeof *strangers; s++)
        for (size_t i = 0; i < table->count; i++)
            if (is_called(table->items[i].name, strangers[s].tensor)) return strangers[s].what;
    return NULL;
}

prune_status pr_strangers_refuse(const pr_checkpoint *c)
{
    const char *what = explain(&c->table);
    const char *type = json_string_value(json_object_get(c->config, "model_type"));
    if (c->table.count == 0)
        return pr_fail(PRUNE_E_UNSUPPORTED, "no known network: the file holds no tensors at all");
    if (what)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "no known network among %zu tensors: %s. Depth Anything V2 and "
                       "RT-MonoDepth-S are supported",
                       c->table.count, what);
    if (type && strcmp(type, "depth_anything") != 0)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "no known network among %zu tensors: config.json says model_type '%.60s'. "
                       "Depth Anything V2 and RT-MonoDepth-S are supported",
                       c->table.count, type);
    return pr_fail(PRUNE_E_UNSUPPORTED,
                   "no known network: among its %zu tensors ('%.100s' ...) is neither '%s' (Depth "
                   "Anything V2) nor one of another supported family",
                   c->table.count, c->table.items[0].name, pr_families[0].probes[0]);
}
