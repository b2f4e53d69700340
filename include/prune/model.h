/* Models: load, look at, change, save. */
#ifndef PRUNE_MODEL_H
#define PRUNE_MODEL_H

#include <prune/context.h>
#include <prune/options.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct prune_model prune_model;

/* How to open what a file alone cannot tell. Table: prune_load_option_table(). */
typedef struct prune_load_options {
    uint32_t struct_size;
    int32_t output;        /* 0 auto, 1 relative, 2 metric */
    double max_depth;      /* metres, metric models; 0: config.json, else 80 with a log line */
    const char *taps;      /* "2,5,8,11": tapped blocks, 0-based; NULL: config.json, else V2's */
    int32_t position_rule; /* 0 auto, 1 offset (original), 2 size (Hugging Face) */
    int32_t preprocess;    /* 0 auto, 1 original (OpenCV), 2 hf (Pillow) */
    uint64_t max_bytes;    /* bound on decompressed bytes; 0: 64 times the file's size */
    int32_t heads;         /* attention heads; 0: config.json, else width / 64 */
} prune_load_options;
const prune_option_table *prune_load_option_table(void);
void prune_load_options_init(prune_load_options *options);

/* Opens a packed file (.safetensors.zst), a .safetensors written by this library, a Hugging Face
 * folder (single file or shards with an index) or a weights file in it, a .pth or .safetensors
 * under the release's or Hugging Face's names, in FP32, FP16 or BF16, bare or inside a trainer's
 * wrapping, or an RT-MonoDepth folder. Nothing in a file is ever executed. Errors: PRUNE_E_IO,
 * PRUNE_E_FORMAT (names file and tensor), PRUNE_E_UNSUPPORTED. */
prune_status prune_model_load(prune_model **out, prune_context *context, const char *path,
                              const prune_load_options *options);

/* The same for a file of this library (packed or not) that is already in memory, for example
 * embedded in a program. The memory must outlive the model and its clones. */
prune_status prune_model_load_memory(prune_model **out, prune_context *context, const void *data,
                                     uint64_t bytes, const prune_load_options *options);

/* A network with random weights, to be trained. Table: prune_new_option_table(). */
typedef struct prune_new_options {
    uint32_t struct_size;
    int32_t architecture;              /* 0: depth_anything_v2 */
    int32_t width, blocks, heads;      /* transformer; width is a multiple of heads */
    int32_t hidden;                    /* of the MLPs; 0: 4 times the width, gated 8/3 times */
    const char *taps;                  /* "1,3,5,7"; NULL: quarters of the blocks */
    const char *neck;                  /* channels of the four reassembled maps, "32,48,64,96" */
    int32_t fusion, head;              /* fusion width (even); channels before the output */
    int32_t input_height, input_width; /* multiples of 14; pictures are resized to this */
    int32_t grid_height, grid_width;   /* position table; 0: that of the input */
    double max_depth;                  /* metres; 0: relative inverse depth */
    uint64_t seed;
    const char *license; /* recorded in the model; NULL: none */
    int32_t mlp;         /* 0 gelu, 1 gated (SwiGLU) */
} prune_new_options;
const prune_option_table *prune_new_option_table(void);
void prune_new_options_init(prune_new_options *options);
prune_status prune_model_new(prune_model **out, prune_context *context,
                             const prune_new_options *options);

typedef struct prune_save_options {
    uint32_t struct_size;
    int32_t container; /* 0 by the name (.zst packs), 1 packed, 2 plain safetensors */
    int32_t storage;   /* floats: 0 as they are, 1 fp32, 2 fp16 */
    int32_t level;     /* zstd level, 1 to 22 */
    bool integers; /* false: layers that compute in INT8 or BF16 keep their floats in the file */
} prune_save_options;
const prune_option_table *prune_save_option_table(void);
void prune_save_options_init(prune_save_options *options);

/* Writes to a temporary file next to path and renames it. */
prune_status prune_model_save(const prune_model *model, const char *path,
                              const prune_save_options *options);

prune_status prune_model_clone(prune_model **out, const prune_model *model);
/* A clone that lives in another context, so that two threads can work at once. Tensors are shared
 * all the same: the context of `model` must outlive the clone too. */
prune_status prune_model_clone_to(prune_model **out, prune_context *context,
                                  const prune_model *model);
/* model becomes what `from` is (cheap: tensors are shared until somebody writes). */
prune_status prune_model_assign(prune_model *model, const prune_model *from);
void prune_model_free(prune_model *model); /* accepts NULL */

/* Numbers at one input size; 0 x 0 means the model's own. Bytes are those of the parameters as
 * they would be stored (INT8 nodes at one byte a weight, BF16 nodes at two). */
typedef struct prune_model_info {
    uint32_t struct_size;
    const char *architecture; /* belongs to the model */
    int32_t input_height, input_width;
    int32_t layers; /* nodes with parameters */
    uint64_t parameters;
    uint64_t macs;
    uint64_t bytes;
    int32_t int8_layers; /* nodes with parameters that compute in INT8 */
    int32_t output_kind; /* 0 relative inverse depth, 1 disparity, 2 metric depth */
    double max_depth;
    int32_t bf16_layers;     /* nodes that compute in BF16, attention included */
    int32_t int8_attentions; /* attention nodes with products of integers */
} prune_model_info;
prune_status prune_model_describe(const prune_model *model, int32_t height, int32_t width,
                                  prune_model_info *info);

/* How nodes with matrix products compute that are not INT8 ones: precision 0 as recorded (nothing
 * changes), 1 all in FP32, 2 in BF16: both operands of every product rounded to bfloat16, sums in
 * FP32, the last layers and cheap first ones left in FP32. Needs no pictures; saving stores the
 * weights of BF16 nodes as BF16. prune_session_options.precision does the same to one session
 * alone. */
prune_status prune_model_set_floats(prune_model *model, int32_t precision);

/* Everything `prune inspect` shows, as JSON text; free with prune_text_free. */
prune_status prune_model_inspect(const prune_model *model, int32_t height, int32_t width,
                                 char **json);
void prune_text_free(char *text);

/* Says what a file or folder is and checks all of it: every checksum, bound, name and shape of a
 * model or checkpoint, its graph, that its parameters are finite numbers; every pixel of a picture
 * or depth map. Returns PRUNE_OK when a verdict was reached, good or bad. *json (free it with
 * prune_text_free) is {"file", "ok": bool, "kind": "model of this library" | "checkpoint" |
 * "picture" | "depth map" | "unknown", "problem": text when not ok, "checks": [text],
 * "warnings": [text]}, and as far as it came for models "container", "tensors", "tensor_bytes",
 * "types": {dtype: count}, "model": {"architecture", "variant", "license", "size": [height, width],
 * "output", "max_depth", "parameters", "weighted_layers", "int8_layers", "bf16_layers",
 * "int8_attentions", "history"},
 * for pictures "image": {"format", "width", "height", "channels", "bits", "orientation",
 * "interlaced", "cmyk", "depth": {"known", "smallest", "largest"}}. */
prune_status prune_file_verify(char **json, prune_context *context, const char *path,
                               const prune_load_options *options);

#ifdef __cplusplus
}
#endif
#endif
