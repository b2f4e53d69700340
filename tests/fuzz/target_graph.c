/* The graph of a model file. The input is its JSON with one key more, "tensors", that says which
 * tensors the file would hold: {"head.weight": [1, 3, 3, 3], "head.weight_scale": ["I8", 1]}. A
 * graph that passes every check must also run: "whatever passes here runs without further checks".
 */
#include "libprune/interpreter/interpreter.h"
#include "libprune/models/models.h"
#include "libprune/passes/shapes.h"
#include "tests/fuzz/fuzz.h"

#include <prune/session.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ELEMENTS = 20000, MAX_TEXT = 1 << 16 };
#define MAX_MACS 2000000

/* Running costs what the shapes say, at most MAX_ELEMENTS each; the rest follows the text. */
const fuzz_bound fuzz_memory = {4096, 64 << 20};

static prune_status make_tensor(prune_context *ctx, const json_t *list, pr_tensor *out)
{
    pr_shape shape = {0};
    const char *word = json_string_value(json_array_get(list, 0));
    size_t first = word ? 1 : 0, count = json_array_size(list);
    uint64_t elements = 1;
    for (size_t i = first; i < count && shape.rank < PR_MAX_RANK; i++) {
        json_int_t dim = json_integer_value(json_array_get(list, i));
        if (dim < 0 || dim > MAX_ELEMENTS) dim = 1;
        shape.dim[shape.rank++] = dim;
        elements *= (uint64_t)(dim ? dim : 1);
        if (elements > MAX_ELEMENTS) return pr_fail(PRUNE_E_FORMAT, "the tensor is too large");
    }
    pr_dtype dtype = word && strcmp(word, "I8") == 0 ? PR_I8 : PR_F32;
    PR_TRY(pr_tensor_create(out, ctx, dtype, &shape));
    for (int64_t i = 0; i < pr_tensor_count(out); i++)
        if (dtype == PR_I8)
            ((int8_t *)out->data)[i] = (int8_t)(i % 251 - 125);
        else
            pr_f32(out)[i] = (float)(i % 7 + 1) * 0.125f;
    return PRUNE_OK;
}

typedef struct tensors {
    prune_context *ctx;
    const json_t *list;
} tensors;

static prune_status lookup(void *user, const char *name, pr_tensor *out)
{
    const tensors *t = user;
    const json_t *list = json_object_get(t->list, name);
    if (!json_is_array(list)) return pr_fail(PRUNE_E_FORMAT, "no tensor '%s'", name);
    return make_tensor(t->ctx, list, out);
}

/* Small enough to be run thousands of times a second. */
static bool is_small(const prune_model *model, int64_t height, int64_t width)
{
    bool small = false;
    pr_shape *shapes = calloc((size_t)model->n_nodes, sizeof *shapes);
    if (shapes && fuzz_ok(pr_shapes_infer(model, 1, height, width, shapes))) {
        small = pr_shapes_macs(model, shapes) < MAX_MACS;
        for (int32_t i = 0; i < model->n_nodes; i++)
            small = small && pr_shape_count(&shapes[i]) < MAX_ELEMENTS;
    }
    free(shapes);
    return small;
}

static void run_session(const prune_model *model)
{
    static const uint8_t rgb[5 * 4 * 3] = {1, 200, 3, 90};
    const prune_pixels pixels = {rgb, 5, 4, 0, PRUNE_RGB};
    float values[5 * 4];
    prune_session *session = NULL;
    if (!fuzz_ok(prune_session_create(&session, model, NULL))) return;
    int32_t height, width;
    if (fuzz_ok(prune_session_network_size(session, 4, 5, &height, &width)) &&
        is_small(model, height, width))
        (void)fuzz_ok(prune_session_predict(session, &pixels, values));
    prune_session_free(session);
}

static void run_interpreter(const prune_model *model, int64_t height, int64_t width)
{
    float *input = calloc((size_t)(height * width), 3 * sizeof *input);
    for (int mode = 0; input && mode <= PR_MODE_PLAIN; mode++) {
        const pr_run_options options = {.mode = (pr_mode)mode};
        pr_run *run = NULL;
        if (!fuzz_ok(pr_run_create(&run, model, 1, height, width, &options))) continue;
        (void)fuzz_ok(pr_run_forward(run, input));
        pr_run_free(run);
    }
    free(input);
}

static void use(prune_model *model)
{
    int64_t height, width;
    pr_model_input_size(model, &height, &width);
    json_t *json = pr_model_to_json(model);
    fuzz_require(json != NULL, "a graph that was read cannot be written");
    json_decref(json);
    char *text = NULL;
    if (fuzz_ok(prune_model_inspect(model, 0, 0, &text))) prune_text_free(text);
    if (!is_small(model, height, width)) return;
    run_session(model);
    run_interpreter(model, height, width);
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    if (size > MAX_TEXT) return;
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json) return;
    tensors t = {ctx, json_object_get(json, "tensors")};
    prune_model *model = NULL;
    prune_status status = pr_model_from_json(&model, ctx, json, lookup, &t);
    if (fuzz_ok(status)) {
        if (fuzz_ok(pr_models_finish(model))) use(model);
        prune_model_free(model);
    }
    json_decref(json);
}
