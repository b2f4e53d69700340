/* Sessions: a model compiled for one input size and this machine. */
#ifndef PRUNE_SESSION_H
#define PRUNE_SESSION_H

#include <prune/image.h>
#include <prune/model.h>
#include <prune/prediction.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct prune_session prune_session;

typedef struct prune_session_options {
    uint32_t struct_size;
    int32_t height, width; /* network input; 0: the model's own rule, per image */
    int32_t batch;         /* images per run of prune_session_run, default 1 */
    bool profile;          /* keep the time of every step */
    int32_t precision;     /* of what is not INT8: 0 as recorded, 1 FP32, 2 BF16 */
} prune_session_options;
/* The rows that a command line has use for. */
const prune_option_table *prune_session_option_table(void);
void prune_session_options_init(prune_session_options *options);

/* Packs weights and plans memory; the model may be freed or changed afterwards. */
prune_status prune_session_create(prune_session **out, const prune_model *model,
                                  const prune_session_options *options);
void prune_session_free(prune_session *session);

/* Depth map of one picture at the picture's own size, in the model's own units. `values` holds
 * pixels->height * pixels->width floats. Plans for a network input size when it is new; the four
 * sizes used last are kept, in one arena. */
prune_status prune_session_predict(prune_session *session, const prune_pixels *pixels,
                                   float *values);
/* The same at the network's output resolution: see prune_session_network_size. */
prune_status prune_session_predict_network(prune_session *session, const prune_pixels *pixels,
                                           float *values);
/* Network input size (= output size) for a picture of this size. */
prune_status prune_session_network_size(prune_session *session, int32_t image_height,
                                        int32_t image_width, int32_t *height, int32_t *width);
/* What the network is given for a picture: resized and normalised, [height, width, 3] of
 * prune_session_network_size. */
prune_status prune_session_prepare(prune_session *session, const prune_pixels *pixels,
                                   float *input);
/* Runs on a prepared tensor [batch, height, width, 3]; output [batch, height, width]. */
prune_status prune_session_run(prune_session *session, const float *input, int32_t height,
                               int32_t width, float *output);
/* Describes the output for metrics: kind, disparity decoding; values and size are left alone. */
void prune_session_describe(const prune_session *session, prune_prediction *prediction);

typedef struct prune_session_step {
    uint32_t struct_size;
    const char *name;   /* node names joined by '+' */
    const char *kernel; /* "igemm", "bgemm" (BF16), "sgemm" (FP32), "attention",
                           "iattention" (INT8), ... */
    double seconds;     /* of the latest run; profile only */
    uint64_t macs;
    bool integer; /* the MACs are INT8 ones */
    /* Bytes of one run, each counted once: weights, values read, values written. Copies that a
     * kernel makes for itself are not counted. */
    uint64_t weight_bytes, read_bytes, write_bytes;
    /* Of `macs`, how many multiply INT8 and BF16 numbers; the rest are FP32. */
    uint64_t int8_macs, bf16_macs;
} prune_session_step;
int32_t prune_session_steps(const prune_session *session);
/* Fill struct_size first. */
prune_status prune_session_step_info(const prune_session *session, int32_t index,
                                     prune_session_step *step);
/* Arena (of the largest plan that is kept or was) plus packed weights, bytes. */
uint64_t prune_session_memory(const prune_session *session);

#ifdef __cplusplus
}
#endif
#endif
