/* Plans: made from a model and pictures, shown as JSON, carried out on the same model. */
#include "libprune/base/options.h"
#include "libprune/passes/cut.h"
#include "libprune/passes/shapes.h"
#include "libprune/pruning/planner.h"
#include "libprune/samples/samples.h"

#include <prune/sys/json.h>
#include <string.h>

struct prune_plan {
    prune_context *ctx;
    prune_model *source; /* the model that it was made for (shares its tensors) */
    prune_model *result; /* cut and refitted */
    json_t *report;
};

/* --- what may be cut ------------------------------------------------------------------------- */

static prune_status check_kinds(const char *kinds)
{
    size_t known = 0, words = 1;
    for (const char *at = kinds; *at; at++) words += *at == ',';
    for (int k = 0; k < PR_SPACE_KIND_COUNT; k++)
        known += pr_planner_lists(kinds, pr_space_kind_name((pr_space_kind)k));
    if (known == words) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT,
                   "kinds: '%s' is not a list of head, qk, neuron, channel, residual", kinds);
}

static prune_status check_options(const prune_cut_options *o)
{
    PR_TRY(check_kinds(o->kinds ? o->kinds : ""));
    if (o->keep >= 1 && o->heads == 0 && o->neurons <= 0)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "keep: 1 cuts nothing: give a smaller fraction, or heads or neurons");
    if ((o->heads > 0 || o->neurons > 0) && o->keep < 1 &&
        o->allocation != PRUNE_ALLOCATION_UNIFORM)
        return pr_fail(PRUNE_E_ARGUMENT, "heads and neurons: need keep 1 or allocation uniform");
    if ((o->height == 0) != (o->width == 0))
        return pr_fail(PRUNE_E_ARGUMENT, "height and width: give both or neither");
    return PRUNE_OK;
}

/* --- making a plan --------------------------------------------------------------------------- */

static prune_status decide(pr_planner *p)
{
    const prune_cut_options *o = &p->options;
    uint8_t *nothing = pr_calloc(p->ctx, (size_t)p->work->n_nodes, 1);
    if (!nothing) return PRUNE_E_MEMORY;
    prune_status status = PRUNE_OK;
    PR_GO(pr_planner_observe(p));
    PR_GO(pr_planner_order(p));
    PR_GO(pr_judge_create(p));
    PR_GO(pr_judge_error(p, nothing, &p->error_before));
    p->error = p->error_before;
    if (o->allocation == PRUNE_ALLOCATION_UNIFORM || o->keep >= 1)
        PR_GO(pr_planner_allocate_uniform(p));
    else
        PR_GO(pr_planner_allocate_by_error(p));
    if (!p->reached)
        pr_log(p->ctx, PRUNE_LOG_WARNING,
               "cut: the goal of keeping %.4g cannot be reached with what may be cut", o->keep);
done:
    pr_free(p->ctx, nothing);
    return status;
}

/* --- the report ------------------------------------------------------------------------------ */

static json_t *cost_json(const pr_cost *cost)
{
    return json_pack("{s:I, s:I, s:I}", "macs", (json_int_t)cost->macs, "params",
                     (json_int_t)cost->params, "bytes", (json_int_t)cost->bytes);
}

static json_t *spaces_json(const pr_planner *p)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < p->spaces.count; i++) {
        const pr_space *space = &p->spaces.items[i];
        if (!p->eligible[i]) continue;
        const int32_t width = space->n_units / space->groups;
        json_t *item =
            json_pack("{s:s, s:s, s:i, s:i}", "name", space->name, "kind",
                      pr_space_kind_name(space->kind), "units", width, "kept", width - p->taken[i]);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *blocks_json(const pr_planner *p)
{
    uint64_t failures = prune_json_failures();
    json_t *list = json_array();
    for (int32_t i = 0; i < p->blocks.count; i++)
        if (p->gone[i])
            prune_json_append(list, json_string(p->work->nodes[p->blocks.items[i].branch].name));
    if (prune_json_failures() == failures) return list;
    json_decref(list);
    return NULL;
}

static prune_status write_report(const pr_planner *p, json_t **out)
{
    static const char *const costs[] = {"macs", "params", "bytes"};
    json_t *report = json_pack(
        "{s:s, s:f, s:b, s:s, s:s, s:b, s:I, s:i, s:i, s:i, s:i, s:o, s:o, s:f, s:f, s:o, s:o}",
        "cost", costs[p->options.cost], "keep", p->options.keep, "reached", p->reached, "saliency",
        pr_saliency_get(p->options.saliency)->name, "allocation",
        p->options.allocation == PRUNE_ALLOCATION_UNIFORM ? "uniform" : "error", "compensate",
        p->options.compensate, "seed", (json_int_t)p->options.seed, "pictures", p->n_pictures,
        "views", p->options.views, "height", p->height, "width", p->width, "before",
        cost_json(&p->cost_before), "after", cost_json(&p->cost), "error_before", p->error_before,
        "error_after", p->error, "spaces", spaces_json(p), "blocks", blocks_json(p));
    if (!report) return pr_fail_memory(sizeof(json_t));
    *out = report;
    return PRUNE_OK;
}

/* --- the public face ------------------------------------------------------------------------- */

static prune_status finish_plan(pr_planner *p, prune_plan *plan, const prune_model *model)
{
    PR_TRY(write_report(p, &plan->report));
    PR_TRY(pr_model_clone(&plan->source, model));
    PR_TRY(pr_spaces_cut(p->work, &p->spaces, p->removed));
    PR_TRY(pr_blocks_remove(p->work, &p->blocks, p->gone));
    plan->result = p->work;
    p->work = NULL;
    json_t *fields = json_deep_copy(plan->report);
    return fields ? pr_model_record(plan->result, "cut", fields) : pr_fail_memory(sizeof(json_t));
}

prune_status prune_plan_create(prune_plan **out, const prune_model *model, prune_samples *samples,
                               const prune_cut_options *options)
{
    pr_planner p = {.samples = samples};
    prune_plan *plan = NULL;
    prune_status status = PRUNE_OK;
    if (!out || !model || !samples)
        return pr_fail(PRUNE_E_ARGUMENT, "plan create: out, model and samples are needed");
    p.ctx = model->ctx;
    PR_TRY(pr_options_take(prune_cut_option_table(), &p.options, options));
    PR_TRY(check_options(&p.options));
    plan = pr_calloc(p.ctx, 1, sizeof *plan);
    if (!plan) return PRUNE_E_MEMORY;
    plan->ctx = p.ctx;
    PR_GO(pr_planner_open(&p, model));
    PR_GO(decide(&p));
    pr_judge_free(&p); /* its run looks at the model that is cut next */
    PR_GO(finish_plan(&p, plan, model));
    *out = plan;
    plan = NULL;
done:
    pr_planner_close(&p);
    prune_plan_free(plan);
    return status;
}

void prune_plan_free(prune_plan *plan)
{
    if (!plan) return;
    pr_model_free(plan->source);
    pr_model_free(plan->result);
    json_decref(plan->report);
    pr_free(plan->ctx, plan);
}

prune_status prune_plan_json(const prune_plan *plan, char **json)
{
    char *text = prune_json_text(plan->report, JSON_INDENT(2) | JSON_REAL_PRECISION(6),
                                 prune_json_failures());
    if (!text) return pr_fail_memory(1);
    *json = text;
    return PRUNE_OK;
}

/* The same structure and the same weights? */
static bool same_model(const prune_model *a, const prune_model *b)
{
    if (a->n_nodes != b->n_nodes || a->n_params != b->n_params) return false;
    for (int32_t v = 0; v < a->n_nodes; v++)
        if (a->nodes[v].op != b->nodes[v].op || strcmp(a->nodes[v].name, b->nodes[v].name) != 0 ||
            memcmp(a->nodes[v].inputs, b->nodes[v].inputs, sizeof a->nodes[v].inputs) != 0 ||
            memcmp(&a->nodes[v].attrs, &b->nodes[v].attrs, sizeof a->nodes[v].attrs) != 0)
            return false;
    for (int32_t i = 0; i < a->n_params; i++) {
        const pr_tensor *x = &a->params[i].tensor, *y = &b->params[i].tensor;
        if (x->dtype != y->dtype || !pr_shape_equal(&x->shape, &y->shape)) return false;
        if (x->data != y->data && memcmp(x->data, y->data, pr_tensor_bytes(x)) != 0) return false;
    }
    return true;
}

prune_status prune_model_cut(prune_model *model, const prune_plan *plan)
{
    prune_model *result = NULL;
    if (!model || !plan) return pr_fail(PRUNE_E_ARGUMENT, "model cut: model and plan are needed");
    if (!same_model(model, plan->source))
        return pr_fail(PRUNE_E_ARGUMENT, "the plan was made for another model, or its weights have "
                                         "changed since: make a new plan");
    PR_TRY(pr_model_clone(&result, plan->result));
    pr_model_replace(model, result);
    return PRUNE_OK;
}
