/* Parameters and structure of a model, for other frameworks: what leaves it and comes back. */
#ifndef PRUNE_PARAMETERS_H
#define PRUNE_PARAMETERS_H

#include <prune/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The structure as JSON text: nodes with operators, inputs and attributes, preprocessing, output
 * kind, history (docs/format.md, section 4). Free with prune_text_free. */
prune_status prune_model_graph(const prune_model *model, char **json);

typedef struct prune_parameter {
    uint32_t struct_size;
    const char *name;          /* "<node>.<slot>", belongs to the model until it changes */
    const char *operator_name; /* of its node: "conv" */
    const char *slot;          /* "weight", "bias", ... */
    int32_t node;              /* index into the graph's nodes */
    int32_t rank;              /* axes, at most 8 */
    int64_t shape[8]; /* channels last: conv O,kh,kw,I; linear O,I; conv_transpose kh,kw,O,I */
    uint64_t count;   /* values */
    bool integers;    /* the node computes in INT8 and its weights were baked: see below */
} prune_parameter;

int32_t prune_model_parameters(const prune_model *model);
/* Index of a parameter by name, or an error that names it. */
prune_status prune_model_parameter_find(const prune_model *model, const char *name, int32_t *index);
prune_status prune_model_parameter_info(const prune_model *model, int32_t index,
                                        prune_parameter *parameter);
/* Copies the values as FP32, whatever they are stored as; baked integers come as the floats that
 * they stand for. `count` must be that of the parameter. Error: PRUNE_E_SHAPE. */
prune_status prune_model_parameter_read(const prune_model *model, int32_t index, float *values,
                                        uint64_t count);

/* New values for some parameters. */
typedef struct prune_parameter_values {
    int32_t index;
    const float *values; /* in the parameter's own layout */
    uint64_t count;
} prune_parameter_values;
/* Replaces values, all or none, and records it in the model's history. A node whose integers were
 * baked gets floats again and keeps its precision record. Values must be finite. */
prune_status prune_model_parameters_write(prune_model *model,
                                          const prune_parameter_values *parameters, int32_t count);

#ifdef __cplusplus
}
#endif
#endif
