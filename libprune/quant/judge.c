#include "libprune/quant/judge.h"

#include "libprune/quant/views.h"
#include "libprune/train/loss.h"

#include <math.h>

prune_status pr_quant_judge_error(const prune_model *model, const pr_tensor *output,
                                  const pr_tensor *reference, double *error)
{
    double weights[PR_LOSS_COUNT] = {0}, values[PR_LOSS_COUNT];
    pr_loss_batch batch = {.batch = 1,
                           .height = output->shape.dim[1],
                           .width = output->shape.dim[2],
                           .decode = pr_decode_of(&model->meta),
                           .teacher_decode = pr_decode_of(&model->meta),
                           .output = pr_f32(output),
                           .teacher = pr_f32(reference)};
    weights[PR_LOSS_DISTILL] = 1;
    return pr_loss_evaluate(model->ctx, &batch, weights, values, error);
}

double pr_quant_judge_worse(const prune_metric *metric, double value, double baseline)
{
    return metric->higher_is_better ? baseline - value : value - baseline;
}

prune_status pr_quant_judge_add(const prune_model *model, prune_metric *metric,
                                const pr_tensor *output, const prune_sample *sample)
{
    const pr_meta *meta = &model->meta;
    const int32_t height = (int32_t)output->shape.dim[1], width = (int32_t)output->shape.dim[2];
    float *values = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&values, (size_t)sample->width * (size_t)sample->height,
                  sizeof *values));
    PR_GO(pr_image_resize_map(model->ctx, (pr_filter)meta->resize_back, pr_f32(output), width,
                              height, values, sample->width, sample->height));
    const prune_prediction prediction = {.width = sample->width,
                                         .height = sample->height,
                                         .values = values,
                                         .output_kind = meta->output_kind,
                                         .disparity_scale = (double)meta->disparity_scale,
                                         .disparity_offset = (double)meta->disparity_offset};
    PR_GO(metric->add(metric->user, &prediction, sample));
done:
    pr_free(model->ctx, values);
    return status;
}

/* Runs `model` over the judge's samples. With outputs: keeps them there; else *value receives the
 * metric, or the mean error against the original's outputs. */
static prune_status measure(pr_quant_judge *judge, const prune_model *model, pr_tensor *outputs,
                            double *value)
{
    const pr_run_options options = {.mode = PR_MODE_FAKE};
    pr_viewer viewer;
    prune_status status = PRUNE_OK;
    double sum = 0;
    if (judge->metric) judge->metric->reset(judge->metric->user);
    PR_TRY(pr_viewer_open(&viewer, model, &options));
    for (uint64_t i = 0; i < judge->count; i++) {
        PR_GO(pr_check_cancel(judge->ctx));
        PR_GO(pr_viewer_load(&viewer, judge->samples, judge->indices[i], NULL, NULL));
        PR_GO(pr_run_forward(viewer.run, viewer.input));
        const pr_tensor *output = pr_run_output(viewer.run);
        if (outputs) {
            PR_GO(pr_tensor_copy(&outputs[i], judge->ctx, output));
        } else if (judge->metric) {
            PR_GO(pr_quant_judge_add(model, judge->metric, output, &viewer.sample));
        } else {
            double error;
            PR_GO(pr_quant_judge_error(model, output, &judge->outputs[i], &error));
            sum += error;
        }
    }
    if (!outputs && judge->metric)
        PR_GO(judge->metric->value(judge->metric->user, value));
    else if (!outputs)
        *value = sum / (double)judge->count;
done:
    pr_viewer_close(&viewer);
    return status;
}

prune_status pr_quant_judge_create(pr_quant_judge *out, const prune_model *original,
                                   prune_samples *samples, uint64_t limit, prune_metric *metric)
{
    const uint64_t all = prune_samples_count(samples);
    pr_quant_judge judge = {.ctx = original->ctx, .original = original, .samples = samples};
    prune_status status = PRUNE_OK;
    judge.metric = metric;
    judge.count = all < limit ? all : limit;
    if (judge.count == 0)
        return pr_fail(PRUNE_E_ARGUMENT, "quantize: there is no picture to judge on; give more");
    PR_GO(pr_new(judge.ctx, (void **)&judge.indices, judge.count, sizeof *judge.indices));
    for (uint64_t i = 0; i < judge.count; i++) judge.indices[i] = i * all / judge.count;
    if (metric) {
        PR_GO(measure(&judge, original, NULL, &judge.baseline));
    } else {
        judge.outputs = pr_calloc(judge.ctx, judge.count, sizeof *judge.outputs);
        if (!judge.outputs) PR_GO(PRUNE_E_MEMORY);
        PR_GO(measure(&judge, original, judge.outputs, NULL));
    }
    *out = judge;
done:
    if (status != PRUNE_OK) pr_quant_judge_free(&judge);
    return status;
}

void pr_quant_judge_free(pr_quant_judge *judge)
{
    for (uint64_t i = 0; judge->outputs && i < judge->count; i++)
        pr_tensor_release(&judge->outputs[i]);
    if (judge->ctx) {
        pr_free(judge->ctx, judge->outputs);
        pr_free(judge->ctx, judge->indices);
    }
    *judge = (pr_quant_judge){0};
}

prune_status pr_quant_judge_measure(pr_quant_judge *judge, const prune_model *model, double *drop)
{
    double value;
    PR_TRY(measure(judge, model, NULL, &value));
    *drop = judge->metric ? pr_quant_judge_worse(judge->metric, value, judge->baseline) : value;
    if (isnan(*drop)) *drop = INFINITY; /* nothing is worse than no number */
    return PRUNE_OK;
}
