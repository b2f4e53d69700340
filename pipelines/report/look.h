/* Looking at predictions once more, when the numbers are in: pictures of chosen frames, and where
 * and how the predictions err. */
#ifndef PIPELINES_REPORT_LOOK_H
#define PIPELINES_REPORT_LOOK_H

#include <prune/eval.h>
#include <prune/sys/json.h>

/* Whatever predicts: a model, or a folder of predictions. */
typedef struct report_source {
    const prune_model *model; /* NULL: the folder */
    const char *folder;
    int32_t units;          /* of the folder's .npy and .f32, as prune_prediction; -1 unknown */
    prune_session *session; /* made when first asked for; report_source_close frees it */
} report_source;
/* Values at the sample's size (prune_memory_free), in the source's own units. */
prune_status report_source_predict(report_source *source, prune_context *ctx,
                                   const prune_sample *sample, float **values,
                                   prune_prediction *prediction);
void report_source_close(report_source *source);

typedef struct report_subject {
    prune_context *ctx;
    const char *output;     /* pictures go into output/pictures */
    prune_samples *samples; /* labelled pairs */
    report_source *before, *after;
    const prune_evaluation *judged_before, *judged_after;
    const prune_evaluation_options *options;
    const char *metric; /* by which frames are ranked */
    int32_t pictures;   /* frames to draw */
    int32_t analysed;   /* frames to analyse, at most */
} report_subject;

/* report["pictures"] and report["picture_scales"]. */
prune_status report_pictures(const report_subject *subject, json_t *report);
/* report["analysis"]: {"frames", "before", "after"}. */
prune_status report_analysis(const report_subject *subject, json_t *report);
/* Both. Does nothing without samples. */
prune_status report_look(const report_subject *subject, json_t *report);

/* report["network"], report["license"], report["machine"]: what the models are made of. Either may
 * be NULL. */
prune_status report_describe(json_t *report, const prune_model *before, const prune_model *after);

/* Colour of a relative error |p - g| / g: ten steps, each twice the one before (the KITTI depth
 * development kit's error maps, of which this is the relative half). */
enum { REPORT_ERROR_STEPS = 10 };
typedef struct report_error_step {
    double below; /* relative error, INFINITY for the last */
    uint8_t rgb[3];
} report_error_step;
extern const report_error_step report_error_steps[REPORT_ERROR_STEPS];

/* Frames to draw: indices into the evaluation and their ranks. Returns how many, at most count. */
typedef struct report_choice {
    uint64_t index;
    const char *rank; /* "best", "median", "worst", "changed most for the worse", "between" */
    double value, change;
} report_choice;
prune_status report_choose(report_choice *choices, int32_t *count, const report_subject *subject);

#endif
