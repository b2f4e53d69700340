/* The loop: trim in rounds, tune, quantize, pack, compare. Library: libprune_pipeline. */
#ifndef PRUNE_PIPELINE_H
#define PRUNE_PIPELINE_H

#include <prune/eval.h>
#include <prune/measure.h>
#include <prune/pruning.h>
#include <prune/quant.h>
#include <prune/recipe.h>
#include <prune/tune.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who decides. With labelled pairs: a metric of a protocol over them. Without: log-depth error
 * against the original network's own output on pictures held back from tuning. */
typedef struct prune_judge prune_judge;

/* validation may be NULL; then `original` is run over a held-back share of `images`. All must
 * outlive the judge. metric: "abs_rel"; protocol and align as for prune_protocol_metric. */
prune_status prune_judge_create(prune_judge **out, prune_context *context,
                                const prune_model *original, prune_samples *images,
                                prune_samples *validation, const char *protocol, const char *metric,
                                const char *align);
void prune_judge_free(prune_judge *judge); /* accepts NULL */
prune_status prune_judge_score(prune_judge *judge, const prune_model *model, double *score);
/* "abs_rel on validation pairs", "log-depth error against the original network". */
const char *prune_judge_describe(const prune_judge *judge);
/* What tuning and quantization take: samples, metric. Belong to the judge. */
prune_samples *prune_judge_samples(const prune_judge *judge);
prune_metric *prune_judge_metric(const prune_judge *judge);
/* The pictures that are left for tuning once the judge has held back his own. */
prune_samples *prune_judge_images(const prune_judge *judge);

/* Rounds of cutting and tuning. Table: prune_trim_option_table(). Targets are the fraction KEPT of
 * the model as first loaded, at its own input size; 0: no such target. */
typedef struct prune_trim_options {
    uint32_t struct_size;
    double macs, params, bytes;
    int32_t rounds;
    const char *max_drop; /* "abs_rel=0.01": a floor; NULL: none */
    bool tune;            /* between rounds */
} prune_trim_options;
const prune_option_table *prune_trim_option_table(void);
void prune_trim_options_init(prune_trim_options *options);

/* Trims in rounds until a target or the floor is reached and keeps the best model that honours the
 * floor. judge may be NULL where there is no floor. report (may be NULL) receives JSON: one object
 * per round and "stopped_by"; free it with prune_text_free. cut->keep and cut->cost are ignored. */
prune_status prune_model_trim(prune_context *context, prune_model *model,
                              const prune_model *original, prune_samples *images,
                              prune_judge *judge, const prune_trim_options *trim,
                              const prune_cut_options *cut, const prune_tune_options *tune,
                              char **report);

/* Parses "abs_rel=0.01" into metric name (at most 31 characters) and amount. */
prune_status prune_drop_parse(const char *text, char metric[32], double *amount);

/* What a run is to reach; 0 or NULL: no such goal. Table: prune_goal_option_table(). */
typedef struct prune_goal_options {
    uint32_t struct_size;
    /* Fraction KEPT of the model as first loaded, at its own input size. */
    double macs, params, bytes;
    const char *max_drop;     /* "abs_rel=0.01": how much worse the judge may find it */
    const char *packed_bytes; /* of model.safetensors.zst: see prune_packed_goal_parse */
    double latency_ms;        /* median per picture on this machine, at the model's own size */
    double energy_mj;         /* per picture on this machine, measured or estimated */
} prune_goal_options;
const prune_option_table *prune_goal_option_table(void);
void prune_goal_options_init(prune_goal_options *options);

/* "0.2" is a fraction (of the plain safetensors of the model as first loaded, floats as FP32),
 * "900kB", "3.5MB" or "4MiB" a size in bytes; the other of the two results is 0. */
prune_status prune_packed_goal_parse(const char *text, double *fraction, uint64_t *bytes);

/* The whole loop. Table: prune_compress_option_table(). */
typedef struct prune_compress_options {
    uint32_t struct_size;
    const char *output; /* folder */
    const char *protocol, *align, *metric;
    bool trim, tune, quantize;
    int32_t pictures; /* frames to show: best, median, worst and so on */
    double bench_seconds;
    uint64_t seed;
    /* Not in the table. */
    prune_samples *images;     /* tune pictures, no labels needed */
    prune_samples *validation; /* labelled pairs that decide; NULL: the original network judges */
    prune_samples *test;       /* labelled pairs that are only reported; NULL: none */
    const char *command;       /* for the report: how to do it again; may be NULL */
    const prune_trim_options *trim_options;
    const prune_cut_options *cut_options;
    const prune_tune_options *tune_options;
    const prune_quant_options *quant_options;
    const prune_save_options *save_options;
    bool resume; /* go on with the run that is in the output folder */
} prune_compress_options;
const prune_option_table *prune_compress_option_table(void);
void prune_compress_options_init(prune_compress_options *options);

/* --- running a recipe ---------------------------------------------------------------------------
 *
 * The output folder is the run directory (docs/architecture.md): run.jsonl, an append-only log;
 * lock; stages/, what each stage left; and at the end model.safetensors.zst, report.json,
 * report.csv, report.html and pictures/. Whatever a run has finished is in there, whole and on
 * disk, before the next thing begins: after a kill, a full disk or a file that could not be read,
 * the same call with resume goes on from there and ends with the same model files and the same
 * accuracy figures, byte for byte, as a run that nothing interrupted - with the same build,
 * instruction set and number of threads. Measured times differ; what one of them decides (how many
 * steps fit into minutes) is logged and kept to.
 *
 * Errors, besides those of the stages: PRUNE_E_ARGUMENT when the folder holds a run and resume is
 * not given, or holds another run than this one (what differs is named); PRUNE_E_IO when another
 * process is using it (named), or the disk is full: the message says what is kept. */

/* What the caller holds already. Members may be NULL: then the recipe's paths are opened. images
 * given: validation and test are the caller's too. */
typedef struct prune_run_inputs {
    uint32_t struct_size;
    prune_model *model; /* becomes the result when the run succeeds */
    prune_samples *images, *validation, *test;
    const char *command; /* for the report: the command line; may be NULL */
} prune_run_inputs;

/* Table: prune_run_option_table(). */
typedef struct prune_run_options {
    uint32_t struct_size;
    bool resume; /* go on with the run that is in the output folder; begin where there is none */
} prune_run_options;
const prune_option_table *prune_run_option_table(void);
void prune_run_options_init(prune_run_options *options);

/* inputs, options and table may be NULL. *table is the before/after table for a terminal, free it
 * with prune_text_free. */
prune_status prune_recipe_run(prune_context *context, const prune_recipe *recipe,
                              const prune_run_inputs *inputs, const prune_run_options *options,
                              char **table);

/* The same without a recipe: trim, tune and quantize in this order, as the options say. `model`
 * becomes the result. */
prune_status prune_compress(prune_context *context, prune_model *model,
                            const prune_compress_options *options, char **table);

/* One of two that are compared: a model, or a folder of predictions. */
typedef struct prune_contestant {
    uint32_t struct_size;
    const char *name;         /* for headings, such as a file's name */
    const prune_model *model; /* NULL: predictions */
    const char *predictions;  /* folder, as for prune_evaluation_run_folder; NULL: a model */
    int32_t units;            /* of .npy and .f32 predictions, as prune_prediction; -1: unknown */
    uint64_t file_bytes;      /* of the file that the model came from; 0: not known */
} prune_contestant;

/* Table: prune_compare_option_table(). */
typedef struct prune_compare_options {
    uint32_t struct_size;
    const char *output; /* folder */
    const char *protocol, *align, *metric;
    int32_t pictures;     /* frames to show: best, median, worst and so on */
    int32_t analyse;      /* frames of which error by distance, edges and so on are taken */
    double bench_seconds; /* how long to measure latency; models take turns */
    uint64_t seed;
    /* Not in the table. */
    prune_samples *samples; /* labelled pairs */
    const char *data;       /* what they are called in the report; may be NULL */
    const char *command;    /* how to do it again; may be NULL */
} prune_compare_options;
const prune_option_table *prune_compare_option_table(void);
void prune_compare_options_init(prune_compare_options *options);

/* Judges both on the same frames and writes report.json, report.csv, report.html and pictures into
 * output: accuracy with paired intervals; where a model is given its size and latency; where two
 * are, how they differ. *table (may be NULL) is for a terminal; free it with prune_text_free. */
prune_status prune_compare(prune_context *context, const prune_contestant *before,
                           const prune_contestant *after, const prune_compare_options *options,
                           char **table);

/* Makes report.csv and report.html again from report.json and the pictures of a folder that
 * prune_compress or prune_compare wrote. *table as above. */
prune_status prune_report_render(prune_context *context, const char *folder, char **table);
/* One page, `path`, that shows the reports of several folders side by side. */
prune_status prune_report_join(prune_context *context, const char *const *folders, int32_t count,
                               const char *path, char **table);

#ifdef __cplusplus
}
#endif
#endif
