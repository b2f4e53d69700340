/* How prune bench shows what it found: a text for people, JSON for programs. */
#include "pipelines/cli/bench.h"

#include <prune/sys/error.h>
#include <stdio.h>
#include <string.h>

/* --- for people -------------------------------------------------------------------------------*/

static void print_latency(const bench_result *b, const bench_model *m)
{
    const prune_latency *l = &m->latency;
    const double half = 50 * (l->median_high - l->median_low) / l->median;
    (void)printf("latency  median %.3f ms [%.3f, %.3f], minimum %.3f, mean %.3f, 95th percentile "
                 "%.3f\n         %.2f frames/s; %d runs after %d of warm-up\n",
                 l->median, l->median_low, l->median_high, l->minimum, l->mean, l->p95,
                 l->throughput, l->runs, l->warm_up);
    if (l->precise)
        (void)printf("         the median is known to %.1f %% (%.1f %% interval)\n", half,
                     100 * l->coverage);
    else
        (void)printf("         time was up: the median is known to %.1f %% (%.1f %% interval), not "
                     "to the wished %.3g %%; see --seconds\n",
                     half, 100 * l->coverage, 100 * b->timing_options->precision);
}

static void print_runtime(const bench_result *b, const bench_model *m, const prune_runtime *r)
{
    if (!(r->minutes > 0)) return;
    (void)printf("battery  %g Wh last%s %.0f minutes at %.2f frames/s%s (%.3g W, of which %.3g W "
                 "idle)\n",
                 b->battery_options->battery_wh, r->idle_watts > 0 ? "" : " at most", r->minutes,
                 r->fps, m->energy.estimated ? ", an estimate" : "", r->watts, r->idle_watts);
}

static void print_energy(const bench_result *b, const bench_model *m)
{
    const prune_frame_energy *e = &m->energy;
    if (e->estimated)
        (void)printf("energy   %.4g mJ per frame, an estimate: %.3g G FP32 and %.3g G INT8 MACs, "
                     "%.3g MB cache, %.3g MB DRAM\n         %s\n",
                     e->value, 1e-9 * (double)e->fp32_macs, 1e-9 * (double)e->int8_macs,
                     1e-6 * (double)e->cache_bytes, 1e-6 * (double)e->dram_bytes, e->source);
    else
        (void)printf("energy   %.4g mJ per frame, %.3g W while running (%d frames in %.1f s)\n"
                     "         %s\n",
                     e->value, e->busy_watts, e->frames, e->seconds, e->source);
    if (e->reason) (void)printf("         not measured: %s\n", e->reason);
    print_runtime(b, m, &m->continuous);
    print_runtime(b, m, &m->paced);
    if (b->battery_options->battery_wh > 0 && b->battery_options->fps > m->continuous.fps)
        (void)printf("         %g frames/s are more than this machine reaches\n",
                     b->battery_options->fps);
    if (b->battery_options->battery_wh > 0)
        (void)printf(
            "         assumed: the whole charge is usable at any load, and beside the idle "
            "power only inference draws\n");
    /* Arithmetic and data alone would run a year: nobody should plan with that. */
    if (b->battery_options->battery_wh > 0 && !(m->continuous.idle_watts > 0))
        (void)printf("         no idle power is known: give --idle-watts, what the device draws "
                     "anyway; without it this is far too good\n");
}

static void print_model(const bench_result *b, const bench_model *m)
{
    (void)printf("model    %s: %d x %d (height x width), %.3f M parameters, %.3f GMAC, %d of %d "
                 "layers INT8\n",
                 m->path, m->info.input_height, m->info.input_width,
                 1e-6 * (double)m->info.parameters, 1e-9 * (double)m->info.macs,
                 m->info.int8_layers, m->info.layers);
    print_latency(b, m);
    (void)printf("load     %.1f ms from the file to the first map, less one inference\n",
                 1e3 * m->load);
    (void)printf("memory   session %.1f MB (arena and packed weights)\n",
                 1e-6 * (double)m->latency.memory);
    print_energy(b, m);
}

void bench_print(const bench_result *b)
{
    (void)printf("machine  %s; %s, %d threads\n", b->machine, b->models[0].latency.isa,
                 b->models[0].latency.threads);
    for (int32_t i = 0; i < b->count; i++) {
        if (b->count > 1) (void)printf("\n");
        print_model(b, &b->models[i]);
    }
    if (b->count > 1) {
        const prune_ratio *r = &b->ratio;
        const double a = b->models[0].energy.value, e = b->models[1].energy.value;
        (void)printf("\nratio    the second takes %.4f [%.4f, %.4f] of the first's time (%.1f %% "
                     "interval, %d turns in pairs)\n"
                     "         that is %.2f [%.2f, %.2f] times as fast; by the minima %.2f times\n",
                     r->ratio, r->low, r->high, 100 * r->coverage, r->turns, 1 / r->ratio,
                     1 / r->high, 1 / r->low, 1 / r->minimum);
        if (a > 0 && e > 0)
            (void)printf("         energy per frame: %.3f of the first's%s\n", e / a,
                         b->models[0].energy.estimated ? ", an estimate" : "");
    }
    (void)printf("%sprocess  at most %.1f MB resident", b->count > 1 ? "\n" : "",
                 1e-6 * (double)b->peak);
    if (b->measuring) (void)printf(", %.1f MB while measuring", 1e-6 * (double)b->measuring);
    (void)printf("\n");
    for (int32_t i = 0; i < b->count; i++)
        if (b->models[i].steps) bench_print_steps(b->models[i].steps, &b->peaks, b->by_time);
}

/* --- for programs -----------------------------------------------------------------------------*/

static json_t *runtime_json(const bench_result *b, const bench_model *m)
{
    json_t *list = json_array();
    const prune_runtime *const runs[] = {&m->continuous, &m->paced};
    for (int i = 0; i < 2; i++)
        if (runs[i]->minutes > 0)
            (void)json_array_append_new(
                list, json_pack("{s:f, s:f, s:f, s:f, s:b}", "minutes", runs[i]->minutes, "fps",
                                runs[i]->fps, "watts", runs[i]->watts, "idle_watts",
                                runs[i]->idle_watts, "estimated", m->energy.estimated));
    return json_pack("{s:f, s:o}", "battery_wh", b->battery_options->battery_wh, "runtime", list);
}

static json_t *model_json(const bench_result *b, int32_t index)
{
    const bench_model *m = &b->models[index];
    char *latency = NULL, *energy = NULL;
    json_t *root = NULL;
    if (prune_timing_json(b->timing, index, &latency) == PRUNE_OK &&
        prune_energy_json(b->energy, index, &energy) == PRUNE_OK)
        root = json_pack("{s:s, s:[i,i], s:f, s:I, s:I, s:i, s:i, s:o, s:o}", "model", m->path,
                         "size", m->info.input_height, m->info.input_width, "load_ms",
                         1e3 * m->load, "parameters", (json_int_t)m->info.parameters, "macs",
                         (json_int_t)m->info.macs, "layers", m->info.layers, "int8_layers",
                         m->info.int8_layers, "latency_ms", json_loads(latency, 0, NULL),
                         "energy_mj", json_loads(energy, 0, NULL));
    prune_text_free(latency);
    prune_text_free(energy);
    if (root && m->continuous.minutes > 0)
        (void)json_object_set_new(root, "battery", runtime_json(b, m));
    if (root && m->steps) {
        (void)json_object_set(root, "steps", m->steps);
        (void)json_object_set_new(root, "kinds", bench_kinds(m->steps));
    }
    return root;
}

prune_status bench_json(const bench_result *b, char **text)
{
    json_t *models = json_array();
    for (int32_t i = 0; i < b->count; i++) (void)json_array_append_new(models, model_json(b, i));
    json_t *root = json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:o}", "version", prune_version(),
                             "machine", b->machine, "isa", b->models[0].latency.isa, "threads",
                             b->models[0].latency.threads, "peak_memory", (json_int_t)b->peak,
                             "peak_memory_measuring", (json_int_t)b->measuring, "models", models);
    if (root && b->peaks.threads > 0)
        (void)json_object_set_new(root, "peaks", bench_peaks_json(&b->peaks));
    const prune_ratio *r = &b->ratio;
    if (root && b->count > 1)
        (void)json_object_set_new(root, "ratio",
                                  json_pack("{s:f, s:f, s:f, s:f, s:f, s:i}", "time", r->ratio,
                                            "low", r->low, "high", r->high, "coverage", r->coverage,
                                            "minimum", r->minimum, "turns", r->turns));
    *text = root && json_array_size(models) == (size_t)b->count
                ? prune_json_text(root, JSON_INDENT(1), prune_json_failures())
                : NULL;
    json_decref(root);
    return *text ? PRUNE_OK : prune_error_set(PRUNE_E_MEMORY, "bench: out of memory");
}
