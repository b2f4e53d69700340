/* INT8, with layers kept in floats where a scan shows that it is needed; or BF16. */
#ifndef PRUNE_QUANT_H
#define PRUNE_QUANT_H

#include <prune/model.h>
#include <prune/samples.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Table: prune_quant_option_table(). */
typedef struct prune_quant_options {
    uint32_t struct_size;
    int32_t scheme;         /* 0 auto (linear: per token, else per channel), 1 tensor, 2 channel,
                               3 token (linear layers; convolutions per channel) */
    int32_t observer;       /* 0 min-max, 1 percentile, 2 mse */
    double percentile;      /* observer percentile: of the values that the range covers */
    double margin;          /* share by which ranges are wider than what was seen */
    bool zero_point;        /* ranges need not be symmetric */
    int32_t rounding;       /* 0 auto (compensated where scales are static), 1 nearest,
                               2 compensated */
    int32_t rounding_views; /* images that compensated rounding looks at */
    int32_t views;          /* calibration pictures: the images, then augmented views of them */
    bool default_float; /* the last convolution, and what reads the picture cheaply, stay FP32 */
    const char *keep_float; /* "conv1,decoder.*": further layers that stay FP32 */
    bool scan;              /* measure every layer alone and keep the worst in FP32 if needed */
    int32_t group;          /* what the scan quantizes at a time: 0 layer, 1 layers of one input */
    int32_t scan_images;    /* pictures that the scan measures on */
    double max_drop;        /* worsening allowed: of the metric, else mean error of the log depth */
    int32_t max_float;      /* layers that the scan may keep in FP32 */
    int32_t storage;        /* floats that remain: 0 as they are, 1 fp16 */
    uint64_t seed;          /* of the augmented views */
    /* Both or none: who decides. NULL: the original model's own output on images held back. They
     * belong to the caller. */
    prune_samples *judge;
    prune_metric *metric;
    int32_t precision; /* 0 int8; 1 bf16: all products but those that default_float keeps round
                          their operands to bfloat16. No images, no ranges, no judge */
    int32_t floats;    /* int8: attention and layers that stay floating point: 0 auto (BF16 where
                          the judge does not object), 1 fp32, 2 bf16 */
    int32_t attention; /* its products: 0 auto (INT8 where the scan accepts it), 1 FP32, 2 INT8 */
} prune_quant_options;
const prune_option_table *prune_quant_option_table(void);
void prune_quant_options_init(prune_quant_options *options);

/* Decides for every layer how it computes and calibrates ranges on `images` (precision bf16: may be
 * NULL). The weights stay
 * floats (saving bakes the integers), so the model can still be tuned; compensated rounding moves
 * them and the biases a little. The ranking goes into the
 * model's history and the log. Unchanged when this fails. */
prune_status prune_model_quantize(prune_model *model, prune_samples *images,
                                  const prune_quant_options *options);

/* The latest quantization's record as JSON text, layers ranked worst first: free with
 * prune_text_free. Fails when the model was never quantized. */
prune_status prune_quant_report(const prune_model *model, char **json);

#ifdef __cplusplus
}
#endif
#endif
