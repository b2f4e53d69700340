/* The error at the output: log-depth difference and its slopes, against the teacher. */
#include "libprune/pruning/planner.h"

#include <string.h>

/* Values that are kept for partial re-runs take at most this much; else whole runs, one by one. */
static const uint64_t memory_limit = (uint64_t)4 << 30;

static prune_status render_inputs(pr_planner *p, size_t pixels)
{
    pr_judge *j = &p->judge;
    for (int64_t i = 0; i < j->batch; i++) {
        /* As they are: judging on augmented views chose cuts that did worse on other drives. */
        const uint64_t picture = p->pictures[i * p->n_pictures / j->batch];
        PR_TRY(pr_planner_render(p, picture, NULL, j->inputs + (size_t)i * pixels * 3));
    }
    return PRUNE_OK;
}

/* Runs the pictures one by one and collects the outputs. */
static prune_status run_each(const pr_planner *p, pr_run *run, float *outputs)
{
    const size_t pixels = (size_t)p->height * (size_t)p->width;
    for (int64_t i = 0; i < p->judge.batch; i++) {
        PR_TRY(pr_check_cancel(p->ctx));
        PR_TRY(pr_run_forward(run, p->judge.inputs + (size_t)i * pixels * 3));
        const pr_tensor *output = pr_run_output(run);
        memcpy(outputs + i * pr_tensor_count(output), output->data, pr_tensor_bytes(output));
    }
    return PRUNE_OK;
}

static uint64_t value_bytes(const pr_planner *p, const pr_run *run)
{
    uint64_t bytes = 0;
    for (int32_t v = 0; v < p->work->n_nodes; v++)
        bytes += (uint64_t)pr_shape_count(pr_run_shape(run, v)) * sizeof(float);
    return bytes;
}

/* The run on the model being cut: all pictures at once with every value kept, where partial re-runs
 * will be many and memory allows, else one picture at a time. */
static prune_status open_run(pr_planner *p)
{
    pr_judge *j = &p->judge;
    const pr_run_options keep = {.keep = true};
    PR_TRY(pr_run_create(&j->run, p->work, 1, p->height, p->width, NULL));
    const bool many = p->options.allocation == PRUNE_ALLOCATION_ERROR && p->options.keep < 1;
    if (!many || value_bytes(p, j->run) * (uint64_t)j->batch > memory_limit) return PRUNE_OK;
    pr_run_free(j->run);
    j->run = NULL;
    PR_TRY(pr_run_create(&j->run, p->work, j->batch, p->height, p->width, &keep));
    j->partial = true;
    return pr_run_forward(j->run, j->inputs);
}

prune_status pr_judge_create(pr_planner *p)
{
    pr_judge *j = &p->judge;
    pr_run *run = NULL;
    const size_t pixels = (size_t)p->height * (size_t)p->width;
    prune_status status = PRUNE_OK;
    j->batch = p->options.judges < p->n_pictures ? p->options.judges : p->n_pictures;
    j->changed = pr_calloc(p->ctx, (size_t)p->work->n_nodes, 1);
    if (!j->changed) PR_GO(PRUNE_E_MEMORY);
    PR_GO(pr_new(p->ctx, (void **)&j->inputs, (size_t)j->batch, pixels * 3 * sizeof *j->inputs));
    PR_GO(render_inputs(p, pixels));
    PR_GO(pr_run_create(&run, p->teacher, 1, p->height, p->width, NULL));
    j->shape = *pr_run_shape(run, p->teacher->outputs[0].node);
    const size_t bytes = (size_t)pr_shape_count(&j->shape) * sizeof(float);
    PR_GO(pr_new(p->ctx, (void **)&j->wanted, (size_t)j->batch, bytes));
    PR_GO(pr_new(p->ctx, (void **)&j->said, (size_t)j->batch, bytes));
    PR_GO(run_each(p, run, j->wanted));
    PR_GO(open_run(p));
    const pr_shape *own = pr_run_shape(j->run, p->work->outputs[0].node);
    if (own->dim[1] != j->shape.dim[1] || own->dim[2] != j->shape.dim[2])
        PR_GO(pr_fail(PRUNE_E_SHAPE, "model and teacher have outputs of different sizes"));
done:
    pr_run_free(run);
    return status;
}

void pr_judge_free(pr_planner *p)
{
    pr_run_free(p->judge.run);
    pr_free(p->ctx, p->judge.inputs);
    pr_free(p->ctx, p->judge.wanted);
    pr_free(p->ctx, p->judge.said);
    pr_free(p->ctx, p->judge.changed);
    memset(&p->judge, 0, sizeof p->judge);
}

prune_status pr_judge_error(pr_planner *p, const uint8_t *changed, double *error)
{
    pr_judge *j = &p->judge;
    double values[PR_LOSS_COUNT], weights[PR_LOSS_COUNT] = {0};
    const float *said = j->said;
    weights[PR_LOSS_DISTILL] = 1;
    weights[PR_LOSS_DISTILL_GRADIENT] = 1;
    if (j->partial) {
        /* What the last call changed may have been put back since. */
        for (int32_t v = 0; v < p->work->n_nodes; v++) j->changed[v] |= changed[v];
        PR_TRY(pr_run_forward_changed(j->run, j->changed));
        memcpy(j->changed, changed, (size_t)p->work->n_nodes);
        said = pr_f32(pr_run_output(j->run));
    } else {
        PR_TRY(run_each(p, j->run, j->said));
    }
    const pr_loss_batch batch = {.batch = j->batch,
                                 .height = j->shape.dim[1],
                                 .width = j->shape.dim[2],
                                 .decode = pr_decode_of(&p->work->meta),
                                 .teacher_decode = pr_decode_of(&p->teacher->meta),
                                 .output = said,
                                 .teacher = j->wanted};
    return pr_loss_evaluate(p->ctx, &batch, weights, values, error);
}
