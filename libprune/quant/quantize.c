/* The stage: fold, choose, calibrate, scan, fall back, record. */
#include "libprune/base/options.h"
#include "libprune/passes/folds.h"
#include "libprune/passes/integer.h"
#include "libprune/quant/assign.h"
#include "libprune/quant/floats.h"
#include "libprune/quant/report.h"
#include "libprune/quant/scan.h"

#include <string.h>

#define FIELD(member) offsetof(prune_quant_options, member)
static const prune_option options_of_quant[] = {
    {"scheme", PRUNE_OPTION_CHOICE, FIELD(scheme), "auto", 0, 0, "auto|tensor|channel|token",
     "scales of activations; auto: linear layers per token, convolutions per channel"},
    {"observer", PRUNE_OPTION_CHOICE, FIELD(observer), "min-max", 0, 0, "min-max|percentile|mse",
     "how a range follows from the values seen; clipping hurts depth more than rounding"},
    {"percentile", PRUNE_OPTION_FLOAT, FIELD(percentile), "99.99", 50, 100, NULL,
     "observer percentile: share of the values that the range covers, %"},
    {"margin", PRUNE_OPTION_FLOAT, FIELD(margin), "0.25", 0, 10, NULL,
     "share by which ranges are wider than what was seen: other pictures may go further"},
    {"zero-point", PRUNE_OPTION_BOOL, FIELD(zero_point), "true", 0, 0, NULL,
     "let ranges be asymmetric"},
    {"rounding", PRUNE_OPTION_CHOICE, FIELD(rounding), "auto", 0, 0, "auto|nearest|compensated",
     "of weights; compensated: each error is made up for by later weights, and the weights absorb "
     "what quantizing the input does (auto: where scales are static)"},
    {"rounding-views", PRUNE_OPTION_INT, FIELD(rounding_views), "40", 1, 100000, NULL,
     "images that compensated rounding looks at; few are looked at more closely"},
    {"views", PRUNE_OPTION_INT, FIELD(views), "60", 1, 100000, NULL,
     "pictures to calibrate on: the images, then augmented views of them"},
    {"default-float", PRUNE_OPTION_BOOL, FIELD(default_float), "true", 0, 0, NULL,
     "keep the last convolution in floats, and the layer that reads the picture where it takes at "
     "most a twentieth of the multiply-adds"},
    {"keep-float", PRUNE_OPTION_TEXT, FIELD(keep_float), NULL, 0, 0, NULL,
     "layers that stay FP32, as in \"decoder.0.*,blocks.3.mlp.fc2\""},
    {"attention", PRUNE_OPTION_CHOICE, FIELD(attention), "auto", 0, 0, "auto|fp32|int8",
     "products of q with k and with v; auto: in INT8 where the scan accepts it, in FP32 without "
     "one"},
    {"scan", PRUNE_OPTION_BOOL, FIELD(scan), "true", 0, 0, NULL,
     "measure every layer alone and keep the worst in FP32 while the drop is too large"},
    {"group", PRUNE_OPTION_CHOICE, FIELD(group), "layer", 0, 0, "layer|input",
     "what the scan quantizes at a time: a layer, or the layers that read one value"},
    {"scan-images", PRUNE_OPTION_INT, FIELD(scan_images), "8", 1, 10000, NULL,
     "pictures that the scan measures on, and that are held back when no metric judges"},
    {"max-drop", PRUNE_OPTION_FLOAT, FIELD(max_drop), "0.01", 0, 1e6, NULL,
     "worsening allowed: of the metric, else mean error of the log depth"},
    {"max-float", PRUNE_OPTION_INT, FIELD(max_float), "3", 0, 100000, NULL,
     "layers that the scan may keep in FP32"},
    {"precision", PRUNE_OPTION_CHOICE, FIELD(precision), "int8", 0, 0, "int8|bf16",
     "bf16: products of operands rounded to bfloat16, sums in FP32; needs no pictures, only "
     "default-float, keep-float and storage count"},
    {"floats", PRUNE_OPTION_CHOICE, FIELD(floats), "auto", 0, 0, "auto|fp32|bf16",
     "attention and layers that are not INT8; auto: BF16 unless the judge objects"},
    {"storage", PRUNE_OPTION_CHOICE, FIELD(storage), "same", 0, 0, "same|fp16",
     "weights that stay floating point: as they are, or half precision"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "1", 0, 1.8446744073709552e19, NULL,
     "of the augmented views"},
};
#undef FIELD

const prune_option_table *prune_quant_option_table(void)
{
    static const prune_option_table table = {"quantize", sizeof(prune_quant_options),
                                             options_of_quant,
                                             sizeof options_of_quant / sizeof *options_of_quant};
    return &table;
}

void prune_quant_options_init(prune_quant_options *options)
{
    prune_options_init(prune_quant_option_table(), options);
}

typedef struct stage {
    prune_context *ctx;
    prune_quant_options options;
    const prune_model *original;
    prune_model *work; /* becomes the model when all went well */
    prune_samples *images;
    prune_samples *tune, *held; /* parts of images when the original judges; else NULL */
    bool *candidate;
    pr_watch *watch;
    pr_calibration calibration;
    pr_quant_judge judge;
    pr_rounding rounding;
    pr_scan scan;
    pr_quant_summary summary;
} stage;

static prune_status open_stage(stage *s)
{
    const size_t n = (size_t)s->original->n_nodes + 1;
    PR_TRY(pr_model_clone(&s->work, s->original));
    PR_TRY(pr_fold_scales(s->work, &s->summary.folded));
    PR_TRY(pr_new(s->ctx, (void **)&s->candidate, n, sizeof *s->candidate));
    PR_TRY(pr_new(s->ctx, (void **)&s->watch, n, sizeof *s->watch));
    PR_TRY(pr_assign_candidates(s->work, &s->options, s->candidate));
    for (int32_t i = 0; i < s->work->n_nodes; i++) /* what an earlier quantization decided */
        s->work->nodes[i].precision.compute = PR_COMPUTE_F32;
    pr_assign_watch(s->work, s->candidate, (pr_scheme)s->options.scheme, s->watch);
    return pr_calibration_create(&s->calibration, s->work, s->watch,
                                 (pr_observer_kind)s->options.observer);
}

static void close_stage(stage *s)
{
    pr_scan_free(&s->scan);
    pr_rounding_free(&s->rounding);
    pr_quant_judge_free(&s->judge);
    pr_calibration_free(&s->calibration);
    prune_samples_free(s->tune);
    prune_samples_free(s->held);
    pr_free(s->ctx, s->candidate);
    pr_free(s->ctx, s->watch);
    pr_model_free(s->work);
}

/* Every k-th image is held back from calibration, so that the judge has not seen what it judges
 * on: as many as the scan wants, but at most a third. */
static prune_status hold_back(stage *s)
{
    const uint64_t count = prune_samples_count(s->images);
    uint64_t held = (uint64_t)s->options.scan_images, *indices = NULL, n[2] = {0, 0};
    prune_status status = PRUNE_OK;
    if (held > count / 3) held = count / 3;
    if (held == 0)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "quantize: %llu images are too few to hold one back; give at least 3, or a "
                       "judge with a metric, or set scan to false",
                       (unsigned long long)count);
    PR_TRY(pr_new(s->ctx, (void **)&indices, (size_t)count, 2 * sizeof *indices));
    for (uint64_t i = 0; i < count; i++) {
        const int part = n[1] < held && i == (2 * n[1] + 1) * count / (2 * held);
        indices[(part ? count : 0) + n[part]++] = i;
    }
    PR_GO(prune_samples_subset(&s->tune, s->images, indices, n[0]));
    PR_GO(prune_samples_subset(&s->held, s->images, indices + count, n[1]));
done:
    pr_free(s->ctx, indices);
    return status;
}

/* Compensated rounding moves the bias, so that a layer without one gets zeros. */
static prune_status round_weights(stage *s, prune_samples *samples)
{
    bool *wanted = NULL;
    prune_status status = PRUNE_OK;
    if (s->options.rounding == 1) return PRUNE_OK;
    PR_TRY(pr_new(s->ctx, (void **)&wanted, (size_t)s->work->n_nodes + 1, sizeof *wanted));
    for (int32_t i = 0; i < s->work->n_nodes; i++) {
        const pr_node *node = &s->work->nodes[i];
        wanted[i] = s->candidate[i] && pr_integer_possible(s->work, i) &&
                    (s->options.rounding == 2 || node->precision.input != PR_INPUT_TOKEN);
        if (!wanted[i] || node->params[PR_SLOT_BIAS] != PR_NONE) continue;
        const pr_tensor *weight = pr_node_param(s->work, node, PR_SLOT_WEIGHT);
        const pr_shape outputs =
            pr_shape1(weight->shape.dim[node->op == PR_OP_CONV_TRANSPOSE ? 2 : 0]);
        pr_tensor bias;
        PR_GO(pr_tensor_zeros(&bias, s->ctx, PR_F32, &outputs));
        PR_GO(pr_model_add_param(s->work, i, PR_SLOT_BIAS, bias));
    }
    PR_GO(pr_rounding_create(&s->rounding, s->work, wanted, samples, s->options.rounding_views,
                             s->options.seed));
    s->scan.rounding = &s->rounding;
done:
    pr_free(s->ctx, wanted);
    return status;
}

static prune_status calibrate(stage *s, prune_samples *samples)
{
    PR_TRY(pr_calibration_run(&s->calibration, samples, s->options.views, s->options.seed));
    PR_TRY(pr_assign_records(s->work, s->candidate, &s->calibration, &s->options));
    return round_weights(s, samples);
}

/* Records of layers that stay floating point go, so that the model says only what it does. */
static void clean_records(prune_model *model)
{
    for (int32_t i = 0; i < model->n_nodes; i++) {
        pr_precision *p = &model->nodes[i].precision;
        const pr_tensor *weight = pr_node_param(model, &model->nodes[i], PR_SLOT_WEIGHT);
        if (p->compute == PR_COMPUTE_I8 || (weight && weight->dtype == PR_I8)) continue;
        p->input = PR_INPUT_NONE;
        pr_tensor_release(&p->input_scale);
        pr_tensor_release(&p->input_zero);
        pr_tensor_release(&p->weight_scale);
    }
}

/* Without a scan: everything that can be is INT8. */
static prune_status take_all(stage *s)
{
    PR_TRY(calibrate(s, s->images));
    for (int32_t u = 0; u < s->scan.count; u++) pr_scan_set(&s->scan, s->work, u, true);
    clean_records(s->work);
    return pr_quant_choose_floats(s->work, &s->options, NULL, NULL);
}

static prune_status scan_and_choose(stage *s)
{
    const uint64_t images = (uint64_t)s->options.scan_images;
    prune_metric *metric = s->options.metric;
    if (!metric) PR_TRY(hold_back(s));
    prune_samples *tune = s->tune ? s->tune : s->images;
    prune_samples *judges = metric ? s->options.judge : s->held;
    PR_TRY(calibrate(s, tune));
    PR_TRY(pr_quant_judge_create(&s->judge, s->original, judges, metric ? UINT64_MAX : images,
                                 metric));
    PR_TRY(pr_scan_run(&s->scan, s->work, &s->judge, images));
    PR_TRY(pr_scan_fall_back(&s->scan, s->work, &s->judge, s->options.max_drop,
                             s->options.max_float, &s->summary.drop));
    clean_records(s->work);
    PR_TRY(pr_quant_choose_floats(s->work, &s->options, &s->judge, &s->summary.drop));
    s->summary.judged = true;
    s->summary.metric = metric ? metric->name : NULL;
    s->summary.baseline = s->judge.baseline;
    s->summary.pictures = s->judge.count;
    return PRUNE_OK;
}

/* Half precision for what stays floating point. Vectors (biases, norms) are small: they stay. */
static prune_status store_halves(prune_model *model)
{
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++) {
            if (node->params[slot] == PR_NONE) continue;
            pr_tensor *tensor = &model->params[node->params[slot]].tensor, half;
            /* Saving stores those of INT8 and BF16 nodes as they compute. */
            if (node->precision.compute != PR_COMPUTE_F32 || tensor->dtype != PR_F32 ||
                tensor->shape.rank < 2)
                continue;
            PR_TRY(pr_tensor_convert(&half, model->ctx, tensor, PR_F16));
            pr_tensor_release(tensor);
            *tensor = half;
        }
    }
    return PRUNE_OK;
}

static prune_status check_arguments(const prune_model *model, prune_samples *images,
                                    const prune_quant_options *options)
{
    if (!model) return pr_fail(PRUNE_E_ARGUMENT, "quantize: a model is needed");
    if (options->precision == PR_QUANT_BF16) return PRUNE_OK;
    if (!images)
        return pr_fail(PRUNE_E_ARGUMENT, "quantize: images are needed to calibrate on; only "
                                         "precision bf16 does without");
    if (prune_samples_count(images) == 0)
        return pr_fail(PRUNE_E_ARGUMENT, "quantize: there are no images to calibrate on");
    if (!options->metric != !options->judge)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "quantize: judge and metric belong together; give both or neither");
    return PRUNE_OK;
}

static prune_status record_and_replace(stage *s, prune_model *model)
{
    if (s->options.storage == 1) PR_TRY(store_halves(s->work));
    PR_TRY(pr_quant_record(s->work, &s->options, &s->scan, &s->summary));
    pr_model_replace(model, s->work);
    s->work = NULL;
    return PRUNE_OK;
}

static prune_status to_bf16(stage *s, prune_model *model)
{
    PR_TRY(pr_model_clone(&s->work, model));
    PR_TRY(pr_quant_to_bf16(s->work, &s->options));
    return record_and_replace(s, model);
}

prune_status prune_model_quantize(prune_model *model, prune_samples *images,
                                  const prune_quant_options *options)
{
    stage s = {.original = model, .images = images};
    prune_status status = PRUNE_OK;
    PR_TRY(pr_options_take(prune_quant_option_table(), &s.options, options));
    PR_TRY(check_arguments(model, images, &s.options));
    s.ctx = model->ctx;
    if (s.options.precision == PR_QUANT_BF16) {
        status = to_bf16(&s, model);
        goto done;
    }
    PR_GO(open_stage(&s));
    PR_GO(pr_scan_create(&s.scan, s.work, s.candidate, s.options.group == 1));
    if (s.scan.count == 0)
        PR_GO(pr_fail(PRUNE_E_ARGUMENT, "quantize: no layer is left that could compute in INT8; "
                                        "see keep-float and default-float"));
    if (s.options.scan) {
        PR_GO(scan_and_choose(&s));
    } else {
        PR_GO(take_all(&s));
    }
    s.summary.views = s.calibration.views;
    PR_GO(record_and_replace(&s, model));
done:
    close_stage(&s);
    return status;
}
