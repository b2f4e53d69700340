#include "libprune/quant/observer.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* --- histograms -------------------------------------------------------------------------------*/

/* Twice the reach: pairs of bins fall together, around the middle. */
static void widen(pr_histogram *h)
{
    uint32_t merged[PR_OBSERVER_BINS] = {0};
    for (int b = 0; b < PR_OBSERVER_BINS; b++) merged[PR_OBSERVER_BINS / 4 + b / 2] += h->bins[b];
    memcpy(h->bins, merged, sizeof merged);
    h->reach *= 2;
}

static void histogram_add(pr_histogram *h, float value)
{
    const float size = fabsf(value);
    if (!(size <= FLT_MAX)) return; /* not a number, or infinite */
    if (h->reach == 0) {
        if (size < FLT_MIN) {
            h->zeros++;
            return;
        }
        int exponent;
        (void)frexpf(size, &exponent);
        h->reach = ldexpf(1.0f, exponent < 127 ? exponent : 127);
        h->bins[PR_OBSERVER_BINS / 2] = (uint32_t)h->zeros;
    }
    while (size >= h->reach && h->reach < 1e38f) widen(h);
    const int b = (int)((value / h->reach + 1.0f) * (PR_OBSERVER_BINS / 2));
    h->bins[b < PR_OBSERVER_BINS ? b : PR_OBSERVER_BINS - 1]++;
}

static double bin_edge(const pr_histogram *h, int b)
{
    return (double)h->reach * (2.0 * b / PR_OBSERVER_BINS - 1.0);
}

/* --- the rules --------------------------------------------------------------------------------*/

static pr_range range_min_max(pr_range seen, const pr_histogram *histogram, double percentile)
{
    (void)histogram, (void)percentile;
    return seen;
}

/* Cuts equal shares from both tails, so that `percentile` % of the values remain. */
static pr_range range_percentile(pr_range seen, const pr_histogram *h, double percentile)
{
    double total = 0, below = 0, above = 0;
    int first = 0, last = PR_OBSERVER_BINS - 1;
    for (int b = 0; b < PR_OBSERVER_BINS; b++) total += h->bins[b];
    if (h->reach == 0 || total == 0) return seen;
    const double cut = total * (1.0 - percentile / 100.0) / 2.0;
    while (first < PR_OBSERVER_BINS - 1 && below + h->bins[first] <= cut) below += h->bins[first++];
    while (last > 0 && above + h->bins[last] <= cut) above += h->bins[last--];
    const double width = bin_edge(h, 1) - bin_edge(h, 0);
    const double low = bin_edge(h, first) + width * (cut - below) / fmax(h->bins[first], 1);
    const double high = bin_edge(h, last + 1) - width * (cut - above) / fmax(h->bins[last], 1);
    return (pr_range){fmaxf(seen.low, fminf((float)low, 0)),
                      fminf(seen.high, fmaxf((float)high, 0))};
}

/* Mean squared error of 254 steps over [low, high]: step^2 / 12 inside, the distance outside. */
static double squared_error(const pr_histogram *h, double low, double high)
{
    const double step = (high - low) / 254.0, inside = step * step / 12.0;
    double sum = 0;
    for (int b = 0; b < PR_OBSERVER_BINS; b++) {
        if (h->bins[b] == 0) continue;
        const double x = (bin_edge(h, b) + bin_edge(h, b + 1)) / 2;
        const double beyond = x > high ? x - high : x < low ? low - x : 0;
        sum += h->bins[b] * (beyond > 0 ? beyond * beyond + inside : inside);
    }
    return sum;
}

/* Shrinks the ends one after the other by hundredths while that lowers the squared error. */
static pr_range range_mse(pr_range seen, const pr_histogram *h, double percentile)
{
    double ends[2] = {(double)seen.low, (double)seen.high};
    (void)percentile;
    if (h->reach == 0) return seen;
    for (int round = 0; round < 2; round++)
        for (int end = 0; end < 2; end++) {
            double best = squared_error(h, ends[0], ends[1]), found = ends[end];
            const double full = (double)(end ? seen.high : seen.low);
            for (int i = 0; i < 80; i++) {
                ends[end] = full * (1 - 0.01 * i);
                const double error = squared_error(h, ends[0], ends[1]);
                if (error < best) {
                    best = error;
                    found = ends[end];
                }
            }
            ends[end] = found;
        }
    return (pr_range){(float)ends[0], (float)ends[1]};
}

const pr_observer_rule *pr_observer_get(pr_observer_kind kind)
{
    static const pr_observer_rule rules[PR_OBSERVER_COUNT] = {
        [PR_OBSERVER_MIN_MAX] = {"min-max", false, range_min_max},
        [PR_OBSERVER_PERCENTILE] = {"percentile", true, range_percentile},
        [PR_OBSERVER_MSE] = {"mse", true, range_mse},
    };
    return &rules[kind];
}

/* --- observing --------------------------------------------------------------------------------*/

prune_status pr_observer_create(pr_observer *out, prune_context *ctx, pr_observer_kind kind,
                                int64_t channels)
{
    pr_observer made = {.ctx = ctx, .rule = pr_observer_get(kind), .channels = channels};
    made.seen = pr_calloc(ctx, (size_t)channels, sizeof *made.seen);
    if (made.rule->needs_histogram)
        made.histograms = pr_calloc(ctx, (size_t)channels, sizeof *made.histograms);
    *out = made;
    if (made.seen && (made.histograms || !made.rule->needs_histogram)) return PRUNE_OK;
    pr_observer_free(out);
    return PRUNE_E_MEMORY;
}

void pr_observer_free(pr_observer *observer)
{
    if (observer->ctx) {
        pr_free(observer->ctx, observer->seen);
        pr_free(observer->ctx, observer->histograms);
    }
    *observer = (pr_observer){0};
}

typedef struct add_job {
    pr_observer *observer;
    const float *values;
    int64_t count;
} add_job;

/* A lane owns a run of channels: nothing is shared, and the order of additions does not matter. */
static void add_channels(void *arg, int64_t begin, int64_t end, int lane)
{
    add_job *job = arg;
    pr_observer *o = job->observer;
    (void)lane;
    for (int64_t at = 0; at < job->count; at += o->channels)
        for (int64_t c = begin; c < end; c++) {
            const float v = job->values[at + c];
            pr_range *seen = &o->seen[c];
            seen->low = v < seen->low ? v : seen->low;
            seen->high = v > seen->high ? v : seen->high;
            if (o->histograms) histogram_add(&o->histograms[c], v);
        }
}

void pr_observer_add(pr_observer *observer, const float *values, int64_t count)
{
    add_job job = {observer, values, count};
    pr_parallel(observer->ctx, observer->channels, 16, add_channels, &job);
}

pr_range pr_observer_range(const pr_observer *observer, int64_t channel, double percentile)
{
    return observer->rule->range(observer->seen[channel],
                                 observer->histograms ? &observer->histograms[channel] : NULL,
                                 percentile);
}

pr_grid pr_grid_of(pr_range range, bool zero_point, float least)
{
    pr_grid grid = {0};
    if (!zero_point) {
        grid.scale = fmaxf(fmaxf(-range.low, range.high) / 127.0f, least);
        return grid;
    }
    grid.scale = fmaxf((float)(((double)range.high - (double)range.low) / 254.0), least);
    const float zero = rintf(-127.0f - range.low / grid.scale);
    grid.zero = (int8_t)fminf(fmaxf(zero, -127.0f), 127.0f);
    return grid;
}
