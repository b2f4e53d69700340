/* The error at the output: log-depth difference and its slopes, against the teacher. */
#include "libprune/pruning/planner.h"

#include <string.h>

prune_status pr_judge_create(pr_planner *p)
{
    pr_judge *j = &p->judge;
    pr_run *run = NULL;
    const pr_run_options keep = {.keep = true};
    const size_t pixels = (size_t)p->height * (size_t)p->width;
    prune_status status = PRUNE_OK;
    j->batch = p->options.judges < p->n_pictures ? p->options.judges : p->n_pictures;
    j->changed = pr_calloc(p->ctx, (size_t)p->work->n_nodes, 1);
    if (!j->changed) PR_GO(PRUNE_E_MEMORY);
    PR_GO(pr_new(p->ctx, (void **)&j->inputs, (size_t)j->batch, pixels * 3 * sizeof *j->inputs));
    for (int64_t i = 0; i < j->batch; i++)
        PR_GO(pr_planner_render(p, p->pictures[i * p->n_pictures / j->batch], NULL,
                                j->inputs + (size_t)i * pixels * 3));
    PR_GO(pr_run_create(&run, p->teacher, 1, p->height, p->width, NULL));
    const pr_shape *shape = pr_run_shape(run, p->teacher->outputs[0].node);
    const size_t outputs = (size_t)pr_shape_count(shape);
    PR_GO(pr_new(p->ctx, (void **)&j->wanted, (size_t)j->batch, outputs * sizeof *j->wanted));
    for (int64_t i = 0; i < j->batch; i++) {
        PR_GO(pr_run_forward(run, j->inputs + (size_t)i * pixels * 3));
        memcpy(j->wanted + (size_t)i * outputs, pr_run_output(run)->data,
               outputs * sizeof *j->wanted);
    }
    PR_GO(pr_run_create(&j->run, p->work, j->batch, p->height, p->width, &keep));
    if (!pr_shape_equal(pr_run_shape(j->run, p->work->outputs[0].node),
                        &(pr_shape){4, {j->batch, shape->dim[1], shape->dim[2], shape->dim[3]}}))
        PR_GO(pr_fail(PRUNE_E_SHAPE, "model and teacher have outputs of different sizes"));
    PR_GO(pr_run_forward(j->run, j->inputs));
done:
    pr_run_free(run);
    return status;
}

void pr_judge_free(pr_planner *p)
{
    pr_run_free(p->judge.run);
    pr_free(p->ctx, p->judge.inputs);
    pr_free(p->ctx, p->judge.wanted);
    pr_free(p->ctx, p->judge.changed);
    memset(&p->judge, 0, sizeof p->judge);
}

prune_status pr_judge_error(pr_planner *p, const uint8_t *changed, double *error)
{
    pr_judge *j = &p->judge;
    double values[PR_LOSS_COUNT], weights[PR_LOSS_COUNT] = {0};
    weights[PR_LOSS_DISTILL] = 1;
    weights[PR_LOSS_DISTILL_GRADIENT] = 1;
    /* What the last call changed may have been put back since. */
    for (int32_t v = 0; v < p->work->n_nodes; v++) j->changed[v] |= changed[v];
    PR_TRY(pr_run_forward_changed(j->run, j->changed));
    memcpy(j->changed, changed, (size_t)p->work->n_nodes);
    const pr_tensor *output = pr_run_output(j->run);
    const pr_loss_batch batch = {.batch = j->batch,
                                 .height = output->shape.dim[1],
                                 .width = output->shape.dim[2],
                                 .decode = pr_decode_of(&p->work->meta),
                                 .teacher_decode = pr_decode_of(&p->teacher->meta),
                                 .output = pr_f32(output),
                                 .teacher = j->wanted};
    return pr_loss_evaluate(p->ctx, &batch, weights, values, error);
}
