/* prune_model_tune: the options, the loop over the steps, and what becomes of the result. */
#include "libprune/base/options.h"
#include "libprune/train/schedule.h"
#include "libprune/train/tuner.h"

#include <math.h>
#include <prune/sys/json.h>
#include <string.h>
#include <time.h>

#define FIELD(member) offsetof(prune_tune_options, member)
#define WEIGHT(name, member, help)                                                                 \
    {                                                                                              \
        name, PRUNE_OPTION_FLOAT, FIELD(member), "-1", -1, 1000, NULL, help "; -1: automatic"      \
    }
static const prune_option options_of_tune[] = {
    {"steps", PRUNE_OPTION_INT, FIELD(steps), "0", 0, 10000000, NULL,
     "optimizer steps; 0: 300, or what fits into --minutes"},
    {"minutes", PRUNE_OPTION_FLOAT, FIELD(minutes), "0", 0, 100000, NULL,
     "time limit; 0: none. The steps that fit are counted from the first ones and logged; where "
     "all of --steps fit, the limit changes nothing"},
    {"batch", PRUNE_OPTION_INT, FIELD(batch), "4", 1, 1024, NULL, "views per step"},
    {"learning-rate", PRUNE_OPTION_FLOAT, FIELD(learning_rate), "1e-4", 1e-9, 1, NULL,
     "AdamW's, at its peak"},
    {"warmup", PRUNE_OPTION_INT, FIELD(warmup), "-1", -1, 1000000, NULL,
     "steps over which the learning rate rises; -1: a tenth of them"},
    {"weight-decay", PRUNE_OPTION_FLOAT, FIELD(weight_decay), "0.01", 0, 10, NULL,
     "of weight matrices and kernels, decoupled"},
    WEIGHT("silog", silog, "weight of the scale-invariant log loss against ground truth"),
    WEIGHT("l1-log", l1_log, "weight of the L1 loss of log-depth against ground truth"),
    WEIGHT("ssi", ssi, "weight of the scale-and-shift-invariant loss against ground truth"),
    WEIGHT("gradient", gradient, "weight of the multi-scale gradient loss against ground truth"),
    WEIGHT("distill", distill, "weight of the L1 loss against the teacher's output"),
    WEIGHT("distill-gradient", distill_gradient,
           "weight of the multi-scale gradient loss against the teacher's output"),
    {"clip", PRUNE_OPTION_FLOAT, FIELD(clip), "1", 0, 1e6, NULL,
     "largest norm of the gradient; 0: no limit"},
    {"augment", PRUNE_OPTION_BOOL, FIELD(augment), "true", 0, 0, NULL,
     "change the pictures at random (flip, crop, exposure, colour, noise)"},
    {"flip", PRUNE_OPTION_BOOL, FIELD(flip), "true", 0, 0, NULL,
     "mirror every second view left to right"},
    {"crop", PRUNE_OPTION_FLOAT, FIELD(crop), "0.45", 0.05, 1, NULL,
     "smallest part of width and height that a view shows; 1: all"},
    {"exposure", PRUNE_OPTION_FLOAT, FIELD(exposure), "0.4", 0, 4, NULL,
     "largest change of brightness, in stops; half of it for gamma"},
    {"colour", PRUNE_OPTION_FLOAT, FIELD(colour), "0.1", 0, 0.9, NULL,
     "largest change of a colour channel, as a fraction"},
    {"noise", PRUNE_OPTION_FLOAT, FIELD(noise), "0.02", 0, 1, NULL,
     "largest standard deviation of pixel noise, white being 1"},
    {"ema", PRUNE_OPTION_FLOAT, FIELD(ema), "-1", -1, 0.999999, NULL,
     "averaged weights: share of the old average kept per step, such as 0.999; 0: none; -1: over "
     "the last tenth of the steps so far"},
    {"judge-every", PRUNE_OPTION_INT, FIELD(judge_every), "0", 0, 10000000, NULL,
     "steps between judgements; 0: ten in all"},
    {"hold-back", PRUNE_OPTION_INT, FIELD(hold_back), "16", 1, 10000, NULL,
     "most tune images held back to judge on, where nothing else judges (at most a fifth)"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "1", 0, 1.8446744073709552e19, NULL,
     "of order and augmentation"},
    {"snapshot", PRUNE_OPTION_TEXT, FIELD(snapshot), NULL, 0, 0, NULL,
     "file that holds the state of the run, to resume it"},
    {"snapshot-every", PRUNE_OPTION_INT, FIELD(snapshot_every), "100", 1, 10000000, NULL,
     "steps between snapshots"},
    {"resume", PRUNE_OPTION_BOOL, FIELD(resume), "false", 0, 0, NULL,
     "go on from the snapshot, when it exists"},
    {"height", PRUNE_OPTION_INT, FIELD(height), "0", 0, 16384, NULL,
     "network input in pixels; 0: the model's own for the first picture"},
    {"width", PRUNE_OPTION_INT, FIELD(width), "0", 0, 16384, NULL,
     "network input in pixels; 0: the model's own for the first picture"},
};
#undef WEIGHT
#undef FIELD

const prune_option_table *prune_tune_option_table(void)
{
    static const prune_option_table table = {"tune", sizeof(prune_tune_options), options_of_tune,
                                             sizeof options_of_tune / sizeof *options_of_tune};
    return &table;
}

void prune_tune_options_init(prune_tune_options *options)
{
    /* The members that no option covers. */
    memset(options, 0, sizeof *options);
    prune_options_init(prune_tune_option_table(), options);
}

static double seconds_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

enum { DEFAULT_STEPS = 300, TIMED_STEPS = 3, JUDGEMENTS = 10 };

/* One run's clock and counters. */
typedef struct tune_loop {
    pr_tuner *tuner;
    double began, judging; /* seconds; judging: of the first judgement */
    uint64_t judge_every;
    bool started, stopped;
} tune_loop;

static double limit_of(const tune_loop *loop)
{
    return loop->tuner->options.minutes * 60;
}

/* `count` judgements in all, unless the options say how often. */
static void plan_judgements(tune_loop *loop, uint64_t count)
{
    pr_tuner *tuner = loop->tuner;
    uint64_t every = (uint64_t)tuner->options.judge_every;
    loop->judge_every = every ? every : (tuner->steps + count - 1) / count;
    if (loop->judge_every == 0) loop->judge_every = 1;
}

/* Do the steps asked for, and their judgements, end within `left` seconds? */
static bool all_fit(const tune_loop *loop, double left, double step_seconds)
{
    const pr_tuner *tuner = loop->tuner;
    if (tuner->options.steps == 0 || tuner->steps < tuner->adamw.step) return false;
    double steps = (double)(tuner->steps - tuner->adamw.step);
    double judgements = ceil(steps / (double)loop->judge_every);
    return steps * step_seconds + judgements * loop->judging <= left;
}

/* With a time limit: as many steps as will fit. A few are timed without changing a weight; the
 * fastest counts, since what made others slower may pass, and a tenth of the time is left for what
 * stays slow. Steps that were asked for and fit stay as they are, judgements too, so that the limit
 * leaves no trace in the result. Else at most a fifth of the time goes into judgements. */
static prune_status fit_steps(tune_loop *loop)
{
    pr_tuner *tuner = loop->tuner;
    double fastest = INFINITY, loss;
    for (int i = 0; i < TIMED_STEPS; i++) {
        double began = seconds_now();
        PR_TRY(pr_check_cancel(tuner->ctx));
        PR_TRY(pr_tuner_gradient(tuner, &loss));
        fastest = fmin(fastest, seconds_now() - began);
    }
    double left = fmax(0.9 * (limit_of(loop) - (seconds_now() - loop->began)), 0);
    if (all_fit(loop, left, fastest)) return PRUNE_OK;
    double judgements = fmin(fmax(floor(0.2 * left / loop->judging), 1), JUDGEMENTS);
    uint64_t fitting = (uint64_t)(fmax(left - judgements * loop->judging, 0) / fastest) + 1;
    fitting += tuner->adamw.step;
    if (tuner->options.steps == 0 || fitting < tuner->steps) tuner->steps = fitting;
    plan_judgements(loop, (uint64_t)judgements);
    pr_log(tuner->ctx, PRUNE_LOG_INFO,
           "tune: %g minutes are %llu steps; --steps %llu --judge-every %llu repeats this run",
           tuner->options.minutes, (unsigned long long)tuner->steps,
           (unsigned long long)tuner->steps, (unsigned long long)loop->judge_every);
    return PRUNE_OK;
}

static void note_loss(pr_tuner *tuner, uint64_t step, double loss)
{
    uint64_t tenth = tuner->steps < 10 ? 1 : tuner->steps / 10;
    if (step < tenth) {
        tuner->loss_sums[0] += loss;
        tuner->loss_counts[0]++;
    }
    if (step + tenth >= tuner->steps) {
        tuner->loss_sums[1] += loss;
        tuner->loss_counts[1]++;
    }
}

static prune_status judge_now(tune_loop *loop)
{
    pr_tuner *tuner = loop->tuner;
    double score;
    if (tuner->judged_at == tuner->adamw.step) return PRUNE_OK;
    PR_TRY(pr_tuner_judge(tuner, &score));
    tuner->judged_at = tuner->adamw.step;
    pr_log(tuner->ctx, PRUNE_LOG_INFO,
           "tune: after step %llu %s is %.5f (best %.5f, original %.5f)",
           (unsigned long long)tuner->adamw.step, pr_judge_name(&tuner->judge, tuner->model), score,
           tuner->score_best, tuner->score_original);
    return PRUNE_OK;
}

static prune_status judge_if_due(tune_loop *loop)
{
    uint64_t done = loop->tuner->adamw.step;
    bool due = done % loop->judge_every == 0 || done >= loop->tuner->steps;
    return due ? judge_now(loop) : PRUNE_OK;
}

static prune_status write_snapshot(const pr_tuner *tuner)
{
    return tuner->options.snapshot ? pr_snapshot_write(tuner, tuner->options.snapshot) : PRUNE_OK;
}

/* One step and what is due after it. */
static prune_status advance(tune_loop *loop)
{
    pr_tuner *tuner = loop->tuner;
    const prune_tune_options *o = &tuner->options;
    uint64_t step = tuner->adamw.step;
    uint64_t warmup = o->warmup >= 0 ? (uint64_t)o->warmup : tuner->steps / 10;
    double rate = o->learning_rate * pr_schedule_rate(step, tuner->steps, warmup);
    double loss;
    PR_TRY(pr_check_cancel(tuner->ctx));
    PR_TRY(pr_tuner_step(tuner, rate, &loss));
    uint64_t done = tuner->adamw.step;
    note_loss(tuner, step, loss);
    pr_progress(tuner->ctx, "tune", done, tuner->steps);
    uint64_t lines = tuner->steps / 20 ? tuner->steps / 20 : 1;
    if (step == 0 || done % lines == 0)
        pr_log(tuner->ctx, PRUNE_LOG_INFO, "tune: step %llu of %llu, loss %.5f, learning rate %.2e",
               (unsigned long long)done, (unsigned long long)tuner->steps, loss, rate);
    PR_TRY(judge_if_due(loop));
    if (done % (uint64_t)o->snapshot_every == 0) PR_TRY(write_snapshot(tuner));
    return PRUNE_OK;
}

static prune_status start(tune_loop *loop)
{
    pr_tuner *tuner = loop->tuner;
    const prune_tune_options *o = &tuner->options;
    tuner->steps = o->steps > 0 ? (uint64_t)o->steps : DEFAULT_STEPS;
    plan_judgements(loop, JUDGEMENTS);
    if (o->resume && !o->snapshot)
        return pr_fail(PRUNE_E_ARGUMENT, "resume: say with snapshot which file to go on from");
    if (o->resume && pr_path_exists(o->snapshot)) {
        PR_TRY(pr_snapshot_read(tuner, o->snapshot));
        pr_log(tuner->ctx, PRUNE_LOG_INFO, "tune: going on after step %llu",
               (unsigned long long)tuner->adamw.step);
    } else {
        PR_TRY(pr_judge_score(&tuner->judge, tuner->model, &tuner->score_original));
        tuner->score_best = tuner->score_original;
    }
    loop->started = true;
    loop->judging = seconds_now() - loop->began;
    return o->minutes > 0 ? fit_steps(loop) : PRUNE_OK;
}

static prune_status run_loop(tune_loop *loop)
{
    pr_tuner *tuner = loop->tuner;
    /* A run that was cancelled between a step and its judgement makes up for that. */
    PR_TRY(judge_if_due(loop));
    while (tuner->adamw.step < tuner->steps) {
        if (tuner->options.minutes > 0 && seconds_now() - loop->began > limit_of(loop)) {
            loop->stopped = true;
            pr_log(tuner->ctx, PRUNE_LOG_WARNING, "tune: the time is up after step %llu of %llu",
                   (unsigned long long)tuner->adamw.step, (unsigned long long)tuner->steps);
            PR_TRY(judge_now(loop));
            break;
        }
        PR_TRY(advance(loop));
    }
    return write_snapshot(tuner);
}

/* --- the result ------------------------------------------------------------------------------*/

static void fill_report(const tune_loop *loop, const char *judged_by, prune_tune_report *report)
{
    const pr_tuner *tuner = loop->tuner;
    const double *sums = tuner->loss_sums, *counts = tuner->loss_counts;
    *report = (prune_tune_report){
        .struct_size = (uint32_t)sizeof *report,
        .steps = tuner->adamw.step,
        .seconds = seconds_now() - loop->began,
        .loss_first = counts[0] > 0 ? sums[0] / counts[0] : (double)NAN,
        .loss_last = counts[1] > 0 ? sums[1] / counts[1] : (double)NAN,
        .judged_by = judged_by,
        .score_before = tuner->score_original,
        .score_after = tuner->score_best,
        .improved = tuner->best != NULL,
        .cancelled = loop->stopped,
    };
}

static prune_status record(prune_model *best, const pr_tuner *tuner, const char *judged_by)
{
    const prune_tune_options *o = &tuner->options;
    uint64_t failures = prune_json_failures();
    json_t *losses = json_object();
    for (int k = 0; k < PR_LOSS_COUNT; k++)
        if (tuner->weights[k] != 0)
            prune_json_set(losses, pr_loss_get((pr_loss_kind)k)->name,
                           json_real(tuner->weights[k]));
    json_t *fields =
        json_pack("{s:I,s:I,s:i,s:f,s:i,s:f,s:b,s:f,s:o,s:s,s:f,s:f}", "seed", (json_int_t)o->seed,
                  "steps", (json_int_t)tuner->adamw.step, "batch", o->batch, "learning_rate",
                  o->learning_rate, "warmup", o->warmup, "weight_decay", o->weight_decay, "augment",
                  o->augment, "ema", o->ema, "losses", losses, "judged_by", judged_by,
                  "score_before", tuner->score_original, "score_after", tuner->score_best);
    if (!fields || prune_json_failures() != failures) {
        json_decref(fields);
        return pr_fail(PRUNE_E_MEMORY, "tune: out of memory for the model's history");
    }
    return pr_model_record(best, "tune", fields);
}

prune_status prune_tune_fit(const prune_model *model, const prune_model *teacher,
                            prune_samples *samples, prune_tune_options *options)
{
    prune_tune_options o;
    memset(&o, 0, sizeof o);
    PR_TRY(pr_options_take(prune_tune_option_table(), &o, options));
    if (o.minutes <= 0) return PRUNE_OK;
    o.resume = false;
    pr_tuner tuner;
    tune_loop loop = {.tuner = &tuner, .began = seconds_now()};
    PR_TRY(pr_tuner_open(&tuner, model, teacher, samples, &o));
    prune_status status = start(&loop);
    if (status == PRUNE_OK) {
        options->steps = (int32_t)(tuner.steps < 10000000 ? tuner.steps : 10000000);
        options->judge_every = (int32_t)loop.judge_every;
        options->minutes = 0;
    }
    pr_tuner_close(&tuner);
    return status;
}

prune_status prune_model_tune(prune_model *model, const prune_model *teacher,
                              prune_samples *samples, const prune_tune_options *options)
{
    prune_tune_options o;
    memset(&o, 0, sizeof o);
    PR_TRY(pr_options_take(prune_tune_option_table(), &o, options));
    pr_tuner tuner;
    tune_loop loop = {.tuner = &tuner, .began = seconds_now()};
    PR_TRY(pr_tuner_open(&tuner, model, teacher, samples, &o));
    const char *judged_by = pr_judge_name(&tuner.judge, model);
    prune_status status = start(&loop);
    if (status == PRUNE_OK) status = run_loop(&loop);
    if (status == PRUNE_E_CANCELLED) {
        loop.stopped = true;
        pr_log(tuner.ctx, PRUNE_LOG_INFO,
               "tune: stopped after step %llu; the best model so far is kept",
               (unsigned long long)tuner.adamw.step);
        status = loop.started ? write_snapshot(&tuner) : PRUNE_OK;
    }
    if (status == PRUNE_OK && tuner.best) status = record(tuner.best, &tuner, judged_by);
    if (status == PRUNE_OK && o.report) fill_report(&loop, judged_by, o.report);
    prune_model *best = status == PRUNE_OK ? tuner.best : NULL;
    if (best)
        tuner.best = NULL;
    else if (status == PRUNE_OK)
        pr_log(model->ctx, PRUNE_LOG_INFO, "tune: no better than the original, which is kept");
    pr_tuner_close(&tuner);
    if (best) pr_model_replace(model, best);
    return status;
}
