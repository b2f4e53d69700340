#include "libprune/train/optimizer.h"

#include "libprune/kernels/train.h"

#include <math.h>
#include <string.h>

/* Sums are taken in pieces of this many numbers, whatever the number of threads. */
enum { PIECE = 1 << 15 };

static prune_status make_trainable(prune_context *ctx, pr_param *param)
{
    pr_tensor *tensor = &param->tensor;
    if (tensor->dtype == PR_F32) return pr_tensor_own(tensor, ctx);
    if (tensor->dtype != PR_F16 && tensor->dtype != PR_BF16)
        return pr_fail(
            PRUNE_E_UNSUPPORTED,
            "%s: stored as %s, which cannot be tuned: tune the model before it is packed "
            "as integers",
            param->name, pr_dtype_name(tensor->dtype));
    pr_tensor floats;
    PR_TRY(pr_tensor_convert(&floats, ctx, tensor, PR_F32));
    pr_tensor_release(tensor);
    *tensor = floats;
    return PRUNE_OK;
}

/* Weight decay shrinks what multiplies features; biases, norms, scales and position tables set
 * levels, which zero is no better guess for. */
static void find_decaying(pr_adamw *adamw, const prune_model *model)
{
    for (int32_t n = 0; n < model->n_nodes; n++) {
        const pr_node *node = &model->nodes[n];
        int32_t weight = node->params[PR_SLOT_WEIGHT];
        if (weight == PR_NONE) continue;
        adamw->decays[weight] =
            node->op == PR_OP_CONV || node->op == PR_OP_CONV_TRANSPOSE || node->op == PR_OP_LINEAR;
    }
}

prune_status pr_adamw_create(pr_adamw *out, prune_model *model, bool average)
{
    prune_context *ctx = model->ctx;
    prune_status status = PRUNE_OK;
    size_t n = (size_t)model->n_params;
    pr_adamw adamw = {.ctx = ctx, .n_params = model->n_params};
    adamw.first = pr_calloc(ctx, n, sizeof(pr_tensor));
    adamw.second = pr_calloc(ctx, n, sizeof(pr_tensor));
    adamw.decays = pr_calloc(ctx, n, sizeof(bool));
    if (average) adamw.average = pr_calloc(ctx, n, sizeof(pr_tensor));
    if (!adamw.first || !adamw.second || !adamw.decays || (average && !adamw.average))
        PR_GO(PRUNE_E_MEMORY);
    find_decaying(&adamw, model);
    for (int32_t p = 0; p < model->n_params; p++) {
        pr_param *param = &model->params[p];
        if (!param->trainable) continue;
        PR_GO(make_trainable(ctx, param));
        PR_GO(pr_tensor_zeros(&adamw.first[p], ctx, PR_F32, &param->tensor.shape));
        PR_GO(pr_tensor_zeros(&adamw.second[p], ctx, PR_F32, &param->tensor.shape));
        if (average) PR_GO(pr_tensor_copy(&adamw.average[p], ctx, &param->tensor));
    }
    *out = adamw;
    return PRUNE_OK;
done:
    pr_adamw_free(&adamw);
    return status;
}

static void release_all(prune_context *ctx, pr_tensor *tensors, int32_t count)
{
    for (int32_t p = 0; tensors && p < count; p++) pr_tensor_release(&tensors[p]);
    pr_free(ctx, tensors);
}

void pr_adamw_free(pr_adamw *adamw)
{
    if (!adamw->ctx) return;
    release_all(adamw->ctx, adamw->first, adamw->n_params);
    release_all(adamw->ctx, adamw->second, adamw->n_params);
    release_all(adamw->ctx, adamw->average, adamw->n_params);
    pr_free(adamw->ctx, adamw->decays);
    memset(adamw, 0, sizeof *adamw);
}

typedef struct square_job {
    const pr_train_kernels *kernels;
    const float *values;
    int64_t count;
    double *sums;
} square_job;

static void sum_pieces(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    square_job *job = arg;
    for (int64_t piece = begin; piece < end; piece++) {
        int64_t last = (piece + 1) * PIECE < job->count ? (piece + 1) * PIECE : job->count;
        job->sums[piece] =
            job->kernels->squares_row(job->values + piece * PIECE, last - piece * PIECE);
    }
}

static prune_status gradient_norm(const pr_adamw *adamw, const pr_grads *grads, double *norm)
{
    int64_t longest = 1;
    for (int32_t p = 0; p < adamw->n_params; p++)
        if (adamw->first[p].data && pr_tensor_count(&adamw->first[p]) > longest)
            longest = pr_tensor_count(&adamw->first[p]);
    double *sums = NULL, total = 0;
    PR_TRY(pr_new(adamw->ctx, (void **)&sums, (size_t)(longest / PIECE + 1), sizeof(double)));
    for (int32_t p = 0; p < adamw->n_params; p++) {
        if (!adamw->first[p].data) continue;
        square_job job = {pr_train_kernels_get(adamw->ctx->isa), pr_f32(&grads->params[p]),
                          pr_tensor_count(&grads->params[p]), sums};
        int64_t pieces = (job.count + PIECE - 1) / PIECE;
        pr_parallel(adamw->ctx, pieces, 1, sum_pieces, &job);
        for (int64_t i = 0; i < pieces; i++) total += sums[i];
    }
    pr_free(adamw->ctx, sums);
    *norm = sqrt(total);
    return PRUNE_OK;
}

typedef struct update_job {
    const pr_train_kernels *kernels;
    pr_adamw_update all;
} update_job;

static void update_range(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    const update_job *job = arg;
    pr_adamw_update part = job->all;
    part.weight += begin;
    part.first += begin;
    part.second += begin;
    part.gradient += begin;
    if (part.average) part.average += begin;
    job->kernels->adamw(&part, end - begin);
}

prune_status pr_adamw_step(pr_adamw *adamw, prune_model *model, const pr_grads *grads,
                           const pr_adamw_settings *settings, double *norm)
{
    PR_TRY(gradient_norm(adamw, grads, norm));
    if (!isfinite(*norm))
        return pr_fail(PRUNE_E_ARGUMENT,
                       "learning-rate: the gradient became infinite at step %llu: lower "
                       "learning-rate (now %g)",
                       (unsigned long long)adamw->step, settings->learning_rate);
    double t = (double)++adamw->step;
    double clip = settings->clip > 0 && *norm > settings->clip ? settings->clip / *norm : 1;
    /* The average starts by following the weights closely: its first steps are far from done. Its
     * mean age is a tenth of the steps so far, until the setting limits it. */
    double ema = fmin(settings->ema, (1 + t) / (10 + t));
    update_job job = {.kernels = pr_train_kernels_get(adamw->ctx->isa)};
    pr_adamw_update *all = &job.all;
    *all =
        (pr_adamw_update){.clip = (float)clip,
                          .beta1 = (float)settings->beta1,
                          .beta2 = (float)settings->beta2,
                          .root_scale = (float)(1 / sqrt(1 - pow(settings->beta2, t))),
                          .rate = (float)(settings->learning_rate / (1 - pow(settings->beta1, t))),
                          .epsilon = (float)settings->epsilon,
                          .keep = (float)ema};
    for (int32_t p = 0; p < adamw->n_params; p++) {
        if (!adamw->first[p].data) continue;
        /* The judge's best model may share both. */
        PR_TRY(pr_tensor_own(&model->params[p].tensor, adamw->ctx));
        if (adamw->average) PR_TRY(pr_tensor_own(&adamw->average[p], adamw->ctx));
        all->weight = pr_f32(&model->params[p].tensor);
        all->gradient = pr_f32(&grads->params[p]);
        all->first = pr_f32(&adamw->first[p]);
        all->second = pr_f32(&adamw->second[p]);
        all->average = adamw->average ? pr_f32(&adamw->average[p]) : NULL;
        double decay = adamw->decays[p] ? settings->weight_decay : 0;
        all->shrink = (float)(1 - settings->learning_rate * decay);
        pr_parallel(adamw->ctx, pr_tensor_count(&adamw->first[p]), PIECE, update_range, &job);
    }
    return PRUNE_OK;
}
