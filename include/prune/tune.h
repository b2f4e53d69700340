/* Tuning: small steps that give a model its accuracy back, or train a fresh one. */
#ifndef PRUNE_TUNE_H
#define PRUNE_TUNE_H

#include <prune/model.h>
#include <prune/samples.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happened; filled by prune_model_tune where it succeeds. */
typedef struct prune_tune_report {
    uint32_t struct_size;
    uint64_t steps; /* finished */
    double seconds;
    double loss_first, loss_last;     /* means over the first and last tenth of the steps */
    const char *judged_by;            /* static text or the metric's name */
    double score_before, score_after; /* of the original and of the model that was kept */
    bool improved;                    /* false: the model is as it was */
    bool cancelled; /* the cancel callback or the time limit ended it before the last step */
} prune_tune_report;

/* Table: prune_tune_option_table(). A weight of -1 lets model and samples decide: with a teacher,
 * distill and distill-gradient weigh 1 and the rest 0; without one, metric models take silog 1 and
 * gradient 0.5, others ssi 1 and gradient 0.5. */
typedef struct prune_tune_options {
    uint32_t struct_size;
    int32_t steps;
    double minutes; /* time limit; the first steps are timed and the schedule is fitted to it */
    int32_t batch;
    double learning_rate; /* at its peak */
    int32_t warmup;       /* steps; -1: a tenth of them */
    double weight_decay;
    double silog, l1_log, ssi, gradient, distill, distill_gradient; /* weights of the losses */
    double clip;
    bool augment; /* false: views are the pictures as they are */
    bool flip;
    double crop, exposure, colour, noise; /* see libprune's pr_augment: ranges of the views */
    double ema;          /* of the weights that are judged and kept; -1: see below; 0: none */
    int32_t judge_every; /* steps; 0: ten times, evenly */
    int32_t hold_back;   /* most pictures held back to judge on */
    uint64_t seed;
    const char *snapshot; /* file; NULL: none is written */
    int32_t snapshot_every;
    bool resume;
    int32_t height, width; /* network input; 0: the model's own for the first picture */
    /* Not in the table. */
    prune_samples *judge;      /* labelled pairs that decide; NULL: held-back tune images do */
    prune_metric *metric;      /* with judge */
    prune_tune_report *report; /* may be NULL */
} prune_tune_options;
const prune_option_table *prune_tune_option_table(void);
void prune_tune_options_init(prune_tune_options *options);

/* Tunes the model on the samples, to follow ground truth, a teacher (may be NULL), or both. The
 * model changes only where the judge says that the result is better than the original; the judge
 * is `metric` over `judge`, else the log-depth error (normalised inverse depth, when relative) on
 * held-back samples, against the teacher's output or else against ground truth. What it judges is
 * the average of the weights over the last tenth of the steps so far: weights of single steps
 * swing, and the best of several judgements would be the luckiest swing. Nodes annotated INT8 are
 * tuned as they will compute, through fake quantization. Cancelling is no failure: the best model
 * so far is kept and a log line says so. The result depends on seed, options, samples, thread count
 * and build only; with `minutes`, unless all of `steps` fit, also on the number of steps that do,
 * which is logged and repeats the run when given as `steps`. */
prune_status prune_model_tune(prune_model *model, const prune_model *teacher,
                              prune_samples *samples, const prune_tune_options *options);

/* Turns options->minutes into steps and judge_every by timing the first steps, as prune_model_tune
 * would, and sets minutes to 0: from then on the result does not depend on a clock. Changes no
 * model; without minutes it does nothing. For those who must be able to do a run again. */
prune_status prune_tune_fit(const prune_model *model, const prune_model *teacher,
                            prune_samples *samples, prune_tune_options *options);

#ifdef __cplusplus
}
#endif
#endif
