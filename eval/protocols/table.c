/* The table of protocols: a new one is a row here. */
#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/error.h>
#include <stdio.h>
#include <string.h>

static const pr_protocol protocols[] = {
    /* Section 2 */
    {.name = "kitti-devkit",
     .help = "KITTI depth benchmark: every measured pixel, nine metrics of the development kit",
     .mask = "g > 0",
     .crop_text = "none",
     .cap = "none",
     .truth_below = INFINITY,
     .crop = pr_crop_none,
     .fill = true,
     .metrics = &pr_metrics_devkit},
    /* Section 4, the eigen mask */
    {.name = "eigen",
     .help = "Eigen split: 1 mm to 80 m inside the Garg crop",
     .mask = "0.001 < g < 80",
     .crop_text = "Garg",
     .cap = "0.001 to 80 m",
     .truth_above = 1e-3,
     .truth_below = 80,
     .crop = pr_crop_garg,
     .clamp_low = 1e-3,
     .clamp_high = 80,
     .metrics = &pr_metrics_eigen},
    /* Section 4, the eigen_benchmark mask */
    {.name = "eigen-benchmark",
     .help = "Eigen split on the improved ground truth: every measured pixel, no crop",
     .mask = "g > 0",
     .crop_text = "none",
     .cap = "0.001 to 80 m (prediction only)",
     .truth_below = INFINITY,
     .crop = pr_crop_none,
     .clamp_low = 1e-3,
     .clamp_high = 80,
     .metrics = &pr_metrics_eigen},
    /* Section 9.2 */
    {.name = "affine",
     .help = "relative depth on KITTI: scale and shift fitted in disparity, per image",
     .mask = "g > 0",
     .crop_text = "Garg",
     .cap = "0.001 to 80 m (prediction only)",
     .truth_below = INFINITY,
     .crop = pr_crop_garg,
     .clamp_low = 1e-3,
     .clamp_high = 80,
     .only = PRUNE_ALIGN_AFFINE,
     .metrics = &pr_metrics_eigen},
    {.name = "affine-nyu",
     .help = "relative depth on NYU (640x480): scale and shift fitted in disparity, per image",
     .mask = "g > 0",
     .crop_text = "rows 45 to 470, columns 41 to 600",
     .cap = "0.001 to 10 m (prediction only)",
     .truth_below = INFINITY,
     .crop = pr_crop_nyu,
     .clamp_low = 1e-3,
     .clamp_high = 10,
     .only = PRUNE_ALIGN_AFFINE,
     .metrics = &pr_metrics_eigen},
};

int32_t pr_protocol_count(void)
{
    return (int32_t)(sizeof protocols / sizeof protocols[0]);
}

const pr_protocol *pr_protocol_at(int32_t index)
{
    return index >= 0 && index < pr_protocol_count() ? &protocols[index] : NULL;
}

int32_t prune_protocols(void)
{
    return pr_protocol_count();
}

prune_status prune_protocol_describe(int32_t index, prune_protocol_info *info)
{
    const pr_protocol *protocol = pr_protocol_at(index);
    if (!protocol)
        return prune_error_set(PRUNE_E_ARGUMENT, "there is no protocol number %d", (int)index);
    uint32_t size = info->struct_size;
    if (size != sizeof *info)
        return prune_error_set(PRUNE_E_ARGUMENT, "set struct_size of prune_protocol_info");
    *info = (prune_protocol_info){
        size,          protocol->name,          protocol->help, protocol->mask, protocol->crop_text,
        protocol->cap, protocol->metrics->count};
    return PRUNE_OK;
}

prune_status prune_protocol_find(int32_t *index, const char *name)
{
    char known[256] = "";
    for (int32_t i = 0; i < pr_protocol_count(); i++) {
        if (name && strcmp(protocols[i].name, name) == 0) {
            *index = i;
            return PRUNE_OK;
        }
        size_t length = strlen(known);
        (void)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "",
                       protocols[i].name);
    }
    return prune_error_set(PRUNE_E_ARGUMENT, "there is no protocol '%s': choose one of %s",
                           name ? name : "", known);
}

const char *prune_protocol_metric_name(int32_t index, int32_t metric)
{
    const pr_protocol *protocol = pr_protocol_at(index);
    if (!protocol || metric < 0 || metric >= protocol->metrics->count) return NULL;
    return protocol->metrics->rows[metric].name;
}
