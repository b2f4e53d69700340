/* Protocols: which pixels count, how a prediction is aligned and clamped, which metrics come out
 * (decisions.md "Protocols"; section numbers in the table are those of evaluation-protocols.md). */
#ifndef EVAL_PROTOCOLS_H
#define EVAL_PROTOCOLS_H

#include "eval/metrics/metrics.h"

#include <prune/eval.h>

typedef struct pr_window {
    int32_t top, bottom, left, right; /* half-open */
} pr_window;

typedef struct pr_protocol {
    const char *name, *help;
    const char *mask, *crop_text, *cap; /* as stated in reports */
    double truth_above, truth_below;    /* pixels count where above < g < below */
    /* Window of a map of height x width; false where the crop is not defined for this size. */
    bool (*crop)(pr_window *out, int32_t height, int32_t width);
    double clamp_low, clamp_high; /* of the aligned prediction, metres; 0, 0: none */
    bool fill;                    /* the devkit's filling of missing predictions */
    prune_align only;             /* the one alignment it is defined with, else DEFAULT */
    const pr_metric_set *metrics;
} pr_protocol;

int32_t pr_protocol_count(void);
const pr_protocol *pr_protocol_at(int32_t index);

bool pr_crop_none(pr_window *out, int32_t height, int32_t width);
bool pr_crop_garg(pr_window *out, int32_t height, int32_t width);
bool pr_crop_nyu(pr_window *out, int32_t height, int32_t width);

/* Fills missing values (<= 0) of a prediction in place: across each row with the nearer of the
 * two neighbours, then outwards to the sides, then columns upwards and downwards. What stays
 * missing becomes -1. */
void pr_devkit_fill(float *map, int32_t width, int32_t height);

/* Least squares of 1/truth = scale * x + shift; false when x is constant. */
bool pr_align_affine(double *scale, double *shift, const float *truth, const double *x,
                     size_t count);
/* Mean of the two middle values for even counts; reorders values. count > 0. */
double pr_align_median(double *values, size_t count);
/* What PRUNE_ALIGN_DEFAULT means, and whether a wish is possible. frame is for messages. */
prune_status pr_align_resolve(prune_align *out, const pr_protocol *protocol, prune_align wish,
                              int32_t output_kind);

typedef struct pr_judgement {
    prune_align align; /* as applied */
    uint64_t pixels;
    double values[PR_METRICS_MAX]; /* in the order of the protocol's metrics */
} pr_judgement;
/* One prediction against one sample's ground truth. */
prune_status pr_protocol_judge(pr_judgement *out, prune_context *context,
                               const pr_protocol *protocol, prune_align wish,
                               const prune_prediction *prediction, const prune_sample *sample);

/* All pixels of a prediction in metres, aligned and clamped as pr_protocol_judge does it. */
prune_status pr_protocol_metres(float *metres, prune_context *context, const pr_protocol *protocol,
                                prune_align wish, const prune_prediction *prediction,
                                const prune_sample *sample);

/* 95 % interval of the mean of values[count], by resampling blocks: block[i] is the block of
 * value i, numbered from 0 without gaps. */
prune_status pr_interval_mean(double *low, double *high, prune_context *context,
                              const double *values, const int32_t *block, uint64_t count,
                              uint64_t seed);
/* Blocks of frames in order: whole groups where at least five are known, else runs of about the
 * cube root of count consecutive frames that do not cross groups. */
void pr_interval_blocks(int32_t *block, const char *const *groups, uint64_t count);

/* Inside an evaluation. */
typedef struct pr_frame {
    char *name, *group;
    pr_judgement judgement;
} pr_frame;

struct prune_evaluation {
    prune_context *context;
    const pr_protocol *protocol;
    prune_align wish, applied;
    uint64_t seed;
    pr_frame *frames;
    uint64_t count, capacity;
};
/* Takes a finished judgement; used by those who judge in parallel. */
prune_status pr_evaluation_keep(prune_evaluation *evaluation, const pr_judgement *judgement,
                                const char *name, const char *group);

#endif
