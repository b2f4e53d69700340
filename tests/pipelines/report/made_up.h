/* A report with known numbers. */
#ifndef TESTS_PIPELINES_REPORT_MADE_UP_H
#define TESTS_PIPELINES_REPORT_MADE_UP_H

#include <jansson.h>

static inline json_t *made_up_stage(const char *name, double share, double abs_rel)
{
    return json_pack("{s:s, s:f, s:f, s:I, s:I, s:I, s:I, s:i, s:I, s:{s:f, s:f, s:i}, "
                     "s:{s:{s:f, s:[f,f], s:f, s:[f,f]}}}",
                     "name", name, "seconds", 12.5, "judge_score", abs_rel, "parameters",
                     (json_int_t)(2e6 * share), "macs", (json_int_t)(6e8 * share), "file_bytes",
                     (json_int_t)(8e6 * share), "packed_bytes", (json_int_t)(7e6 * share),
                     "int8_layers", share < 1 ? 5 : 0, "session_bytes", (json_int_t)(4e6 * share),
                     "latency_ms", "minimum", 20.0 * share, "median", 21.0 * share, "runs", 50,
                     "accuracy", "abs_rel", "mean", abs_rel, "ci95", abs_rel - 0.01, abs_rel + 0.01,
                     "change", abs_rel - 0.1, "change_ci95", abs_rel - 0.102, abs_rel - 0.098);
}

/* before, trimmed, int8: half of everything, abs_rel from 0.1 to 0.105. */
static inline json_t *made_up_report(void)
{
    json_t *report = json_pack(
        "{s:s, s:s, s:s, s:[i,i], s:s, s:i, s:i, s:s, s:I, s:{s:s, s:i, s:s, s:s, s:s, s:b}, "
        "s:[o,o,o]}",
        "version", "0.1.0", "command", "prune compress <net> --macs 0.5", "architecture", "net",
        "input_size", 98, 322, "isa", "avx2", "threads", 2, "seed", 7, "judge",
        "abs_rel on 30 labelled validation frames", "peak_memory", (json_int_t)300000000,
        "accuracy_on", "role", "test", "frames", 24, "protocol", "eigen", "align", "none", "metric",
        "abs_rel", "few_frames", 0, "stages", made_up_stage("before", 1, 0.1),
        made_up_stage("trimmed", 0.75, 0.103), made_up_stage("int8", 0.5, 0.105));
    json_t *accuracy =
        json_object_get(json_array_get(json_object_get(report, "stages"), 0), "accuracy");
    json_object_del(json_object_get(accuracy, "abs_rel"), "change");
    json_object_del(json_object_get(accuracy, "abs_rel"), "change_ci95");
    return report;
}

#endif
