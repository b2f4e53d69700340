#include "libprune/measure/estimate.h"

#include "libprune/base/context.h"
#include "libprune/base/file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { TABLE_BYTES = 1 << 20 };

/* Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, 45 nm, 0.9 V:
 * FP32 multiplication 3.7 and addition 0.9 pJ; 8-bit multiplication 0.2 and 32-bit integer addition
 * 0.1 pJ; 64 bits from a 1 MB cache 100 pJ, from DRAM 1300 to 2600 pJ (the lower end). */
static const char horowitz[] = "Horowitz, ISSCC 2014, 45 nm";

#define FIELD(member) offsetof(prune_energy_options, member)
static const prune_option rows[] = {
    {"energy", PRUNE_OPTION_CHOICE, FIELD(method), "auto", 0, 0, "auto|rapl|estimate",
     "measured by the processor's counters (rapl), or an estimate from counted operations"},
    {"energy-root", PRUNE_OPTION_TEXT, FIELD(root), "/sys/class/powercap", 0, 0, NULL,
     "folder of the counters"},
    {"energy-seconds", PRUNE_OPTION_FLOAT, FIELD(seconds), "3", 0.001, 3600, NULL,
     "rapl: how long each model runs"},
    {"energy-idle-seconds", PRUNE_OPTION_FLOAT, FIELD(idle_seconds), "3", 0, 3600, NULL,
     "rapl: how long to do nothing, for the baseline that is subtracted; 0: none"},
    {"energy-table", PRUNE_OPTION_TEXT, FIELD(table), NULL, 0, 0, NULL,
     "estimate: JSON file with fp32-pj, int8-pj, cache-pj, dram-pj, cache-bytes, source; it wins "
     "over the options of these names"},
    {"energy-fp32-pj", PRUNE_OPTION_FLOAT, FIELD(fp32_pj), "4.6", 0, 1e6, NULL,
     "estimate: picojoules per FP32 multiply-accumulate"},
    {"energy-int8-pj", PRUNE_OPTION_FLOAT, FIELD(int8_pj), "0.3", 0, 1e6, NULL,
     "estimate: picojoules per INT8 multiply-accumulate"},
    {"energy-cache-pj", PRUNE_OPTION_FLOAT, FIELD(cache_pj), "12.5", 0, 1e6, NULL,
     "estimate: picojoules per byte from or to the cache"},
    {"energy-dram-pj", PRUNE_OPTION_FLOAT, FIELD(dram_pj), "162.5", 0, 1e6, NULL,
     "estimate: picojoules per byte from or to DRAM"},
    {"energy-cache-bytes", PRUNE_OPTION_UINT64, FIELD(cache_bytes), "1048576", 0, 1e15, NULL,
     "estimate: what is larger than this comes from DRAM"},
};
#undef FIELD

const prune_option_table *prune_energy_option_table(void)
{
    static const prune_option_table table = {"energy", sizeof(prune_energy_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_energy_options_init(prune_energy_options *options)
{
    prune_options_init(prune_energy_option_table(), options);
}

static bool is_default(const prune_energy_options *o)
{
    prune_energy_options d;
    prune_energy_options_init(&d);
    return o->fp32_pj == d.fp32_pj && o->int8_pj == d.int8_pj && o->cache_pj == d.cache_pj &&
           o->dram_pj == d.dram_pj && o->cache_bytes == d.cache_bytes;
}

/* A file sets what options of the same name set, with their ranges. */
static prune_status take_entry(prune_energy_options *options, const char *key, const json_t *value,
                               char *source, size_t size)
{
    char name[64], text[64];
    if (strcmp(key, "source") == 0 && json_is_string(value)) {
        (void)snprintf(source, size, "%s", json_string_value(value));
        return PRUNE_OK;
    }
    const bool known = strcmp(key, "fp32-pj") == 0 || strcmp(key, "int8-pj") == 0 ||
                       strcmp(key, "cache-pj") == 0 || strcmp(key, "dram-pj") == 0 ||
                       strcmp(key, "cache-bytes") == 0;
    if (!known || !json_is_number(value))
        return pr_fail(PRUNE_E_FORMAT,
                       "'%.40s' is not an entry of an energy table; numbers fp32-pj, int8-pj, "
                       "cache-pj, dram-pj, cache-bytes and a text source are",
                       key);
    (void)snprintf(name, sizeof name, "energy-%s", key);
    (void)snprintf(text, sizeof text, "%.17g", json_number_value(value));
    return prune_options_set(prune_energy_option_table(), options, name, text);
}

static prune_status take_file(prune_energy_options *options, const char *path, char *source,
                              size_t size)
{
    pr_mapped file;
    json_error_t error;
    const char *key;
    json_t *value, *root = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_file_map(&file, path));
    if (file.size > TABLE_BYTES)
        status = pr_fail(PRUNE_E_FORMAT, "larger than 1 MiB: not an energy table");
    else if (!(root = json_loadb(file.size ? (const char *)file.data : "", (size_t)file.size,
                                 JSON_REJECT_DUPLICATES, &error)))
        status = pr_fail(PRUNE_E_FORMAT, "line %d: %s", error.line, error.text);
    else if (!json_is_object(root))
        status = pr_fail(PRUNE_E_FORMAT, "not a JSON object");
    pr_file_unmap(&file);
    json_object_foreach(root, key, value)
    {
        if (status == PRUNE_OK) status = take_entry(options, key, value, source, size);
    }
    json_decref(root);
    return status == PRUNE_OK ? PRUNE_OK : pr_fail_within(status, "%s", path);
}

prune_status pr_energy_table_read(prune_energy_options *options, char *source, size_t size)
{
    if (options->table) {
        (void)snprintf(source, size, "table %s", options->table);
        return take_file(options, options->table, source, size);
    }
    (void)snprintf(source, size, "%s", is_default(options) ? horowitz : "table given by options");
    return PRUNE_OK;
}

prune_status pr_energy_estimate(const prune_session *session, const prune_energy_options *options,
                                prune_frame_energy *frame)
{
    const int32_t steps = prune_session_steps(session);
    const bool all_cached = prune_session_memory(session) <= options->cache_bytes;
    for (int32_t i = 0; i < steps; i++) {
        prune_session_step step = {.struct_size = (uint32_t)sizeof step};
        PR_TRY(prune_session_step_info(session, i, &step));
        const uint64_t values = step.read_bytes + step.write_bytes;
        *(step.integer ? &frame->int8_macs : &frame->fp32_macs) += step.macs;
        *(all_cached ? &frame->cache_bytes : &frame->dram_bytes) += step.weight_bytes;
        *(values <= options->cache_bytes ? &frame->cache_bytes : &frame->dram_bytes) += values;
    }
    frame->estimated = true;
    frame->value = 1e-9 * (options->fp32_pj * (double)frame->fp32_macs +
                           options->int8_pj * (double)frame->int8_macs +
                           options->cache_pj * (double)frame->cache_bytes +
                           options->dram_pj * (double)frame->dram_bytes);
    return PRUNE_OK;
}
