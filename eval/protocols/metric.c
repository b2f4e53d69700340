/* One metric of a protocol as a judge inside the library. */
#include "eval/protocols/protocols.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>

typedef struct judge {
    prune_metric metric; /* what the caller holds; user points back here */
    prune_context *context;
    const pr_protocol *protocol;
    prune_align align;
    int32_t index;
    double sum;
    uint64_t count;
} judge;

static void judge_reset(void *user)
{
    judge *j = user;
    j->sum = 0;
    j->count = 0;
}

static prune_status judge_add(void *user, const prune_prediction *prediction,
                              const prune_sample *sample)
{
    judge *j = user;
    pr_judgement judgement;
    prune_status status =
        pr_protocol_judge(&judgement, j->context, j->protocol, j->align, prediction, sample);
    if (status != PRUNE_OK) return status;
    j->sum += judgement.values[j->index];
    j->count++;
    return PRUNE_OK;
}

static prune_status judge_value(void *user, double *value)
{
    const judge *j = user;
    if (j->count == 0)
        return prune_error_set(PRUNE_E_ARGUMENT, "%s: no frame was judged yet", j->metric.name);
    *value = j->sum / (double)j->count;
    return PRUNE_OK;
}

static void judge_close(void *user)
{
    judge *j = user;
    prune_memory_free(j->context, j);
}

prune_status prune_protocol_metric(prune_metric **out, prune_context *context, const char *protocol,
                                   const char *metric, const char *align)
{
    int32_t index;
    prune_align parsed;
    prune_status status = prune_protocol_find(&index, protocol);
    if (status == PRUNE_OK) status = prune_align_parse(&parsed, align);
    if (status != PRUNE_OK) return status;
    const pr_protocol *found = pr_protocol_at(index);
    int32_t m = pr_metrics_find(found->metrics, metric ? metric : "abs_rel");
    if (m < 0)
        return prune_error_set(PRUNE_E_ARGUMENT, "protocol %s has no metric '%s'", protocol,
                               metric);
    judge *j = prune_memory_zero(context, 1, sizeof *j);
    if (!j) return PRUNE_E_MEMORY;
    const pr_metric_row *row = &found->metrics->rows[m];
    j->metric = (prune_metric){.struct_size = sizeof j->metric,
                               .user = j,
                               .name = row->name,
                               .higher_is_better = row->higher_is_better,
                               .reset = judge_reset,
                               .add = judge_add,
                               .value = judge_value,
                               .close = judge_close};
    j->context = context;
    j->protocol = found;
    j->align = parsed;
    j->index = m;
    *out = &j->metric;
    return PRUNE_OK;
}
