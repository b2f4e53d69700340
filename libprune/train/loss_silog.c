/* Scale-invariant logarithmic error (Eigen et al. 2014, with the official metric recipe's half):
 * sqrt(mean(d^2) - 0.5 mean(d)^2), d = ln(prediction) - ln(ground truth). */
#include "libprune/train/loss.h"

#include <math.h>

double pr_loss_silog(const pr_residual *residual, float weight, float *d_residual)
{
    int64_t count = residual->height * residual->width;
    double sum = 0, squares = 0, n = (double)residual->known;
    for (int64_t i = 0; i < count; i++) {
        if (!residual->mask[i]) continue;
        double d = (double)residual->values[i];
        sum += d;
        squares += d * d;
    }
    double mean = sum / n;
    /* The small constant keeps the gradient finite at a perfect prediction. */
    double value = sqrt(squares / n - 0.5 * mean * mean + 1e-8);
    if (d_residual) {
        double factor = (double)weight / (value * n);
        for (int64_t i = 0; i < count; i++) {
            if (!residual->mask[i]) continue;
            d_residual[i] += (float)(factor * ((double)residual->values[i] - 0.5 * mean));
        }
    }
    return value;
}
