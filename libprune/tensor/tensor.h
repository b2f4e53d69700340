/* Tensors: a shape, a dtype, and a counted reference to memory. Row-major, contiguous.
 * Feature maps are N x H x W x C, token sequences N x T x C: channels are always last. */
#ifndef PR_TENSOR_H
#define PR_TENSOR_H

#include "libprune/base/context.h"

typedef enum pr_dtype {
    PR_F32 = 0,
    PR_F16 = 1,
    PR_BF16 = 2,
    PR_I8 = 3,
    PR_U8 = 4,
    PR_I32 = 5,
    PR_I64 = 6,
    PR_F64 = 7,
    PR_BOOL = 8,
    PR_I16 = 9,
    PR_U16 = 10,
    PR_U32 = 11,
    PR_U64 = 12,
    PR_DTYPE_COUNT
} pr_dtype;

enum { PR_MAX_RANK = 8 };

typedef struct pr_shape {
    int32_t rank;
    int64_t dim[PR_MAX_RANK];
} pr_shape;

/* Memory shared by tensors. The last reference frees it. */
typedef struct pr_buffer {
    prune_context *ctx;
    void *data;
    int64_t references;           /* changed atomically */
    void (*release)(void *owner); /* NULL: data came from pr_alloc */
    void *owner;                  /* argument of release, for mapped files */
} pr_buffer;

typedef struct pr_tensor {
    pr_dtype dtype;
    pr_shape shape;
    void *data;        /* points into buffer */
    pr_buffer *buffer; /* NULL: borrowed memory, the owner outlives the tensor */
} pr_tensor;

size_t pr_dtype_size(pr_dtype dtype);
const char *pr_dtype_name(pr_dtype dtype); /* as in safetensors: "F32", "I8" */

pr_shape pr_shape_make(int32_t rank, const int64_t *dim);
pr_shape pr_shape1(int64_t a);
pr_shape pr_shape2(int64_t a, int64_t b);
pr_shape pr_shape3(int64_t a, int64_t b, int64_t c);
pr_shape pr_shape4(int64_t a, int64_t b, int64_t c, int64_t d);
bool pr_shape_equal(const pr_shape *a, const pr_shape *b);
/* Product of the dimensions. Shapes inside the library are already checked for overflow. */
int64_t pr_shape_count(const pr_shape *shape);
int64_t pr_shape_last(const pr_shape *shape); /* channels */
/* "2x3x4" into buffer; returns buffer. */
const char *pr_shape_text(const pr_shape *shape, char *buffer, size_t size);

/* Uninitialised memory. Fails on negative dimensions and on overflow. */
prune_status pr_tensor_create(pr_tensor *out, prune_context *ctx, pr_dtype dtype,
                              const pr_shape *shape);
prune_status pr_tensor_zeros(pr_tensor *out, prune_context *ctx, pr_dtype dtype,
                             const pr_shape *shape);
/* A second reference to the same memory. */
pr_tensor pr_tensor_share(const pr_tensor *tensor);
/* Drops the reference and clears the struct. */
void pr_tensor_release(pr_tensor *tensor);
/* Own memory with the same content. */
prune_status pr_tensor_copy(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor);
/* Makes sure nobody else sees changes: copies when the memory is shared or borrowed. */
prune_status pr_tensor_own(pr_tensor *tensor, prune_context *ctx);
/* Conversion between F32, F16, BF16 and F64 (round to nearest even), and from integers to F32. */
prune_status pr_tensor_convert(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor,
                               pr_dtype dtype);
/* `count` F16 or BF16 numbers as floats, into memory that does not overlap them. */
void pr_widen(prune_context *ctx, pr_dtype from, const uint16_t *source, float *target,
              int64_t count);
size_t pr_tensor_bytes(const pr_tensor *tensor);
int64_t pr_tensor_count(const pr_tensor *tensor);
static inline float *pr_f32(const pr_tensor *tensor)
{
    return (float *)tensor->data;
}

/* out = tensor with only `kept` indices (ascending) along `axis`. */
prune_status pr_tensor_select(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor,
                              int32_t axis, const int32_t *kept, int64_t n_kept);

float pr_f16_to_f32(uint16_t bits);
uint16_t pr_f32_to_f16(float value); /* round to nearest even */
float pr_bf16_to_f32(uint16_t bits);
uint16_t pr_f32_to_bf16(float value);

#endif
