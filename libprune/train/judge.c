#include "libprune/train/judge.h"

#include <math.h>
#include <string.h>

pr_mode pr_train_mode(const prune_model *model)
{
    for (int32_t n = 0; n < model->n_nodes; n++)
        if (model->nodes[n].precision.compute == PR_COMPUTE_I8) return PR_MODE_FAKE;
    return PR_MODE_FLOAT;
}

const char *pr_judge_name(const pr_judge *judge, const prune_model *model)
{
    if (judge->metric) return judge->metric->name;
    bool relative = model->meta.output_kind == PR_OUTPUT_RELATIVE;
    if (judge->reference)
        return relative ? "inverse depth error (normalised) against the teacher"
                        : "log-depth error against the teacher";
    return relative ? "inverse depth error (normalised) against ground truth"
                    : "log-depth error against ground truth";
}

bool pr_judge_better(const pr_judge *judge, double a, double b)
{
    if (isnan(a)) return false;
    if (isnan(b)) return true;
    return judge->metric && judge->metric->higher_is_better ? a > b : a < b;
}

/* --- a metric over samples -------------------------------------------------------------------*/

/* A run that is planned again only when the size changes. */
typedef struct sized_run {
    const prune_model *model;
    pr_run *run;
    int32_t height, width;
    float *input, *output; /* network input; output at the picture's size */
} sized_run;

static prune_status sized_run_plan(sized_run *sized, int32_t height, int32_t width)
{
    prune_context *ctx = sized->model->ctx;
    if (sized->run && sized->height == height && sized->width == width) return PRUNE_OK;
    pr_run_free(sized->run);
    pr_free(ctx, sized->input);
    sized->run = NULL;
    sized->input = NULL;
    pr_run_options options = {.mode = pr_train_mode(sized->model)};
    PR_TRY(pr_run_create(&sized->run, sized->model, 1, height, width, &options));
    sized->height = height;
    sized->width = width;
    return pr_new(ctx, (void **)&sized->input, (size_t)height * (size_t)width * 3, sizeof(float));
}

static prune_status add_sample(sized_run *sized, prune_metric *metric, const prune_sample *sample)
{
    const pr_meta *meta = &sized->model->meta;
    prune_context *ctx = sized->model->ctx;
    int32_t nw, nh, w = sample->width, h = sample->height;
    pr_image_network_size(&meta->preprocess, w, h, &nw, &nh);
    PR_TRY(sized_run_plan(sized, nh, nw));
    prune_pixels pixels = {sample->rgb, w, h, 0, PRUNE_RGB};
    PR_TRY(pr_image_preprocess(ctx, &meta->preprocess, &pixels, nw, nh, sized->input));
    PR_TRY(pr_run_forward(sized->run, sized->input));
    const pr_tensor *out = pr_run_output(sized->run);
    float *values = NULL;
    PR_TRY(pr_new(ctx, (void **)&values, (size_t)w * (size_t)h, sizeof(float)));
    prune_status status =
        pr_image_resize_map(ctx, (pr_filter)meta->resize_back, pr_f32(out),
                            (int32_t)out->shape.dim[2], (int32_t)out->shape.dim[1], values, w, h);
    prune_prediction prediction = {.width = w,
                                   .height = h,
                                   .values = values,
                                   .output_kind = meta->output_kind,
                                   .disparity_scale = (double)meta->disparity_scale,
                                   .disparity_offset = (double)meta->disparity_offset};
    if (status == PRUNE_OK) status = metric->add(metric->user, &prediction, sample);
    pr_free(ctx, values);
    return status;
}

static prune_status metric_score(const pr_judge *judge, const prune_model *model, double *score)
{
    prune_status status = PRUNE_OK;
    sized_run sized = {.model = model};
    judge->metric->reset(judge->metric->user);
    for (uint64_t i = 0; i < prune_samples_count(judge->samples); i++) {
        PR_GO(pr_check_cancel(judge->ctx));
        prune_sample sample;
        PR_GO(prune_samples_load(judge->samples, i, &sample));
        status = add_sample(&sized, judge->metric, &sample);
        prune_samples_release(judge->samples, &sample);
        if (status != PRUNE_OK) goto done;
    }
    PR_GO(judge->metric->value(judge->metric->user, score));
done:
    pr_run_free(sized.run);
    pr_free(judge->ctx, sized.input);
    return status;
}

/* --- held-back pictures ----------------------------------------------------------------------*/

static prune_status held_score(const pr_judge *judge, const prune_model *model, double *score)
{
    prune_status status = PRUNE_OK;
    pr_feed *held = judge->held;
    const prune_model *reference = judge->reference;
    pr_run *run = NULL, *reference_run = NULL;
    pr_run_options options = {.mode = pr_train_mode(model)};
    PR_GO(pr_run_create(&run, model, held->batch, held->height, held->width, &options));
    if (reference) {
        options.mode = pr_train_mode(reference);
        PR_GO(pr_run_create(&reference_run, reference, held->batch, held->height, held->width,
                            &options));
    }
    double weights[PR_LOSS_COUNT] = {0}, sum = 0, images = 0;
    pr_loss_kind kind = reference                                       ? PR_LOSS_DISTILL
                        : model->meta.output_kind == PR_OUTPUT_RELATIVE ? PR_LOSS_SSI
                                                                        : PR_LOSS_L1;
    weights[kind] = 1;
    pr_loss_batch batch = {.height = held->height,
                           .width = held->width,
                           .decode = pr_decode_of(&model->meta),
                           .depth = held->depth};
    for (uint64_t first = 0; first < held->count; first += (uint64_t)held->batch) {
        PR_GO(pr_check_cancel(judge->ctx));
        PR_GO(pr_feed_load_plain(held, first));
        PR_GO(pr_run_forward(run, held->input));
        batch.output = pr_f32(pr_run_output(run));
        if (reference) {
            PR_GO(pr_run_forward(reference_run, held->input));
            batch.teacher = pr_f32(pr_run_output(reference_run));
            batch.teacher_decode = pr_decode_of(&reference->meta);
        }
        /* The last batch is padded; its repeats do not count. */
        uint64_t left = held->count - first;
        batch.batch = left < (uint64_t)held->batch ? (int64_t)left : held->batch;
        double values[PR_LOSS_COUNT], total;
        PR_GO(pr_loss_evaluate(judge->ctx, &batch, weights, values, &total));
        sum += total * (double)batch.batch;
        images += (double)batch.batch;
    }
    *score = sum / images;
done:
    pr_run_free(run);
    pr_run_free(reference_run);
    return status;
}

prune_status pr_judge_score(const pr_judge *judge, const prune_model *model, double *score)
{
    return judge->metric ? metric_score(judge, model, score) : held_score(judge, model, score);
}
