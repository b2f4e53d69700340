/* Accuracy of a stage as JSON. */
#include "pipelines/report/accuracy.h"

json_t *report_accuracy(const prune_evaluation *before, const prune_evaluation *evaluation,
                        const char *protocol)
{
    json_t *root = json_object();
    const char *name;
    int32_t index;
    if (prune_protocol_find(&index, protocol) != PRUNE_OK) return root;
    for (int32_t m = 0; (name = prune_protocol_metric_name(index, m)); m++) {
        double mean, low, high, change = 0, change_low = 0, change_high = 0;
        if (prune_evaluation_mean(evaluation, name, &mean, &low, &high) != PRUNE_OK) continue;
        json_t *row = json_pack("{s:f, s:[f,f]}", "mean", mean, "ci95", low, high);
        if (row && before && evaluation != before &&
            prune_evaluation_difference(before, evaluation, name, &change, &change_low,
                                        &change_high) == PRUNE_OK)
            (void)json_object_update_new(row, json_pack("{s:f, s:[f,f]}", "change", change,
                                                        "change_ci95", change_low, change_high));
        (void)json_object_set_new(root, name, row ? row : json_null());
    }
    return root;
}

prune_status report_add_accuracy(json_t *stage, const prune_evaluation *before,
                                 const prune_evaluation *evaluation, const char *protocol)
{
    char *detail = NULL;
    (void)json_object_set_new(stage, "accuracy", report_accuracy(before, evaluation, protocol));
    prune_status status = prune_evaluation_json(evaluation, &detail);
    if (status == PRUNE_OK)
        (void)json_object_set_new(stage, "evaluation", json_loads(detail, 0, NULL));
    prune_text_free(detail);
    return status;
}
