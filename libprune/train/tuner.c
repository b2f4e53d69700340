#include "libprune/train/tuner.h"

#include <stdlib.h>
#include <string.h>

/* --- which loss, which pictures --------------------------------------------------------------*/

static void choose_weights(pr_tuner *tuner)
{
    const prune_tune_options *o = &tuner->options;
    bool taught = tuner->teacher != NULL;
    bool metric = tuner->model->meta.output_kind == PR_OUTPUT_METRIC;
    const double given[PR_LOSS_COUNT] = {
        [PR_LOSS_SILOG] = o->silog,     [PR_LOSS_L1] = o->l1_log,
        [PR_LOSS_SSI] = o->ssi,         [PR_LOSS_GRADIENT] = o->gradient,
        [PR_LOSS_DISTILL] = o->distill, [PR_LOSS_DISTILL_GRADIENT] = o->distill_gradient,
    };
    const double natural[PR_LOSS_COUNT] = {
        [PR_LOSS_SILOG] = !taught && metric,   [PR_LOSS_SSI] = !taught && !metric,
        [PR_LOSS_GRADIENT] = taught ? 0 : 0.5, [PR_LOSS_DISTILL] = taught,
        [PR_LOSS_DISTILL_GRADIENT] = taught,
    };
    for (int k = 0; k < PR_LOSS_COUNT; k++)
        tuner->weights[k] = given[k] >= 0 ? given[k] : natural[k];
}

static prune_status check_average(const prune_tune_options *options)
{
    if (options->ema >= 0 || options->ema == -1) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT, "ema is %g: a share from 0 on, or -1", options->ema);
}

static prune_status check_weights(const pr_tuner *tuner)
{
    bool any = false;
    for (int k = 0; k < PR_LOSS_COUNT; k++) {
        if (tuner->weights[k] == 0) continue;
        if (pr_loss_get((pr_loss_kind)k)->from_teacher && !tuner->teacher)
            return pr_fail(PRUNE_E_ARGUMENT, "%s: there is no teacher to learn from: give one",
                           pr_loss_get((pr_loss_kind)k)->name);
        any = true;
    }
    if (any) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT, "every loss weighs 0: give one of them a weight");
}

typedef struct ranked {
    uint64_t hash, index;
} ranked;

static int by_hash(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int by_index(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Splits [0, count) by a hash of the frames' names: the first *held_count of them are held back.
 * Both lists come out in ascending order and belong to the caller. */
static prune_status split_samples(prune_context *ctx, prune_samples *samples, uint64_t held_count,
                                  uint64_t **held, uint64_t **used)
{
    prune_status status = PRUNE_OK;
    uint64_t count = prune_samples_count(samples);
    ranked *ranks = NULL;
    *held = *used = NULL;
    PR_GO(pr_new(ctx, (void **)&ranks, (size_t)count, sizeof *ranks));
    PR_GO(pr_new(ctx, (void **)held, (size_t)held_count + 1, sizeof(uint64_t)));
    PR_GO(pr_new(ctx, (void **)used, (size_t)count, sizeof(uint64_t)));
    for (uint64_t i = 0; i < count; i++) {
        const char *name, *group;
        PR_GO(prune_samples_identify(samples, i, &name, &group));
        ranks[i] = (ranked){pr_hash_text(name) ^ pr_hash_u64(pr_hash_text(group)), i};
    }
    qsort(ranks, (size_t)count, sizeof *ranks, by_hash);
    for (uint64_t i = 0; i < count; i++) {
        if (i < held_count)
            (*held)[i] = ranks[i].index;
        else
            (*used)[i - held_count] = ranks[i].index;
    }
    qsort(*held, (size_t)held_count, sizeof(uint64_t), by_index);
    qsort(*used, (size_t)(count - held_count), sizeof(uint64_t), by_index);
done:
    pr_free(ctx, ranks);
    if (status != PRUNE_OK) {
        pr_free(ctx, *held);
        pr_free(ctx, *used);
    }
    return status;
}

static prune_status network_size(const pr_tuner *tuner, prune_samples *samples, int32_t *height,
                                 int32_t *width)
{
    *height = tuner->options.height;
    *width = tuner->options.width;
    if (*height > 0 && *width > 0) return PRUNE_OK;
    prune_sample sample;
    PR_TRY(prune_samples_load(samples, 0, &sample));
    pr_image_network_size(&tuner->model->meta.preprocess, sample.width, sample.height, width,
                          height);
    prune_samples_release(samples, &sample);
    return PRUNE_OK;
}

/* Below this many pictures none can be spared: the judge then looks at those that are tuned on. */
enum { LEAST_TO_SPLIT = 10, JUDGE_BATCH = 4 };

static prune_status open_feeds(pr_tuner *tuner, prune_samples *samples)
{
    const prune_tune_options *o = &tuner->options;
    const pr_preprocess *rule = &tuner->model->meta.preprocess;
    prune_context *ctx = tuner->ctx;
    uint64_t count = prune_samples_count(samples), held_count = 0, *held, *used;
    if (count == 0) return pr_fail(PRUNE_E_ARGUMENT, "there are no tune images: give some");
    if (!tuner->judge.metric && count >= LEAST_TO_SPLIT) {
        held_count = count / 5;
        if (held_count > (uint64_t)o->hold_back) held_count = (uint64_t)o->hold_back;
    }
    int32_t height, width;
    PR_TRY(network_size(tuner, samples, &height, &width));
    PR_TRY(split_samples(ctx, samples, held_count, &held, &used));
    uint64_t used_count = count - held_count;
    prune_status status =
        pr_feed_create(&tuner->feed, ctx, samples, used, used_count, rule, o->batch, height, width);
    if (status != PRUNE_OK) {
        pr_free(ctx, held);
        return status;
    }
    tuner->feed.seed = o->seed;
    tuner->augment = (pr_augment){o->flip, o->crop, o->exposure, o->colour, o->noise};
    if (o->augment) tuner->feed.augment = &tuner->augment;
    if (tuner->judge.metric) {
        pr_free(ctx, held);
        return PRUNE_OK;
    }
    if (held_count == 0) { /* as many of the used ones, from the front */
        held_count = used_count < (uint64_t)o->hold_back ? used_count : (uint64_t)o->hold_back;
        if (held_count == 0) held_count = 1;
        pr_free(ctx, held);
        PR_TRY(pr_new(ctx, (void **)&held, (size_t)held_count, sizeof(uint64_t)));
        memcpy(held, used, (size_t)held_count * sizeof(uint64_t));
        pr_log(ctx, PRUNE_LOG_INFO,
               "tune: no pictures held back to judge on; judging on tune images");
    }
    tuner->judge.held = &tuner->held;
    return pr_feed_create(&tuner->held, ctx, samples, held, held_count, rule, JUDGE_BATCH, height,
                          width);
}

/* --- open and close --------------------------------------------------------------------------*/

static prune_status check_teacher(const pr_tuner *tuner)
{
    if (!tuner->teacher) return PRUNE_OK;
    const pr_preprocess *a = &tuner->model->meta.preprocess;
    const pr_preprocess *b = &tuner->teacher->meta.preprocess;
    if (memcmp(a->mean, b->mean, sizeof a->mean) == 0 && memcmp(a->std, b->std, sizeof a->std) == 0)
        return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT,
                   "the teacher normalises its pictures differently from the model: use a teacher "
                   "with the same mean and standard deviation");
}

static prune_status open_runs(pr_tuner *tuner)
{
    const pr_feed *feed = &tuner->feed;
    pr_run_options options = {.mode = pr_train_mode(tuner->model), .keep = true};
    PR_TRY(
        pr_run_create(&tuner->run, tuner->model, feed->batch, feed->height, feed->width, &options));
    const pr_shape *shape = pr_run_shape(tuner->run, tuner->model->outputs[0].node);
    if (pr_shape_count(shape) != feed->batch * feed->height * feed->width)
        return pr_fail(PRUNE_E_SHAPE,
                       "the model's output has another size than its input (%lld x %lld): give "
                       "height and width that it maps to themselves",
                       (long long)feed->height, (long long)feed->width);
    if (!tuner->teacher) return PRUNE_OK;
    options = (pr_run_options){.mode = pr_train_mode(tuner->teacher)};
    return pr_run_create(&tuner->teacher_run, tuner->teacher, feed->batch, feed->height,
                         feed->width, &options);
}

prune_status pr_tuner_open(pr_tuner *tuner, const prune_model *original, const prune_model *teacher,
                           prune_samples *samples, const prune_tune_options *options)
{
    prune_status status = PRUNE_OK;
    prune_context *ctx = original->ctx;
    *tuner = (pr_tuner){.ctx = ctx, .options = *options, .teacher = teacher};
    tuner->judge = (pr_judge){.ctx = ctx, .reference = teacher};
    if ((options->judge == NULL) != (options->metric == NULL))
        return pr_fail(PRUNE_E_ARGUMENT, "judge and metric go together: give both or neither");
    if (options->metric) {
        tuner->judge.samples = options->judge;
        tuner->judge.metric = options->metric;
    }
    PR_GO(pr_model_clone(&tuner->model, original));
    PR_GO(check_teacher(tuner));
    choose_weights(tuner);
    PR_GO(check_weights(tuner));
    PR_GO(check_average(options));
    PR_GO(open_feeds(tuner, samples));
    PR_GO(pr_adamw_create(&tuner->adamw, tuner->model, options->ema != 0));
    PR_GO(pr_grads_create(&tuner->grads, tuner->model));
    PR_GO(open_runs(tuner));
    size_t pixels = (size_t)(tuner->feed.height * tuner->feed.width);
    PR_GO(
        pr_new(ctx, (void **)&tuner->d_output, (size_t)tuner->feed.batch, pixels * sizeof(float)));
    return PRUNE_OK;
done:
    pr_tuner_close(tuner);
    return status;
}

void pr_tuner_close(pr_tuner *tuner)
{
    if (!tuner->ctx) return;
    pr_run_free(tuner->run);
    pr_run_free(tuner->teacher_run);
    if (tuner->grads.ctx) pr_grads_free(&tuner->grads);
    pr_adamw_free(&tuner->adamw);
    pr_feed_free(&tuner->feed);
    pr_feed_free(&tuner->held);
    if (tuner->model) pr_model_free(tuner->model);
    if (tuner->best) pr_model_free(tuner->best);
    pr_free(tuner->ctx, tuner->d_output);
    memset(tuner, 0, sizeof *tuner);
}

/* --- step and judge --------------------------------------------------------------------------*/

static prune_status check_labels(const pr_tuner *tuner)
{
    const pr_feed *feed = &tuner->feed;
    if (tuner->teacher || tuner->adamw.step > 0) return PRUNE_OK;
    for (int64_t i = 0; i < feed->batch * feed->height * feed->width; i++)
        if (feed->depth[i] > 0) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT,
                   "the tune images have no ground truth and there is no teacher: give labelled "
                   "pairs or a teacher");
}

prune_status pr_tuner_gradient(pr_tuner *tuner, double *loss)
{
    pr_feed *feed = &tuner->feed;
    PR_TRY(pr_feed_load(feed, tuner->adamw.step));
    PR_TRY(check_labels(tuner));
    PR_TRY(pr_run_forward(tuner->run, feed->input));
    pr_loss_batch batch = {.batch = feed->batch,
                           .height = feed->height,
                           .width = feed->width,
                           .decode = pr_decode_of(&tuner->model->meta),
                           .output = pr_f32(pr_run_output(tuner->run)),
                           .depth = feed->depth,
                           .d_output = tuner->d_output};
    if (tuner->teacher &&
        (tuner->weights[PR_LOSS_DISTILL] > 0 || tuner->weights[PR_LOSS_DISTILL_GRADIENT] > 0)) {
        PR_TRY(pr_run_forward(tuner->teacher_run, feed->input));
        batch.teacher = pr_f32(pr_run_output(tuner->teacher_run));
        batch.teacher_decode = pr_decode_of(&tuner->teacher->meta);
    }
    double values[PR_LOSS_COUNT];
    PR_TRY(pr_loss_evaluate(tuner->ctx, &batch, tuner->weights, values, loss));
    pr_grads_zero(&tuner->grads);
    return pr_run_backward(tuner->run, tuner->d_output, &tuner->grads, NULL, NULL);
}

prune_status pr_tuner_step(pr_tuner *tuner, double learning_rate, double *loss)
{
    const prune_tune_options *o = &tuner->options;
    PR_TRY(pr_tuner_gradient(tuner, loss));
    double norm;
    const pr_adamw_settings settings = {.learning_rate = learning_rate,
                                        .beta1 = 0.9,
                                        .beta2 = 0.999,
                                        .epsilon = 1e-8,
                                        .weight_decay = o->weight_decay,
                                        .clip = o->clip,
                                        .ema = o->ema < 0 ? 1 : o->ema};
    return pr_adamw_step(&tuner->adamw, tuner->model, &tuner->grads, &settings, &norm);
}

prune_status pr_tuner_judge(pr_tuner *tuner, double *score)
{
    prune_model *candidate = NULL;
    PR_TRY(pr_model_clone(&candidate, tuner->model));
    for (int32_t p = 0; tuner->adamw.average && p < candidate->n_params; p++) {
        if (!candidate->params[p].trainable) continue;
        pr_tensor_release(&candidate->params[p].tensor);
        candidate->params[p].tensor = pr_tensor_share(&tuner->adamw.average[p]);
    }
    prune_status status = pr_judge_score(&tuner->judge, candidate, score);
    if (status == PRUNE_OK && pr_judge_better(&tuner->judge, *score, tuner->score_best)) {
        if (tuner->best) pr_model_free(tuner->best);
        tuner->best = candidate;
        tuner->score_best = *score;
        return PRUNE_OK;
    }
    pr_model_free(candidate);
    return status;
}
