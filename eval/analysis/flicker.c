/* Change from one frame to the next. A camera that moves changes what it sees, so the number means
 * something only beside that of another network on the same frames. */
#include "eval/analysis/analysis.h"
#include "eval/protocols/protocols.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double pr_flicker(const float *before, const float *now, size_t count, double *scratch)
{
    size_t n = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (before[i] > 0 && now[i] > 0 && isfinite(before[i]) && isfinite(now[i]))
            scratch[n++] = log((double)now[i]) - log((double)before[i]);
    if (n == 0) return (double)NAN;
    const double middle = pr_align_median(scratch, n); /* only reorders */
    for (size_t i = 0; i < n; i++) sum += fabs(scratch[i] - middle);
    return sum / (double)n;
}

/* Names are alike but for one run of digits, which counts up by one. */
bool prune_analysis_follows(const char *name, const char *next)
{
    bool counted = false;
    while (*name || *next) {
        if (isdigit((unsigned char)*name) && isdigit((unsigned char)*next)) {
            char *end, *next_end;
            const unsigned long long a = strtoull(name, &end, 10),
                                     b = strtoull(next, &next_end, 10);
            if (a != b) {
                if (counted || b != a + 1) return false;
                counted = true;
            }
            name = end;
            next = next_end;
        } else if (*name++ != *next++) {
            return false;
        }
    }
    return counted;
}
