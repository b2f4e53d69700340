/* Which frames are shown: by rank, not by hand. */
#include "pipelines/report/look.h"

#include <prune/sys/memory.h>
#include <stdlib.h>

typedef struct ranked {
    uint64_t index;
    double value, change; /* made so that small is good */
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static prune_status rank_frames(ranked *order, uint64_t count, const report_subject *s, double sign)
{
    prune_status status = PRUNE_OK;
    for (uint64_t i = 0; status == PRUNE_OK && i < count; i++) {
        const char *name, *other;
        double value, before = 0;
        status = prune_evaluation_frame(s->judged_after, i, s->metric, &name, &value);
        if (status == PRUNE_OK)
            status = prune_evaluation_frame(s->judged_before, i, s->metric, &other, &before);
        order[i] = (ranked){i, sign * value, sign * (value - before)};
    }
    if (status == PRUNE_OK) qsort(order, count, sizeof *order, by_value);
    return status;
}

static bool is_chosen(const report_choice *choices, int32_t count, uint64_t index)
{
    for (int32_t i = 0; i < count; i++)
        if (choices[i].index == index) return true;
    return false;
}

static uint64_t most_changed(const ranked *order, uint64_t count)
{
    uint64_t worst = 0;
    for (uint64_t i = 1; i < count; i++)
        if (order[i].change > order[worst].change) worst = i;
    return worst;
}

/* Takes the frame at a place in the ranking unless it is there already. */
static void take(report_choice *choices, int32_t *count, const ranked *frame, const char *rank,
                 double sign)
{
    if (is_chosen(choices, *count, frame->index)) return;
    choices[(*count)++] =
        (report_choice){frame->index, rank, sign * frame->value, sign * frame->change};
}

prune_status report_choose(report_choice *choices, int32_t *count, const report_subject *s)
{
    const int32_t wanted = *count;
    const uint64_t frames = prune_evaluation_frames(s->judged_after);
    prune_metric *metric = NULL;
    ranked *order = prune_memory_new(s->ctx, (size_t)frames, sizeof *order);
    prune_status status = order ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK)
        status = prune_protocol_metric(&metric, s->ctx, s->options->protocol, s->metric,
                                       prune_align_name((prune_align)s->options->align));
    const double sign = metric && metric->higher_is_better ? -1 : 1;
    if (status == PRUNE_OK) status = rank_frames(order, frames, s, sign);
    *count = 0;
    if (status == PRUNE_OK && frames > 0) {
        const ranked *first[4] = {&order[0], &order[frames / 2], &order[frames - 1],
                                  &order[most_changed(order, frames)]};
        static const char *const ranks[4] = {"best", "median", "worst",
                                             "changed most for the worse"};
        for (int k = 0; k < 4 && *count < wanted; k++)
            take(choices, count, first[k], ranks[k], sign);
        for (int32_t k = 1; k <= wanted && *count < wanted; k++)
            take(choices, count, &order[(uint64_t)k * (frames - 1) / (uint64_t)(wanted + 1)],
                 "between", sign);
    }
    prune_metric_free(metric);
    prune_memory_free(s->ctx, order);
    return status;
}
