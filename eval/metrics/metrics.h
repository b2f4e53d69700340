/* Depth metrics of one image, all from one pass over its valid pixels (evaluation-protocols 1, 2).
 * Metres and float64 throughout. */
#ifndef EVAL_METRICS_H
#define EVAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums over the n valid pixels, g truth and p prediction in metres, l = ln p - ln g. */
typedef struct pr_sums {
    double n;
    double abs, squared;                 /* |g-p|, (g-p)^2 */
    double rel, squared_rel;             /* |g-p|/g, (g-p)^2/g */
    double relative_squared;             /* (g-p)^2/g^2 */
    double log, log_abs, log_squared;    /* l, |l|, l^2 */
    double inverse_abs, inverse_squared; /* |1/g-1/p|, its square */
    double within[3];                    /* pixels with max(g/p, p/g) < 1.25, 1.25^2, 1.25^3 */
} pr_sums;
void pr_metrics_sum(pr_sums *sums, const float *truth, const double *prediction, size_t count);

typedef struct pr_metric_row {
    const char *name;
    const char *unit; /* "" for plain ratios */
    const char *help;
    bool higher_is_better;
    double (*value)(const pr_sums *sums);
} pr_metric_row;

enum { PR_METRICS_MAX = 9 };

typedef struct pr_metric_set {
    const pr_metric_row *rows;
    int32_t count; /* at most PR_METRICS_MAX */
} pr_metric_set;
/* Eigen's family, and the KITTI development kit's nine. */
extern const pr_metric_set pr_metrics_eigen, pr_metrics_devkit;

/* Index by name (also "a1", "delta1" for "d1"), or -1. */
int32_t pr_metrics_find(const pr_metric_set *set, const char *name);

#endif
