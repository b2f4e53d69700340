/* From a model's own units to metres: nothing, the ratio of medians, or a line in disparity. */
#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/error.h>
#include <string.h>

static const char *const names[] = {"default", "none", "median", "affine"};

const char *prune_align_name(prune_align align)
{
    return (unsigned)align < sizeof names / sizeof names[0] ? names[align] : "unknown";
}

prune_status prune_align_parse(prune_align *out, const char *name)
{
    *out = PRUNE_ALIGN_DEFAULT;
    if (!name) return PRUNE_OK;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (prune_align)i;
            return PRUNE_OK;
        }
    }
    return prune_error_set(PRUNE_E_ARGUMENT,
                           "there is no alignment '%s': choose none, median or affine", name);
}

prune_status pr_align_resolve(prune_align *out, const pr_protocol *protocol, prune_align wish,
                              int32_t output_kind)
{
    static const char *const kinds[] = {"relative depth", "disparity up to a scale", "metres"};
    static const prune_align usual[] = {PRUNE_ALIGN_AFFINE, PRUNE_ALIGN_MEDIAN, PRUNE_ALIGN_NONE};
    if (output_kind < 0 || output_kind > 2)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "it is not known what the predictions mean: say relative, disparity "
                               "or metric");
    if (protocol->only != PRUNE_ALIGN_DEFAULT) {
        if (wish != PRUNE_ALIGN_DEFAULT && wish != protocol->only)
            return prune_error_set(
                PRUNE_E_ARGUMENT,
                "protocol %s brings its own alignment: leave --align %s away, or "
                "take protocol eigen",
                protocol->name, prune_align_name(wish));
        *out = protocol->only;
        return PRUNE_OK;
    }
    prune_align align = wish == PRUNE_ALIGN_DEFAULT ? usual[output_kind] : wish;
    if (align == PRUNE_ALIGN_NONE && output_kind != 2)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "the model gives %s, which cannot be compared with metres as it is: "
                               "take --align %s",
                               kinds[output_kind], prune_align_name(usual[output_kind]));
    *out = align;
    return PRUNE_OK;
}

bool pr_align_affine(double *scale, double *shift, const float *truth, const double *x,
                     size_t count)
{
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += x[i];
        mean_y += 1 / (double)truth[i];
    }
    mean_x /= (double)count;
    mean_y /= (double)count;
    for (size_t i = 0; i < count; i++) {
        double dx = x[i] - mean_x;
        xx += dx * dx;
        xy += dx * (1 / (double)truth[i] - mean_y);
    }
    if (!(xx / (double)count > 1e-12 * mean_x * mean_x)) return false;
    *scale = xy / xx;
    *shift = mean_y - *scale * mean_x;
    return true;
}

/* Hoare's selection: afterwards values[k] is the k-th smallest and nothing left of it is larger. */
static double select_kth(double *values, size_t count, size_t k)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i > j) break;
            double swap = values[i];
            values[i] = values[j];
            values[j] = swap;
            i++;
            if (j == 0) break;
            j--;
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return values[k];
}

double pr_align_median(double *values, size_t count)
{
    double upper = select_kth(values, count, count / 2);
    if (count % 2) return upper;
    double lower = values[0];
    for (size_t i = 1; i < count / 2; i++)
        if (values[i] > lower) lower = values[i];
    return (lower + upper) / 2;
}
