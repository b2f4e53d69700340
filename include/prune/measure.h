/* Measuring: latency of models that take turns, the ratio of two, memory of this process, energy.
 */
#ifndef PRUNE_MEASURE_H
#define PRUNE_MEASURE_H

#include <prune/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- latency ---------------------------------------------------------------------------------*/

/* How long to measure. Table: prune_timing_option_table(). */
typedef struct prune_timing_options {
    uint32_t struct_size;
    double seconds;    /* at most about so long, all models together, after the warm-up */
    double precision;  /* enough: half of the median's interval is at most this share of it */
    double confidence; /* of every interval, 0.5 to 0.999 */
    int32_t warm_up;   /* turns that are run and not counted */
    /* Not in the table. */
    int32_t height, width; /* network input; 0: each model's own */
} prune_timing_options;
const prune_option_table *prune_timing_option_table(void);
void prune_timing_options_init(prune_timing_options *options);

/* Times of one or several models on the same pixels, one picture at a time (batch 1). In each turn
 * every model runs once, every other turn in reverse order, so that the machine's mood and what one
 * model leaves in the caches hit all alike. At least 7 turns are counted, at most 20000; it ends
 * when every model's median is known to the wished precision, or when the time is used up. */
typedef struct prune_timing prune_timing;

/* PRUNE_E_CANCELLED when the context's cancel callback says so, asked once a turn. */
prune_status prune_timing_run(prune_timing **out, prune_context *context,
                              const prune_model *const *models, int32_t count,
                              const prune_timing_options *options);
void prune_timing_free(prune_timing *timing); /* accepts NULL */

/* Milliseconds per picture. */
typedef struct prune_latency {
    uint32_t struct_size;
    double minimum, median;
    int32_t runs;    /* that were counted */
    uint64_t memory; /* the session's: arena and packed weights, bytes */
    double median_low,
        median_high;   /* order statistics around the median: no distribution assumed */
    double coverage;   /* of that interval, at least the confidence asked for */
    double p95, mean;  /* 95th percentile (nearest rank); mean */
    double throughput; /* frames per second, one after the other: 1000 / mean */
    bool precise;      /* false: the time was used up first */
    int32_t warm_up;   /* runs before those that were counted */
    int32_t threads;
    const char *isa; /* static */
    int32_t height, width;
} prune_latency;
/* Fill struct_size first. */
prune_status prune_timing_latency(const prune_timing *timing, int32_t model,
                                  prune_latency *latency);
/* As JSON: {"minimum", "median", "median_ci95": [low, high], ...}, where 95 is the confidence asked
 * for. Free with prune_text_free. */
prune_status prune_timing_json(const prune_timing *timing, int32_t model, char **json);

/* How many times as long `model` takes as `base`, paired turn by turn. */
typedef struct prune_ratio {
    uint32_t struct_size;
    double ratio;     /* median over turns of time(model) / time(base) */
    double low, high; /* its interval: order statistics, which is the sign test turned round */
    double coverage;
    double minimum; /* ratio of the two minima */
    int32_t turns;
} prune_ratio;
prune_status prune_timing_ratio(const prune_timing *timing, int32_t model, int32_t base,
                                prune_ratio *ratio);

/* --- memory ----------------------------------------------------------------------------------*/

/* Largest resident memory of this process, bytes, since it started or since the last successful
 * reset; 0 where the system does not say. Linux: VmHWM. */
uint64_t prune_peak_memory(void);
/* Starts again from what is resident now. PRUNE_E_UNSUPPORTED where the system does not allow it.
 * Linux: /proc/self/clear_refs. */
prune_status prune_peak_memory_reset(void);

/* --- machine ---------------------------------------------------------------------------------*/

/* "AMD EPYC 7B13, 16 processors, 67.2 GB of memory" into text, cut off when it does not fit. */
void prune_machine_describe(char *text, size_t size);

/* --- the machine's limits --------------------------------------------------------------------*/

/* What this machine does at most with a context's instruction set and threads, all threads
 * together. Operations count a multiply and an add as two. */
typedef struct prune_peaks {
    uint32_t struct_size;
    int32_t threads;
    const char *isa; /* static */
    /* Operations per second of independent multiply-adds on registers alone, by the instructions
     * that the kernels use; 0: the instruction set has none that could be measured. */
    double fp32, int8, bf16;
    /* Bytes per second that are read again and again from buffers of together `set` bytes, smallest
     * first. The last one is larger than most caches. */
    uint64_t set[4];
    double read[4];
} prune_peaks;
/* Takes about a tenth of a second and, while it runs, 64 MiB. Fill struct_size first. */
prune_status prune_peaks_measure(prune_peaks *peaks, prune_context *context);
/* Seconds that a step would take at the limit: its multiply-adds at the peak of their kind; a step
 * without any, its bytes at the reading rate of the smallest set that holds them. 0: the limit is
 * not known. Rewritten convolutions (Winograd) do fewer multiplications than `macs` says and may
 * be faster than this. */
double prune_peaks_seconds(const prune_peaks *peaks, const prune_session_step *step);

/* --- energy ----------------------------------------------------------------------------------*/

typedef enum prune_energy_method {
    PRUNE_ENERGY_AUTO = 0,    /* RAPL where it can be read, else an estimate that says why */
    PRUNE_ENERGY_RAPL = 1,    /* the processor's counters, or an error */
    PRUNE_ENERGY_ESTIMATE = 2 /* counted operations and bytes times a table */
} prune_energy_method;

/* Table: prune_energy_option_table(). Energies are picojoules. */
typedef struct prune_energy_options {
    uint32_t struct_size;
    int32_t method;      /* prune_energy_method */
    const char *root;    /* folder of the counters, as /sys/class/powercap */
    double seconds;      /* RAPL: how long each model runs, in windows that take turns */
    double idle_seconds; /* RAPL: how long to do nothing for the baseline; 0: none is subtracted */
    /* The estimate. A JSON file that sets the ones below, {"fp32-pj": 4.6, ..., "source": "..."};
     * NULL: none. */
    const char *table;
    double fp32_pj, int8_pj;  /* per multiply-accumulate */
    double cache_pj, dram_pj; /* per byte */
    uint64_t cache_bytes;     /* what is larger comes from DRAM, all else from the cache */
    /* Not in the table of options. */
    int32_t height, width; /* network input; 0: each model's own */
} prune_energy_options;
const prune_option_table *prune_energy_option_table(void);
void prune_energy_options_init(prune_energy_options *options);

typedef struct prune_energy prune_energy;
/* PRUNE_E_CANCELLED when the context's cancel callback says so, asked once a picture. */
prune_status prune_energy_run(prune_energy **out, prune_context *context,
                              const prune_model *const *models, int32_t count,
                              const prune_energy_options *options);
void prune_energy_free(prune_energy *energy); /* accepts NULL */

/* Energy per picture of one model. */
typedef struct prune_frame_energy {
    uint32_t struct_size;
    double value;       /* millijoules */
    bool estimated;     /* say so wherever the value is shown */
    const char *source; /* one line that belongs to the prune_energy: domains and baseline, or
                           "estimate: ..." with the table */
    const char *reason; /* why it is estimated and not measured; NULL when it was asked for, or
                           measured */
    /* Measured: watts of the counted domains, and what was run. Zero in an estimate. */
    double idle_watts; /* 0 when no baseline was measured */
    double busy_watts;
    double seconds;
    int32_t frames;
    /* Estimated: what was counted, per picture. Zero when measured. */
    uint64_t fp32_macs, int8_macs, cache_bytes, dram_bytes;
} prune_frame_energy;
/* Fill struct_size first. */
prune_status prune_energy_frame(const prune_energy *energy, int32_t model,
                                prune_frame_energy *frame);
/* As JSON: {"value", "estimated", "source", ...}. Free with prune_text_free. */
prune_status prune_energy_json(const prune_energy *energy, int32_t model, char **json);

/* Runtime from a battery. Table: prune_battery_option_table(). */
typedef struct prune_battery_options {
    uint32_t struct_size;
    double battery_wh; /* 0: no battery */
    double idle_watts; /* that the device draws besides; negative: what RAPL measured at idle, else
                          0 */
    double fps;        /* pictures per second; 0: one after the other */
} prune_battery_options;
const prune_option_table *prune_battery_option_table(void);
void prune_battery_options_init(prune_battery_options *options);

typedef struct prune_runtime {
    uint32_t struct_size;
    double minutes;
    double watts;      /* idle_watts + energy per picture times pictures per second */
    double idle_watts; /* as assumed */
    double fps;        /* as reached: at most what the latency allows */
} prune_runtime;
/* The battery gives all of its battery_wh and all of it at any load: a bound, not a promise.
 * latency_ms is the mean time per picture. */
prune_status prune_battery_runtime(prune_runtime *runtime, const prune_battery_options *options,
                                   const prune_frame_energy *frame, double latency_ms);

#ifdef __cplusplus
}
#endif
#endif
