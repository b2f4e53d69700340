#include "libprune/models/families/families.h"

const pr_family pr_families[] = {
    {.name = "depth_anything_v2",
     .probes = {"pretrained.patch_embed.proj.weight",
                "backbone.embeddings.patch_embeddings.projection.weight"},
     .build = pr_dav2_open},
    {.name = "rt_monodepth_s",
     .probes = {"encoder.convs.0.0.weight"},
     .files = {"encoder.pth", "depth.pth"},
     .prefixes = {"encoder.", "depth."},
     .build = pr_rt_monodepth_open},
};
const size_t pr_families_count = sizeof pr_families / sizeof *pr_families;
