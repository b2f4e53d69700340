#include "libprune/tensor/tensor.h"

#include "libprune/base/size.h"

#include <stdio.h>
#include <string.h>

typedef struct dtype_row {
    const char *name;
    size_t size;
} dtype_row;

static const dtype_row dtypes[PR_DTYPE_COUNT] = {
    [PR_F32] = {"F32", 4},   [PR_F16] = {"F16", 2}, [PR_BF16] = {"BF16", 2}, [PR_I8] = {"I8", 1},
    [PR_U8] = {"U8", 1},     [PR_I32] = {"I32", 4}, [PR_I64] = {"I64", 8},   [PR_F64] = {"F64", 8},
    [PR_BOOL] = {"BOOL", 1}, [PR_I16] = {"I16", 2}, [PR_U16] = {"U16", 2},   [PR_U32] = {"U32", 4},
    [PR_U64] = {"U64", 8},
};

size_t pr_dtype_size(pr_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *pr_dtype_name(pr_dtype dtype)
{
    return dtypes[dtype].name;
}

/* --- shapes ----------------------------------------------------------------------------------*/

pr_shape pr_shape_make(int32_t rank, const int64_t *dim)
{
    pr_shape shape = {0};
    shape.rank = rank < PR_MAX_RANK ? rank : PR_MAX_RANK;
    for (int32_t i = 0; i < shape.rank; i++) shape.dim[i] = dim[i];
    return shape;
}

pr_shape pr_shape1(int64_t a)
{
    return pr_shape_make(1, (int64_t[]){a});
}

pr_shape pr_shape2(int64_t a, int64_t b)
{
    return pr_shape_make(2, (int64_t[]){a, b});
}

pr_shape pr_shape3(int64_t a, int64_t b, int64_t c)
{
    return pr_shape_make(3, (int64_t[]){a, b, c});
}

pr_shape pr_shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return pr_shape_make(4, (int64_t[]){a, b, c, d});
}

bool pr_shape_equal(const pr_shape *a, const pr_shape *b)
{
    if (a->rank != b->rank) return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

int64_t pr_shape_count(const pr_shape *shape)
{
    int64_t count = 1;
    for (int32_t i = 0; i < shape->rank; i++) count *= shape->dim[i];
    return count;
}

int64_t pr_shape_last(const pr_shape *shape)
{
    return shape->rank ? shape->dim[shape->rank - 1] : 1;
}

const char *pr_shape_text(const pr_shape *shape, char *buffer, size_t size)
{
    if (size == 0) return buffer;
    (void)snprintf(buffer, size, "%s", shape->rank ? "" : "scalar");
    size_t used = strlen(buffer);
    for (int32_t i = 0; i < shape->rank && used < size; i++) {
        int written =
            snprintf(buffer + used, size - used, "%s%lld", i ? "x" : "", (long long)shape->dim[i]);
        used += written > 0 ? (size_t)written : 0;
    }
    return buffer;
}

/* --- memory ----------------------------------------------------------------------------------*/

static prune_status checked_bytes(size_t *out, pr_dtype dtype, const pr_shape *shape)
{
    uint64_t bytes = pr_dtype_size(dtype);
    char text[160];
    for (int32_t i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0)
            return pr_fail(PRUNE_E_SHAPE, "tensor of %s: a dimension is negative",
                           pr_shape_text(shape, text, sizeof text));
    }
    for (int32_t i = 0; i < shape->rank; i++) {
        if (!pr_mul_u64(&bytes, bytes, (uint64_t)shape->dim[i]) || bytes > PTRDIFF_MAX)
            return pr_fail(PRUNE_E_MEMORY, "tensor of %s: larger than the address space",
                           pr_shape_text(shape, text, sizeof text));
    }
    *out = (size_t)bytes;
    return PRUNE_OK;
}

prune_status pr_tensor_create(pr_tensor *out, prune_context *ctx, pr_dtype dtype,
                              const pr_shape *shape)
{
    size_t bytes = 0;
    PR_TRY(checked_bytes(&bytes, dtype, shape));
    pr_buffer *buffer = pr_calloc(ctx, 1, sizeof *buffer);
    if (!buffer) return PRUNE_E_MEMORY;
    buffer->data = pr_alloc(ctx, bytes);
    if (!buffer->data) {
        pr_free(ctx, buffer);
        return PRUNE_E_MEMORY;
    }
    buffer->ctx = ctx;
    buffer->references = 1;
    *out = (pr_tensor){dtype, *shape, buffer->data, buffer};
    return PRUNE_OK;
}

prune_status pr_tensor_zeros(pr_tensor *out, prune_context *ctx, pr_dtype dtype,
                             const pr_shape *shape)
{
    PR_TRY(pr_tensor_create(out, ctx, dtype, shape));
    memset(out->data, 0, pr_tensor_bytes(out));
    return PRUNE_OK;
}

pr_tensor pr_tensor_share(const pr_tensor *tensor)
{
    if (tensor->buffer) (void)__atomic_add_fetch(&tensor->buffer->references, 1, __ATOMIC_RELAXED);
    return *tensor;
}

void pr_tensor_release(pr_tensor *tensor)
{
    pr_buffer *buffer = tensor->buffer;
    /* Acquire and release: what other owners wrote is seen before the memory goes back. */
    if (buffer && __atomic_sub_fetch(&buffer->references, 1, __ATOMIC_ACQ_REL) == 0) {
        if (buffer->release) {
            buffer->release(buffer->owner);
        } else {
            pr_free(buffer->ctx, buffer->data);
        }
        pr_free(buffer->ctx, buffer);
    }
    memset(tensor, 0, sizeof *tensor);
}

prune_status pr_tensor_copy(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor)
{
    pr_tensor copy;
    PR_TRY(pr_tensor_create(&copy, ctx, tensor->dtype, &tensor->shape));
    size_t bytes = pr_tensor_bytes(tensor);
    if (bytes) memcpy(copy.data, tensor->data, bytes);
    *out = copy;
    return PRUNE_OK;
}

prune_status pr_tensor_own(pr_tensor *tensor, prune_context *ctx)
{
    const pr_buffer *buffer = tensor->buffer;
    /* Memory with a release callback is a mapped file: read-only, so never written in place. */
    if (buffer && !buffer->release && __atomic_load_n(&buffer->references, __ATOMIC_ACQUIRE) == 1)
        return PRUNE_OK;
    pr_tensor copy;
    PR_TRY(pr_tensor_copy(&copy, ctx, tensor));
    pr_tensor_release(tensor);
    *tensor = copy;
    return PRUNE_OK;
}

size_t pr_tensor_bytes(const pr_tensor *tensor)
{
    return (size_t)pr_tensor_count(tensor) * pr_dtype_size(tensor->dtype);
}

int64_t pr_tensor_count(const pr_tensor *tensor)
{
    return pr_shape_count(&tensor->shape);
}

/* --- selection -------------------------------------------------------------------------------*/

prune_status pr_tensor_select(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor,
                              int32_t axis, const int32_t *kept, int64_t n_kept)
{
    if (axis < 0 || axis >= tensor->shape.rank)
        return pr_fail(PRUNE_E_SHAPE, "select: a tensor of rank %d has no axis %d",
                       tensor->shape.rank, axis);
    int64_t length = tensor->shape.dim[axis];
    for (int64_t i = 0; i < n_kept; i++) {
        if (kept[i] < 0 || kept[i] >= length || (i && kept[i] <= kept[i - 1]))
            return pr_fail(PRUNE_E_SHAPE, "select: index %d is not ascending within 0 to %lld",
                           kept[i], (long long)length - 1);
    }
    pr_shape shape = tensor->shape;
    shape.dim[axis] = n_kept;
    pr_tensor selected;
    PR_TRY(pr_tensor_create(&selected, ctx, tensor->dtype, &shape));
    int64_t outer = 1;
    size_t inner = pr_dtype_size(tensor->dtype);
    for (int32_t i = 0; i < axis; i++) outer *= shape.dim[i];
    for (int32_t i = axis + 1; i < shape.rank; i++) inner *= (size_t)shape.dim[i];
    const char *from = tensor->data;
    char *to = selected.data;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < n_kept; i++) {
            memcpy(to, from + (size_t)kept[i] * inner, inner);
            to += inner;
        }
        from += (size_t)length * inner;
    }
    *out = selected;
    return PRUNE_OK;
}
