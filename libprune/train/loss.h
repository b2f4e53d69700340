/* Losses: how wrong a batch of outputs is, and which way each output should move. */
#ifndef PR_TRAIN_LOSS_H
#define PR_TRAIN_LOSS_H

#include "libprune/graph/graph.h"

/* Fields: the quantity in which prediction and target are compared. */
typedef enum pr_field {
    PR_FIELD_LOG_DEPTH = 0, /* ln(metres); needs a metric or disparity output */
    PR_FIELD_NORMAL = 1,    /* inverse depth minus its median, over its mean absolute deviation:
                               blind to scale and shift */
    PR_FIELD_NATURAL = 2    /* LOG_DEPTH where the output has metres, else NORMAL */
} pr_field;

typedef enum pr_loss_kind {
#define PR_LOSS(symbol, name, field, from_teacher, compute) PR_LOSS_##symbol,
#include "libprune/train/losses.def"
#undef PR_LOSS
    PR_LOSS_COUNT
} pr_loss_kind;

/* One image's difference of fields, residual = prediction - target. */
typedef struct pr_residual {
    int64_t height, width;
    const float *values; /* height * width */
    const uint8_t *mask; /* 1 where the target is known */
    int64_t known;       /* ones in mask, at least 1 */
    float *scratch;      /* height * width floats, free to use */
} pr_residual;

typedef struct pr_loss_info {
    const char *name; /* also the name of the option that weighs it */
    pr_field field;
    bool from_teacher; /* the target is the teacher's output, else ground truth */
    /* The loss of one image; adds weight * d loss / d residual into d_residual. */
    double (*compute)(const pr_residual *residual, float weight, float *d_residual);
} pr_loss_info;
const pr_loss_info *pr_loss_get(pr_loss_kind kind);

/* What an output number means; see pr_meta. */
typedef struct pr_decode {
    int32_t kind; /* pr_output_kind */
    float scale, offset, max_depth;
} pr_decode;
pr_decode pr_decode_of(const pr_meta *meta);
/* Metres of one output value (metric and disparity). */
float pr_decode_depth(const pr_decode *decode, float value);

typedef struct pr_loss_batch {
    int64_t batch, height, width;
    pr_decode decode, teacher_decode;
    const float *output;  /* [batch, height, width] */
    const float *depth;   /* ground truth in metres, 0 where unknown; NULL without any */
    const float *teacher; /* the teacher's output; NULL without one */
    float *d_output;      /* receives the gradient of the weighted sum; NULL: values only */
} pr_loss_batch;

/* values[k]: mean of loss k over the images that have its target (0 when none has; only losses
 * with a weight other than 0 are computed); *total: their weighted sum. The result does not depend
 * on the number of threads. */
prune_status pr_loss_evaluate(prune_context *ctx, const pr_loss_batch *batch,
                              const double weights[PR_LOSS_COUNT], double values[PR_LOSS_COUNT],
                              double *total);

/* The k-th smallest of n values (0-based), which get reordered. */
float pr_select_nth(float *values, int64_t n, int64_t k);

/* The rows' functions, each in its own file. */
double pr_loss_silog(const pr_residual *residual, float weight, float *d_residual);
double pr_loss_l1(const pr_residual *residual, float weight, float *d_residual);
double pr_loss_trimmed_l1(const pr_residual *residual, float weight, float *d_residual);
double pr_loss_gradient(const pr_residual *residual, float weight, float *d_residual);

#endif
