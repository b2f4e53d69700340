/* Crops (evaluation-protocols 3). Products are truncated, as Python's int() does. */
#include "eval/protocols/protocols.h"

bool pr_crop_none(pr_window *out, int32_t height, int32_t width)
{
    *out = (pr_window){0, height, 0, width};
    return true;
}

/* Garg et al., ECCV 2016. */
bool pr_crop_garg(pr_window *out, int32_t height, int32_t width)
{
    *out = (pr_window){(int32_t)(0.40810811 * height), (int32_t)(0.99189189 * height),
                       (int32_t)(0.03594771 * width), (int32_t)(0.96405229 * width)};
    return true;
}

/* Eigen's crop on NYU, in pixels of the full frame. */
bool pr_crop_nyu(pr_window *out, int32_t height, int32_t width)
{
    *out = (pr_window){45, 471, 41, 601};
    return height == 480 && width == 640;
}
