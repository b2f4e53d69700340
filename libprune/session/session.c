/* The public face of sessions (prune/session.h). */
#include "libprune/image/image.h"
#include "libprune/passes/bf16.h"
#include "libprune/passes/shapes.h"
#include "libprune/session/plan.h"

#include <prune/session.h>
#include <string.h>

enum { PLANS = 4 }; /* input sizes that a session remembers */

typedef struct cached_plan {
    pr_plan plan;
    uint64_t used; /* the run that used it last */
} cached_plan;

struct prune_session {
    prune_context *ctx;
    prune_model *model; /* our own clone */
    prune_session_options options;
    pr_lowered low;
    cached_plan plans[PLANS];
    pr_plan *plan; /* the current one */
    uint64_t runs;
    char *arena;
    size_t arena_bytes;
    float *input, *output; /* of predict: one picture */
    size_t input_capacity, output_capacity;
};

static const prune_option options_of_session[] = {
    {"precision", PRUNE_OPTION_CHOICE, offsetof(prune_session_options, precision), "recorded", 0, 0,
     "recorded|fp32|bf16",
     "of what does not compute in INT8: as the model says, FP32, or products of BF16 operands"},
};

const prune_option_table *prune_session_option_table(void)
{
    static const prune_option_table table = {
        "session", sizeof(prune_session_options), options_of_session,
        sizeof options_of_session / sizeof *options_of_session};
    return &table;
}

void prune_session_options_init(prune_session_options *options)
{
    prune_options_init(prune_session_option_table(), options);
    options->batch = 1;
}

/* Options of an older caller end earlier: what is missing keeps its default. */
static prune_status read_options(prune_session_options *out, const prune_session_options *given)
{
    prune_session_options_init(out);
    if (given) {
        size_t size = given->struct_size < sizeof *out ? given->struct_size : sizeof *out;
        memcpy(out, given, size);
        out->struct_size = sizeof *out;
    }
    if (out->batch < 1 || out->height < 0 || out->width < 0) {
        return pr_fail(PRUNE_E_ARGUMENT,
                       "session options: batch %d must be at least 1, size %dx%d not negative",
                       out->batch, out->height, out->width);
    }
    if (out->precision < PR_FLOATS_RECORDED || out->precision > PR_FLOATS_BF16) {
        return pr_fail(PRUNE_E_ARGUMENT,
                       "session options: precision %d is not 0 (recorded), 1 (fp32) or 2 (bf16)",
                       out->precision);
    }
    if ((out->height == 0) != (out->width == 0)) {
        return pr_fail(PRUNE_E_ARGUMENT,
                       "session options: give both height and width, or neither (got %dx%d)",
                       out->height, out->width);
    }
    return PRUNE_OK;
}

/* The arena is what the largest kept plan needs: plans do not run at the same time. */
static prune_status reserve_arena(prune_session *session, size_t bytes)
{
    if (bytes <= session->arena_bytes) return PRUNE_OK;
    char *arena = pr_alloc(session->ctx, bytes);
    if (!arena) return PRUNE_E_MEMORY;
    pr_free(session->ctx, session->arena);
    session->arena = arena;
    session->arena_bytes = bytes;
    return PRUNE_OK;
}

/* Makes the plan for this size the current one; of those that are kept, a new one replaces the
 * longest unused. Nothing changes when this fails. */
static prune_status replan(prune_session *session, int64_t batch, int64_t height, int64_t width)
{
    cached_plan *oldest = &session->plans[0];
    session->runs++;
    for (int i = 0; i < PLANS; i++) {
        cached_plan *c = &session->plans[i];
        if (c->used < oldest->used) oldest = c;
        if (!c->plan.ctx || c->plan.batch != batch) continue;
        if (c->plan.height != height || c->plan.width != width) continue;
        c->used = session->runs;
        session->plan = &c->plan;
        return PRUNE_OK;
    }
    pr_plan next;
    PR_TRY(pr_plan_create(&next, &session->low, batch, height, width));
    prune_status status = reserve_arena(session, next.arena_bytes);
    if (status != PRUNE_OK) {
        pr_plan_free(&next);
        return status;
    }
    pr_plan_free(&oldest->plan);
    *oldest = (cached_plan){next, session->runs};
    session->plan = &oldest->plan;
    return PRUNE_OK;
}

/* Steps read floats: half-precision parameters become FP32 in the session's own clone. */
static prune_status widen(prune_model *model)
{
    for (int32_t i = 0; i < model->n_params; i++) {
        pr_tensor *tensor = &model->params[i].tensor, wide;
        if (tensor->dtype != PR_F16 && tensor->dtype != PR_BF16) continue;
        PR_TRY(pr_tensor_convert(&wide, model->ctx, tensor, PR_F32));
        pr_tensor_release(tensor);
        *tensor = wide;
    }
    return PRUNE_OK;
}

prune_status prune_session_create(prune_session **out, const prune_model *model,
                                  const prune_session_options *options)
{
    prune_status status;
    prune_session *session = pr_calloc(model->ctx, 1, sizeof *session);
    if (!session) return PRUNE_E_MEMORY;
    session->ctx = model->ctx;
    PR_GO(read_options(&session->options, options));
    PR_GO(pr_model_clone(&session->model, model));
    PR_GO(widen(session->model));
    PR_GO(pr_floats_set(session->model, (pr_floats)session->options.precision));
    PR_GO(pr_lower(&session->low, session->model));
    PR_GO(pr_lower_release(&session->low, session->model));
    int64_t height = session->options.height, width = session->options.width;
    if (height == 0) pr_model_input_size(session->model, &height, &width);
    PR_GO(replan(session, session->options.batch, height, width));
    *out = session;
    return PRUNE_OK;
done:
    prune_session_free(session);
    return status;
}

void prune_session_free(prune_session *session)
{
    if (!session) return;
    for (int i = 0; i < PLANS; i++) pr_plan_free(&session->plans[i].plan);
    pr_free(session->ctx, session->arena);
    pr_lowered_free(&session->low);
    if (session->model) pr_model_free(session->model);
    pr_free(session->ctx, session->input);
    pr_free(session->ctx, session->output);
    pr_free(session->ctx, session);
}

prune_status prune_session_run(prune_session *session, const float *input, int32_t height,
                               int32_t width, float *output)
{
    PR_TRY(replan(session, session->options.batch, height, width));
    return pr_plan_run(session->plan, session->arena, input, output, session->options.profile);
}

prune_status prune_session_network_size(prune_session *session, int32_t image_height,
                                        int32_t image_width, int32_t *height, int32_t *width)
{
    if (image_height < 1 || image_width < 1) {
        return pr_fail(PRUNE_E_ARGUMENT, "a picture of %dx%d pixels has no depth", image_width,
                       image_height);
    }
    if (session->options.height > 0) {
        *height = session->options.height;
        *width = session->options.width;
        return PRUNE_OK;
    }
    pr_image_network_size(&session->model->meta.preprocess, image_width, image_height, width,
                          height);
    return PRUNE_OK;
}

prune_status prune_session_prepare(prune_session *session, const prune_pixels *pixels, float *input)
{
    int32_t height, width;
    PR_TRY(prune_session_network_size(session, pixels->height, pixels->width, &height, &width));
    return pr_image_preprocess(session->ctx, &session->model->meta.preprocess, pixels, width,
                               height, input);
}

static prune_status reserve(prune_session *session, float **memory, size_t *capacity, size_t count)
{
    if (count <= *capacity) return PRUNE_OK;
    pr_free(session->ctx, *memory);
    *memory = NULL;
    *capacity = 0;
    PR_TRY(pr_new(session->ctx, (void **)memory, count, sizeof(float)));
    *capacity = count;
    return PRUNE_OK;
}

prune_status prune_session_predict_network(prune_session *session, const prune_pixels *pixels,
                                           float *values)
{
    int32_t height, width;
    PR_TRY(prune_session_network_size(session, pixels->height, pixels->width, &height, &width));
    PR_TRY(reserve(session, &session->input, &session->input_capacity,
                   (size_t)height * (size_t)width * 3));
    PR_TRY(prune_session_prepare(session, pixels, session->input));
    PR_TRY(replan(session, 1, height, width));
    return pr_plan_run(session->plan, session->arena, session->input, values,
                       session->options.profile);
}

prune_status prune_session_predict(prune_session *session, const prune_pixels *pixels,
                                   float *values)
{
    int32_t height, width;
    PR_TRY(prune_session_network_size(session, pixels->height, pixels->width, &height, &width));
    PR_TRY(reserve(session, &session->output, &session->output_capacity,
                   (size_t)height * (size_t)width));
    PR_TRY(prune_session_predict_network(session, pixels, session->output));
    return pr_image_resize_map(session->ctx, (pr_filter)session->model->meta.resize_back,
                               session->output, width, height, values, pixels->width,
                               pixels->height);
}

void prune_session_describe(const prune_session *session, prune_prediction *prediction)
{
    const pr_meta *meta = &session->model->meta;
    prediction->output_kind = meta->output_kind;
    prediction->disparity_scale = (double)meta->disparity_scale;
    prediction->disparity_offset = (double)meta->disparity_offset;
}

int32_t prune_session_steps(const prune_session *session)
{
    return session->plan->n_steps;
}

static const char *kernel_name(const pr_step *step)
{
    switch (step->kind) {
    case PR_STEP_CONV:
        return step->unit->integer ? "iconv" : step->unit->bf16 ? "bconv" : "sconv";
    case PR_STEP_GEMM:
        return step->unit->integer ? "igemm" : step->unit->bf16 ? "bgemm" : "sgemm";
    case PR_STEP_TRANSPOSE:
        return step->unit->integer ? "itranspose" : step->unit->bf16 ? "btranspose" : "stranspose";
    case PR_STEP_ATTENTION:
        return step->unit->integer ? "iattention" : step->unit->bf16 ? "battention" : "attention";
    case PR_STEP_NORM:
        return "layer_norm";
    case PR_STEP_EMBED:
        return "token_embed";
    case PR_STEP_RESIZE:
        return "resize";
    case PR_STEP_ACTIVATE:
        return "activate";
    case PR_STEP_GATE:
        return "gate";
    case PR_STEP_ADD:
        return "add";
    case PR_STEP_CROP:
        return "crop";
    case PR_STEP_QUANTIZE:
        return "quantize";
    case PR_STEP_FORWARD:
        return "forward";
    }
    return "";
}

prune_status prune_session_step_info(const prune_session *session, int32_t index,
                                     prune_session_step *step)
{
    if (index < 0 || index >= session->plan->n_steps) {
        return pr_fail(PRUNE_E_ARGUMENT, "step %d: the session has %d steps", index,
                       session->plan->n_steps);
    }
    const pr_step *from = &session->plan->steps[index];
    const pr_traffic traffic = pr_plan_traffic(session->plan, from);
    const prune_session_step full = {
        .struct_size = step->struct_size,
        .name = from->unit->name,
        .kernel = kernel_name(from),
        .seconds = from->seconds,
        .macs = from->macs,
        .integer = from->unit->integer,
        .weight_bytes = traffic.weights,
        .read_bytes = traffic.read,
        .write_bytes = traffic.written,
        .int8_macs = from->unit->integer ? from->macs : 0,
        .bf16_macs = !from->unit->integer && from->unit->bf16 ? from->macs : 0,
    };
    /* As much as the caller's version of the struct holds. */
    memcpy(step, &full, step->struct_size < sizeof full ? step->struct_size : sizeof full);
    return PRUNE_OK;
}

uint64_t prune_session_memory(const prune_session *session)
{
    return session->arena_bytes + session->low.packed_bytes;
}
