/* The rows of the before/after table. */
#include "pipelines/report/rows.h"

#include <math.h>
#include <string.h>

static const report_row rows[] = {
    {"parameters", "M", "parameters", 1e6, 3, REPORT_LESS},
    {"MACs", "G", "macs", 1e9, 3, REPORT_LESS},
    {"INT8 layers", "", "int8_layers", 1, 0, REPORT_NEITHER},
    {"file as given", "MB", "given_bytes", 1e6, 3, REPORT_LESS},
    {"safetensors", "MB", "file_bytes", 1e6, 3, REPORT_LESS},
    {"packed", "MB", "packed_bytes", 1e6, 3, REPORT_LESS},
    {"session memory", "MB", "session_bytes", 1e6, 1, REPORT_LESS},
    {"latency, minimum", "ms", "latency_ms.minimum", 1, 2, REPORT_LESS},
    {"latency, median", "ms", "latency_ms.median", 1, 2, REPORT_LESS},
    {"latency, 95th percentile", "ms", "latency_ms.p95", 1, 2, REPORT_LESS},
    {"energy per frame", "mJ", "energy_mj.value", 1, 3, REPORT_LESS},
};

size_t report_rows(const report_row **out)
{
    *out = rows;
    return sizeof rows / sizeof *rows;
}

bool report_more_is_better(const char *metric)
{
    return metric[0] == 'd' && metric[1] >= '1' && metric[1] <= '3' && metric[2] == '\0';
}

const char *report_metric_unit(const char *metric, const char *protocol)
{
    static const char *const units[][2] = {{"rmse", ", m"},   {"mae", ", m"},     {"sq_rel", ", m"},
                                           {"imae", ", 1/m"}, {"irmse", ", 1/m"}, {"silog", ", %"}};
    /* The development kit divides by g squared, and does not take silog times 100. */
    if (strcmp(protocol, "kitti-devkit") == 0 &&
        (strcmp(metric, "sq_rel") == 0 || strcmp(metric, "silog") == 0))
        return "";
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(metric, units[i][0]) == 0) return units[i][1];
    return "";
}

const char *report_estimate(const json_t *report, const char *path)
{
    const json_t *stage;
    size_t s;
    if (strncmp(path, "energy_mj.", 10) != 0) return "";
    json_array_foreach(
        report_stages(report), s,
        stage) if (json_is_true(report_at(stage, "energy_mj.estimated"))) return " (estimate)";
    return "";
}

bool report_has(const json_t *report, const char *path)
{
    const json_t *stage;
    size_t s;
    json_array_foreach(report_stages(report), s,
                       stage) if (!isnan(report_number(stage, path))) return true;
    return false;
}
