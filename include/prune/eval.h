/* Judging depth: data sets, protocols, metrics, intervals. Library: libprune_eval. */
#ifndef PRUNE_EVAL_H
#define PRUNE_EVAL_H

#include <prune/model.h>
#include <prune/options.h>
#include <prune/samples.h>
#include <prune/session.h>
#include <prune/synth.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- data sets -------------------------------------------------------------------------------*/
typedef struct prune_dataset_options {
    uint32_t struct_size;
    int32_t layout;     /* 0 auto, else index + 1 into the table of layouts */
    const char *frames; /* a glob over frame names, or "@FILE" with one name per line; NULL: all */
    const char *images; /* root of the raw drives, for the devkit layout; NULL: in its folder */
    double depth_divisor; /* metres = value / divisor: 256 KITTI, 1000 NYU */
} prune_dataset_options;
const prune_option_table *prune_dataset_option_table(void);
void prune_dataset_options_init(prune_dataset_options *options);

/* Opens a folder as samples with ground truth: a KITTI depth selection, a KITTI devkit tree
 * (train/ and val/), or a plain pair of folders image/ and groundtruth_depth/. Every frame must
 * have both; errors name the file that is missing. */
prune_status prune_dataset_open(prune_samples **out, prune_context *context, const char *path,
                                const prune_dataset_options *options);

/* The table of layouts, for help texts. */
int32_t prune_dataset_layouts(void);
const char *prune_dataset_layout_name(int32_t index);
const char *prune_dataset_layout_help(int32_t index);

/* --- protocols -------------------------------------------------------------------------------*/
typedef enum prune_align {
    PRUNE_ALIGN_DEFAULT = 0, /* none for metric depth, median for disparity, affine for relative */
    PRUNE_ALIGN_NONE = 1,    /* metres as they are: metric depth only */
    PRUNE_ALIGN_MEDIAN = 2,  /* per image: times median(truth) / median(prediction) */
    PRUNE_ALIGN_AFFINE = 3   /* per image: least squares of 1/truth = scale * disparity + shift */
} prune_align;
const char *prune_align_name(prune_align align);
/* "none", "median", "affine", "default" or NULL. */
prune_status prune_align_parse(prune_align *out, const char *name);

typedef struct prune_protocol_info {
    uint32_t struct_size;
    const char *name;              /* "eigen" */
    const char *help;              /* one line */
    const char *mask, *crop, *cap; /* what a report states next to every number */
    int32_t metrics;               /* how many */
} prune_protocol_info;
int32_t prune_protocols(void);
prune_status prune_protocol_describe(int32_t index, prune_protocol_info *info);
/* Index of a protocol by name, or an error that lists all. */
prune_status prune_protocol_find(int32_t *index, const char *name);
/* Metrics of a protocol in the order of its tables: "abs_rel", ... */
const char *prune_protocol_metric_name(int32_t index, int32_t metric);

/* One metric of a protocol (the mean over images) as a judge inside the library. metric NULL:
 * "abs_rel". Free with prune_metric_free. */
prune_status prune_protocol_metric(prune_metric **out, prune_context *context, const char *protocol,
                                   const char *metric, const char *align);

/* --- evaluations -----------------------------------------------------------------------------*/
typedef struct prune_evaluation prune_evaluation;

typedef struct prune_evaluation_options {
    uint32_t struct_size;
    const char *protocol; /* "eigen" */
    int32_t align;        /* prune_align */
    uint64_t seed;        /* of the intervals' resampling */
} prune_evaluation_options;
const prune_option_table *prune_evaluation_option_table(void);
void prune_evaluation_options_init(prune_evaluation_options *options);

/* An empty evaluation; NULL options mean defaults. */
prune_status prune_evaluation_create(prune_evaluation **out, prune_context *context,
                                     const prune_evaluation_options *options);
void prune_evaluation_free(prune_evaluation *evaluation); /* accepts NULL */

/* Judges one prediction (at the ground truth's size) and keeps the result. Errors name the frame:
 * no ground truth, none of it valid under the mask, other sizes, values that are not numbers. */
prune_status prune_evaluation_add(prune_evaluation *evaluation, const prune_prediction *prediction,
                                  const prune_sample *sample);

/* Predicts a sample: writes sample->height x sample->width values and fills *prediction's kind and
 * disparity decoding. */
typedef prune_status (*prune_predict_function)(void *user, const prune_sample *sample,
                                               float *values, prune_prediction *prediction);
/* Adds all samples, one after the other. */
prune_status prune_evaluation_run(prune_evaluation *evaluation, prune_samples *samples,
                                  prune_predict_function predict, void *user);
prune_status prune_evaluation_run_session(prune_evaluation *evaluation, prune_samples *samples,
                                          prune_session *session);
/* Compiles a session for it; options NULL means defaults. */
prune_status prune_evaluation_run_model(prune_evaluation *evaluation, prune_samples *samples,
                                        const prune_model *model,
                                        const prune_session_options *options);

/* Adds all samples with predictions from a folder: NAME.png (16 bit, metres = value / 256), or
 * NAME.npy or NAME.f32 in the units that output_kind says (as prune_prediction; -1: unknown,
 * refused for these two). Frames are judged in parallel. */
prune_status prune_evaluation_run_folder(prune_evaluation *evaluation, prune_samples *samples,
                                         const char *folder, int32_t output_kind);

/* Reads one prediction of such a folder into *map (free with prune_depth_free) and describes it in
 * *prediction, whose values then belong to the map. */
prune_status prune_prediction_read(prune_depth_map *map, prune_prediction *prediction,
                                   prune_context *context, const char *folder, int32_t output_kind,
                                   const prune_sample *sample);
/* All pixels of a prediction in metres, aligned over the pixels that count and clamped, as the
 * protocol of `options` judges it. metres holds width x height floats; INFINITY where the
 * prediction says that nothing is in front of the camera. Errors as prune_evaluation_add. */
prune_status prune_prediction_metres(float *metres, prune_context *context,
                                     const prune_evaluation_options *options,
                                     const prune_prediction *prediction,
                                     const prune_sample *sample);

uint64_t prune_evaluation_frames(const prune_evaluation *evaluation);
/* Name and value of one frame; metric by name. */
prune_status prune_evaluation_frame(const prune_evaluation *evaluation, uint64_t index,
                                    const char *metric, const char **name, double *value);
/* Mean over frames and its 95 % interval, from resampling blocks of consecutive frames (a drive
 * is a block where there are at least five). low and high may be NULL. */
prune_status prune_evaluation_mean(const prune_evaluation *evaluation, const char *metric,
                                   double *mean, double *low, double *high);
/* Mean of (after - before) over the same frames, paired by name, with its interval. */
prune_status prune_evaluation_difference(const prune_evaluation *before,
                                         const prune_evaluation *after, const char *metric,
                                         double *difference, double *low, double *high);
/* True below 20 frames: say "few frames" next to the interval. */
bool prune_evaluation_few_frames(const prune_evaluation *evaluation);
/* The alignment that was applied; PRUNE_ALIGN_DEFAULT while empty. */
prune_align prune_evaluation_alignment(const prune_evaluation *evaluation);

/* {"protocol", "align", "mask", "crop", "cap", "seed", "frames", "few_frames", "mean": {},
 * "ci95": {}, "images": [{"name", "group", "pixels", ...}]}; values that are not numbers become
 * null, the others are written to the last bit. Free with prune_text_free. */
prune_status prune_evaluation_json(const prune_evaluation *evaluation, char **json);
/* The way back: an evaluation with the same frames, from which means, intervals and differences
 * come out the same to the last bit. Errors: PRUNE_E_FORMAT. */
prune_status prune_evaluation_from_json(prune_evaluation **out, prune_context *context,
                                        const char *json);
/* The same as a table for a terminal, without the images. */
prune_status prune_evaluation_table(const prune_evaluation *evaluation, char **text);

/* --- where and how predictions err -----------------------------------------------------------*/
/* Beyond one number per frame: error by distance and by image region, edges, flicker. */
typedef struct prune_analysis prune_analysis;

/* NULL options mean defaults; the seed is not used. */
prune_status prune_analysis_create(prune_analysis **out, prune_context *context,
                                   const prune_evaluation_options *options);
void prune_analysis_free(prune_analysis *analysis); /* accepts NULL */
/* Frames of a drive should come in their order: flicker is measured between a frame and the one
 * added before it, where group and name say that they are neighbours. */
prune_status prune_analysis_add(prune_analysis *analysis, const prune_prediction *prediction,
                                const prune_sample *sample);
/* {"frames", "distance": [{"from", "to", "pixels", "share", "abs_rel", "rmse"}], "region":
 * [{"row", "column", ...}], "edges": {"f1", "precision", "recall", "step_share", "frames",
 * "pairs"}, "flicker": {"mean", "pairs"}}; formulas in docs/report.md. Parts without pixels have
 * null for numbers; edges or flicker without anything to measure are null. Free with
 * prune_text_free. */
prune_status prune_analysis_json(const prune_analysis *analysis, char **json);
/* Whether two frames follow each other: the same group, and names that differ in one number
 * only, by one. */
bool prune_analysis_follows(const char *name, const char *next);

#ifdef __cplusplus
}
#endif
#endif
