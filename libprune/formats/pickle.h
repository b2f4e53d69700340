/* A restricted pickle reader: it builds inert data and never calls, imports or creates anything
 * (docs/format.md, 5). Unknown classes become opaque objects that swallow what is done to them. */
#ifndef PR_FORMATS_PICKLE_H
#define PR_FORMATS_PICKLE_H

#include "libprune/tensor/tensor.h"

typedef enum pr_pickle_kind {
    PR_PICKLE_NONE,
    PR_PICKLE_BOOL,
    PR_PICKLE_INT,
    PR_PICKLE_FLOAT,
    PR_PICKLE_TEXT,
    PR_PICKLE_TUPLE,
    PR_PICKLE_LIST,
    PR_PICKLE_DICT,   /* items: key, value, key, value ... */
    PR_PICKLE_GLOBAL, /* a class or function by name */
    PR_PICKLE_STORAGE,
    PR_PICKLE_TENSOR,
    PR_PICKLE_OPAQUE
} pr_pickle_kind;

/* Bytes inside the pickle. */
typedef struct pr_text {
    const char *data;
    size_t length;
} pr_text;
bool pr_text_is(pr_text text, const char *word);

typedef struct pr_pickle_object {
    pr_pickle_kind kind;
    union {
        int64_t integer; /* BOOL, INT */
        double real;
        pr_text text; /* TEXT; OPAQUE: class name */
        struct {
            size_t first; /* into pr_pickle.links */
            uint32_t count, capacity;
        } items;
        struct {
            pr_text module, name;
        } global;
        struct {
            pr_text key;
            int64_t count; /* elements */
            uint32_t type; /* GLOBAL object: FloatStorage ... */
            uint32_t view; /* TUPLE of a legacy view, or 0 */
        } storage;
        struct {
            uint32_t storage, size, stride; /* objects */
            uint32_t dtype;                 /* GLOBAL object, or 0: the storage's */
            int64_t offset;                 /* elements */
        } tensor;
    };
} pr_pickle_object;

typedef struct pr_pickle {
    prune_context *ctx;
    pr_pickle_object *objects; /* object 0 is None */
    size_t count, capacity;
    uint32_t *links; /* items of tuples, lists and dicts */
    size_t n_links, link_capacity;
    uint32_t root;
    size_t consumed; /* bytes, up to and with STOP */
} pr_pickle;

/* Reads one pickle from the front of data. */
prune_status pr_pickle_read(pr_pickle *out, prune_context *ctx, const uint8_t *data, uint64_t size);
void pr_pickle_free(pr_pickle *pickle);

const pr_pickle_object *pr_pickle_at(const pr_pickle *pickle, uint32_t object);
/* Item of a tuple, list or dict. index < items.count. */
uint32_t pr_pickle_item(const pr_pickle *pickle, const pr_pickle_object *object, uint32_t index);

#endif
