/* The table of losses, the fields they compare, and the weighted sum over a batch. */
#include "libprune/train/loss.h"

#include <math.h>
#include <string.h>

static const pr_loss_info table[PR_LOSS_COUNT] = {
#define PR_LOSS(symbol, name, field, from_teacher, compute)                                        \
    [PR_LOSS_##symbol] = {name, field, from_teacher, compute},
#include "libprune/train/losses.def"
#undef PR_LOSS
};

const pr_loss_info *pr_loss_get(pr_loss_kind kind)
{
    return &table[kind];
}

/* Below these an output is taken for this small, so that logarithms stay finite; the slope stays
 * that of the limit, which pulls the output back. */
static const float least_depth = 1e-3F, least_inverse = 1e-4F;

pr_decode pr_decode_of(const pr_meta *meta)
{
    return (pr_decode){meta->output_kind, meta->disparity_scale, meta->disparity_offset,
                       meta->max_depth};
}

float pr_decode_depth(const pr_decode *decode, float value)
{
    if (decode->kind == PR_OUTPUT_METRIC) return fmaxf(value, least_depth);
    return 1 / fmaxf(decode->offset + decode->scale * value, least_inverse);
}

/* ln(metres) of an output value and its slope. */
static float log_depth(const pr_decode *decode, float value, float *slope)
{
    if (decode->kind == PR_OUTPUT_METRIC) {
        float depth = fmaxf(value, least_depth);
        *slope = 1 / depth;
        return logf(depth);
    }
    float inverse = fmaxf(decode->offset + decode->scale * value, least_inverse);
    *slope = -decode->scale / inverse;
    return -logf(inverse);
}

/* Inverse depth up to scale and shift, and its slope. */
static float inverse_depth(const pr_decode *decode, float value, float *slope)
{
    if (decode->kind != PR_OUTPUT_METRIC) {
        *slope = 1;
        return value;
    }
    float depth = fmaxf(value, least_depth);
    *slope = -1 / (depth * depth);
    return 1 / depth;
}

float pr_select_nth(float *values, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i > j) break;
            float swap = values[i];
            values[i++] = values[j];
            values[j--] = swap;
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return values[k];
}

/* One image's memory: every array holds height * width entries. */
typedef struct image_work {
    float *field, *slope, *target, *d_residual, *scratch;
    uint8_t *mask;
} image_work;

/* How a field was normalised: (x - median) / deviation over n known pixels. */
typedef struct normal {
    float median, deviation;
    int64_t median_index, known;
} normal;

static normal normalise(float *values, const uint8_t *mask, int64_t count, float *scratch)
{
    normal result = {0, 0, 0, 0};
    for (int64_t i = 0; i < count; i++)
        if (mask[i]) scratch[result.known++] = values[i];
    result.median = pr_select_nth(scratch, result.known, (result.known - 1) / 2);
    double sum = 0;
    bool found = false;
    for (int64_t i = 0; i < count; i++) {
        if (!mask[i]) continue;
        sum += fabs((double)values[i] - (double)result.median);
        if (!found && values[i] == result.median) {
            result.median_index = i;
            found = true;
        }
    }
    result.deviation = (float)fmax(sum / (double)result.known, 1e-6);
    for (int64_t i = 0; i < count; i++) values[i] = (values[i] - result.median) / result.deviation;
    return result;
}

/* Turns d/d normalised into d/d value, through median and deviation as well. */
static void normalise_backward(const normal *how, const float *normalised, const uint8_t *mask,
                               int64_t count, float *gradient)
{
    double sum = 0, dot = 0, signs = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!mask[i]) continue;
        sum += (double)gradient[i];
        dot += (double)gradient[i] * (double)normalised[i];
        signs += (normalised[i] > 0) - (normalised[i] < 0);
    }
    double deviation = (double)how->deviation, n = (double)how->known;
    double d_deviation = -dot / deviation;
    double d_median = -sum / deviation - d_deviation * signs / n;
    for (int64_t i = 0; i < count; i++) {
        if (!mask[i]) continue;
        int sign = (normalised[i] > 0) - (normalised[i] < 0);
        gradient[i] = (float)((double)gradient[i] / deviation + d_deviation * sign / n);
    }
    gradient[how->median_index] += (float)d_median;
}

typedef struct loss_job {
    const pr_loss_batch *batch;
    const double *weights;
    double images[2]; /* with ground truth, with a teacher */
    image_work *lanes;
    double *values;          /* [batch][PR_LOSS_COUNT] */
    const uint8_t *labelled; /* [batch]: has ground truth */
} loss_job;

static bool depth_known(const pr_decode *decode, float metres)
{
    if (!(metres >= least_depth)) return false;
    return decode->kind != PR_OUTPUT_METRIC || metres <= decode->max_depth;
}

static pr_field field_for(const pr_loss_info *info, const pr_decode *decode)
{
    if (info->field != PR_FIELD_NATURAL) return info->field;
    return decode->kind == PR_OUTPUT_RELATIVE ? PR_FIELD_NORMAL : PR_FIELD_LOG_DEPTH;
}

/* Target field and mask of one image; returns the known pixels. */
static int64_t fill_target(const loss_job *job, int64_t image, bool teacher, pr_field field,
                           image_work *work)
{
    const pr_loss_batch *batch = job->batch;
    int64_t count = batch->height * batch->width, known = 0;
    const float *from = (teacher ? batch->teacher : batch->depth) + image * count;
    const pr_decode metres = {PR_OUTPUT_METRIC, 1, 0, INFINITY};
    const pr_decode *decode = teacher ? &batch->teacher_decode : &metres;
    for (int64_t i = 0; i < count; i++) {
        work->mask[i] = teacher || depth_known(&batch->decode, from[i]);
        known += work->mask[i];
        float slope;
        if (!work->mask[i])
            work->target[i] = 0;
        else if (field == PR_FIELD_LOG_DEPTH)
            work->target[i] = log_depth(decode, from[i], &slope);
        else
            work->target[i] = inverse_depth(decode, from[i], &slope);
    }
    return known;
}

/* All losses of one image that share target and field. */
static void image_group(loss_job *job, int64_t image, bool teacher, pr_field field,
                        image_work *work)
{
    const pr_loss_batch *batch = job->batch;
    int64_t count = batch->height * batch->width;
    int64_t known = fill_target(job, image, teacher, field, work);
    if (known == 0) return;
    const float *output = batch->output + image * count;
    for (int64_t i = 0; i < count; i++)
        work->field[i] = field == PR_FIELD_LOG_DEPTH
                             ? log_depth(&batch->decode, output[i], &work->slope[i])
                             : inverse_depth(&batch->decode, output[i], &work->slope[i]);
    normal how = {0, 1, 0, known};
    if (field == PR_FIELD_NORMAL) {
        (void)normalise(work->target, work->mask, count, work->scratch);
        how = normalise(work->field, work->mask, count, work->scratch);
    }
    /* target becomes the residual */
    for (int64_t i = 0; i < count; i++)
        work->target[i] = work->mask[i] ? work->field[i] - work->target[i] : 0;
    pr_residual residual = {batch->height, batch->width, work->target,
                            work->mask,    known,        work->scratch};
    float *gradient = batch->d_output ? work->d_residual : NULL;
    memset(work->d_residual, 0, (size_t)count * sizeof(float));
    for (int k = 0; k < PR_LOSS_COUNT; k++) {
        const pr_loss_info *info = &table[k];
        if (job->weights[k] == 0 || info->from_teacher != teacher ||
            field_for(info, &batch->decode) != field)
            continue;
        float weight = (float)(job->weights[k] / job->images[teacher]);
        job->values[image * PR_LOSS_COUNT + k] = info->compute(&residual, weight, gradient);
    }
    if (!gradient) return;
    if (field == PR_FIELD_NORMAL)
        normalise_backward(&how, work->field, work->mask, count, gradient);
    float *d_output = batch->d_output + image * count;
    for (int64_t i = 0; i < count; i++) d_output[i] += gradient[i] * work->slope[i];
}

static void image_range(void *arg, int64_t begin, int64_t end, int lane)
{
    loss_job *job = arg;
    for (int64_t image = begin; image < end; image++) {
        for (int group = 0; group < 4; group++) {
            bool teacher = group >= 2, wanted = false;
            pr_field field = group % 2 ? PR_FIELD_NORMAL : PR_FIELD_LOG_DEPTH;
            for (int k = 0; k < PR_LOSS_COUNT; k++)
                wanted |= job->weights[k] != 0 && table[k].from_teacher == teacher &&
                          field_for(&table[k], &job->batch->decode) == field;
            if (!wanted || (teacher ? !job->batch->teacher : !job->labelled[image])) continue;
            image_group(job, image, teacher, field, &job->lanes[lane]);
        }
    }
}

static prune_status check_kinds(const pr_loss_batch *batch, const double *weights)
{
    for (int k = 0; k < PR_LOSS_COUNT; k++) {
        if (weights[k] == 0) continue;
        pr_field field = field_for(&table[k], &batch->decode);
        if (field != PR_FIELD_LOG_DEPTH) continue;
        if (batch->decode.kind == PR_OUTPUT_RELATIVE ||
            (table[k].from_teacher && batch->teacher &&
             batch->teacher_decode.kind == PR_OUTPUT_RELATIVE))
            return pr_fail(PRUNE_E_ARGUMENT,
                           "%s: needs an output in metres, and this one is relative: use ssi, or "
                           "distill from a teacher of the same kind",
                           table[k].name);
    }
    return PRUNE_OK;
}

static prune_status lanes_create(prune_context *ctx, image_work **lanes, float **memory,
                                 int64_t count)
{
    size_t threads = (size_t)ctx->threads, n = (size_t)count;
    PR_TRY(pr_new(ctx, (void **)memory, threads * 6, n * sizeof(float)));
    PR_TRY(pr_new(ctx, (void **)lanes, threads, sizeof(image_work)));
    for (size_t t = 0; t < threads; t++) {
        float *at = *memory + t * 6 * n;
        (*lanes)[t] =
            (image_work){at, at + n, at + 2 * n, at + 3 * n, at + 4 * n, (uint8_t *)(at + 5 * n)};
    }
    return PRUNE_OK;
}

static void count_images(loss_job *job, uint8_t *labelled)
{
    const pr_loss_batch *batch = job->batch;
    int64_t count = batch->height * batch->width;
    for (int64_t image = 0; image < batch->batch; image++) {
        labelled[image] = 0;
        for (int64_t i = 0; batch->depth && i < count && !labelled[image]; i++)
            labelled[image] = depth_known(&batch->decode, batch->depth[image * count + i]);
        job->images[0] += labelled[image];
        job->images[1] += batch->teacher != NULL;
    }
}

prune_status pr_loss_evaluate(prune_context *ctx, const pr_loss_batch *batch,
                              const double weights[PR_LOSS_COUNT], double values[PR_LOSS_COUNT],
                              double *total)
{
    PR_TRY(check_kinds(batch, weights));
    int64_t count = batch->height * batch->width;
    prune_status status = PRUNE_OK;
    float *memory = NULL;
    uint8_t *labelled = NULL;
    loss_job job = {.batch = batch, .weights = weights};
    PR_GO(lanes_create(ctx, &job.lanes, &memory, count));
    PR_GO(pr_new(ctx, (void **)&labelled, (size_t)batch->batch, 1));
    job.values = pr_calloc(ctx, (size_t)batch->batch * PR_LOSS_COUNT, sizeof(double));
    if (!job.values) PR_GO(PRUNE_E_MEMORY);
    count_images(&job, labelled);
    job.labelled = labelled;
    if (batch->d_output) memset(batch->d_output, 0, (size_t)(batch->batch * count) * sizeof(float));
    pr_parallel(ctx, batch->batch, 1, image_range, &job);
    *total = 0;
    for (int k = 0; k < PR_LOSS_COUNT; k++) {
        double sum = 0, images = job.images[table[k].from_teacher];
        for (int64_t image = 0; image < batch->batch; image++)
            sum += job.values[image * PR_LOSS_COUNT + k];
        values[k] = images > 0 ? sum / images : 0;
        *total += weights[k] * values[k];
    }
done:
    pr_free(ctx, memory);
    pr_free(ctx, job.lanes);
    pr_free(ctx, labelled);
    pr_free(ctx, job.values);
    return status;
}
