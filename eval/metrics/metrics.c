#include "eval/metrics/metrics.h"

#include <math.h>
#include <string.h>

void pr_metrics_sum(pr_sums *sums, const float *truth, const double *prediction, size_t count)
{
    static const double bound[3] = {1.25, 1.5625, 1.953125};
    pr_sums s = {.n = (double)count};
    for (size_t i = 0; i < count; i++) {
        double g = (double)truth[i], p = prediction[i];
        double e = fabs(g - p), l = log(p) - log(g), inverse = fabs(1 / g - 1 / p);
        double ratio = g > p ? g / p : p / g;
        s.abs += e;
        s.squared += e * e;
        s.rel += e / g;
        s.squared_rel += e * e / g;
        s.relative_squared += e * e / (g * g);
        s.log += l;
        s.log_abs += fabs(l);
        s.log_squared += l * l;
        s.inverse_abs += inverse;
        s.inverse_squared += inverse * inverse;
        for (int k = 0; k < 3; k++) s.within[k] += ratio < bound[k];
    }
    *sums = s;
}

/* The variance may round to just below 0; a NaN must stay one, which fmax would not let it. */
static double deviation(double mean_of_squares, double mean)
{
    double variance = mean_of_squares - mean * mean;
    return sqrt(variance < 0 ? 0 : variance);
}

static double abs_rel(const pr_sums *s)
{
    return s->rel / s->n;
}

static double sq_rel(const pr_sums *s)
{
    return s->squared_rel / s->n;
}

static double rmse(const pr_sums *s)
{
    return sqrt(s->squared / s->n);
}

static double rmse_log(const pr_sums *s)
{
    return sqrt(s->log_squared / s->n);
}

static double silog(const pr_sums *s)
{
    return deviation(s->log_squared / s->n, s->log / s->n);
}

static double silog_percent(const pr_sums *s)
{
    return 100 * silog(s);
}

static double log10_error(const pr_sums *s)
{
    return s->log_abs / s->n / 2.302585092994046; /* ln 10 */
}

static double delta1(const pr_sums *s)
{
    return s->within[0] / s->n;
}

static double delta2(const pr_sums *s)
{
    return s->within[1] / s->n;
}

static double delta3(const pr_sums *s)
{
    return s->within[2] / s->n;
}

static const pr_metric_row eigen_rows[] = {
    {"abs_rel", "", "mean of |g-p|/g", false, abs_rel},
    {"sq_rel", "m", "mean of (g-p)^2/g", false, sq_rel},
    {"rmse", "m", "root of the mean of (g-p)^2", false, rmse},
    {"rmse_log", "", "root of the mean of (ln g - ln p)^2", false, rmse_log},
    {"silog", "%", "100 x standard deviation of ln p - ln g", false, silog_percent},
    {"log10", "", "mean of |log10 g - log10 p|", false, log10_error},
    {"d1", "", "share of pixels with max(g/p, p/g) < 1.25", true, delta1},
    {"d2", "", "the same with 1.25^2", true, delta2},
    {"d3", "", "the same with 1.25^3", true, delta3},
};
const pr_metric_set pr_metrics_eigen = {eigen_rows, sizeof eigen_rows / sizeof eigen_rows[0]};

static double mae(const pr_sums *s)
{
    return s->abs / s->n;
}

static double imae(const pr_sums *s)
{
    return s->inverse_abs / s->n;
}

static double irmse(const pr_sums *s)
{
    return sqrt(s->inverse_squared / s->n);
}

static double log_mae(const pr_sums *s)
{
    return s->log_abs / s->n;
}

static double relative_squared(const pr_sums *s)
{
    return s->relative_squared / s->n;
}

static const pr_metric_row devkit_rows[] = {
    {"mae", "m", "mean of |g-p|", false, mae},
    {"rmse", "m", "root of the mean of (g-p)^2", false, rmse},
    {"imae", "1/m", "mean of |1/g-1/p|", false, imae},
    {"irmse", "1/m", "root of the mean of (1/g-1/p)^2", false, irmse},
    {"log_mae", "", "mean of |ln g - ln p|", false, log_mae},
    {"log_rmse", "", "root of the mean of (ln g - ln p)^2", false, rmse_log},
    {"silog", "", "standard deviation of ln p - ln g (not x 100)", false, silog},
    {"abs_rel", "", "mean of |g-p|/g", false, abs_rel},
    {"sq_rel", "", "mean of (g-p)^2/g^2, without unit", false, relative_squared},
};
const pr_metric_set pr_metrics_devkit = {devkit_rows, sizeof devkit_rows / sizeof devkit_rows[0]};

int32_t pr_metrics_find(const pr_metric_set *set, const char *name)
{
    char plain[32];
    size_t length = strlen(name);
    /* "a1", "delta1" and "d1" are three names of one metric. */
    if (length >= 2 && length < sizeof plain && name[length - 1] >= '1' &&
        name[length - 1] <= '3' &&
        (strncmp(name, "a", length - 1) == 0 || strncmp(name, "delta", length - 1) == 0)) {
        plain[0] = 'd';
        plain[1] = name[length - 1];
        plain[2] = '\0';
        name = plain;
    }
    for (int32_t i = 0; i < set->count; i++)
        if (strcmp(set->rows[i].name, name) == 0) return i;
    return -1;
}
