/* The state of one tuning run and its parts: open, step, judge, close. */
#ifndef PR_TRAIN_TUNER_H
#define PR_TRAIN_TUNER_H

#include "libprune/train/judge.h"
#include "libprune/train/optimizer.h"

#include <prune/tune.h>

typedef struct pr_tuner {
    prune_context *ctx;
    prune_tune_options options;
    const prune_model *teacher; /* borrowed, may be NULL */
    prune_model *model;         /* private copy that is being changed */
    prune_model *best;          /* NULL while the original is the best */
    double score_original, score_best;
    pr_run *run, *teacher_run;
    pr_grads grads;
    pr_adamw adamw; /* counts the steps */
    pr_augment augment;
    pr_feed feed, held;
    pr_judge judge;
    double weights[PR_LOSS_COUNT];
    float *d_output;
    uint64_t steps;                      /* planned */
    uint64_t judged_at;                  /* step of the latest judgement */
    double loss_sums[2], loss_counts[2]; /* of the first and last tenth of the steps */
} pr_tuner;

/* Prepares everything; `original` and `teacher` must outlive the tuner, which changes neither. */
prune_status pr_tuner_open(pr_tuner *tuner, const prune_model *original, const prune_model *teacher,
                           prune_samples *samples, const prune_tune_options *options);
void pr_tuner_close(pr_tuner *tuner);

/* Forward, loss and backward on the batch of the current step: fills grads, changes no weight. */
prune_status pr_tuner_gradient(pr_tuner *tuner, double *loss);

/* The same, then AdamW. */
prune_status pr_tuner_step(pr_tuner *tuner, double learning_rate, double *loss);

/* Scores the model as it is (its averaged weights, where they are kept); a better one than the best
 * so far takes its place. */
prune_status pr_tuner_judge(pr_tuner *tuner, double *score);

/* The whole state as one safetensors file, written whole or not at all; and back. A resumed run
 * goes on to the same bytes. */
prune_status pr_snapshot_write(const pr_tuner *tuner, const char *path);
prune_status pr_snapshot_read(pr_tuner *tuner, const char *path);

#endif
