/* Mean absolute difference, whole and trimmed. */
#include "libprune/train/loss.h"

#include <math.h>

static float sign_of(float x)
{
    return (float)((x > 0) - (x < 0));
}

/* Mean of |residual| over the `kept` smallest, those not above `limit`; divided by all known
 * pixels, as MiDaS does, so that trimming changes the value and not the remaining gradients. */
static double limited_l1(const pr_residual *residual, float limit, float weight, float *d_residual)
{
    int64_t count = residual->height * residual->width;
    double sum = 0;
    float step = weight / (float)residual->known;
    for (int64_t i = 0; i < count; i++) {
        if (!residual->mask[i] || fabsf(residual->values[i]) > limit) continue;
        sum += fabs((double)residual->values[i]);
        if (d_residual) d_residual[i] += step * sign_of(residual->values[i]);
    }
    return sum / (double)residual->known;
}

double pr_loss_l1(const pr_residual *residual, float weight, float *d_residual)
{
    return limited_l1(residual, INFINITY, weight, d_residual);
}

/* MiDaS (Ranftl et al. 2020): the largest fifth of the residuals are taken for wrong labels. */
double pr_loss_trimmed_l1(const pr_residual *residual, float weight, float *d_residual)
{
    int64_t count = residual->height * residual->width, n = 0;
    for (int64_t i = 0; i < count; i++)
        if (residual->mask[i]) residual->scratch[n++] = fabsf(residual->values[i]);
    int64_t last = (n * 4 + 4) / 5 - 1;
    float limit = pr_select_nth(residual->scratch, n, last > 0 ? last : 0);
    return limited_l1(residual, limit, weight, d_residual);
}
