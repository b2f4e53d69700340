#include "libprune/quant/assign.h"

#include "libprune/passes/integer.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PATTERN = 256 };

/* Removes the layers that match one pattern. */
static prune_status apply_pattern(const prune_model *model, const char *pattern, bool *candidate)
{
    bool found = false;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (fnmatch(pattern, model->nodes[i].name, 0) != 0) continue;
        if (pr_integer_possible(model, i) || pr_op_get(model->nodes[i].op)->bf16) found = true;
        candidate[i] = false;
    }
    if (found) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT,
                   "option keep-float: no layer is called '%s'; 'prune inspect' lists the names",
                   pattern);
}

static prune_status apply_patterns(const prune_model *model, const char *patterns, bool *candidate)
{
    char one[MAX_PATTERN];
    while (patterns && *patterns) {
        const size_t length = strcspn(patterns, ",");
        if (length >= sizeof one)
            return pr_fail(PRUNE_E_ARGUMENT, "option keep-float: a name is longer than %d",
                           MAX_PATTERN - 1);
        memcpy(one, patterns, length);
        one[length] = '\0';
        if (length > 0) PR_TRY(apply_pattern(model, one, candidate));
        patterns += length + (patterns[length] == ',');
    }
    return PRUNE_OK;
}

prune_status pr_assign_kept(const prune_model *model, const prune_quant_options *options,
                            bool *kept)
{
    for (int32_t i = 0; i < model->n_nodes; i++) kept[i] = true;
    PR_TRY(apply_patterns(model, options->keep_float, kept));
    for (int32_t i = 0; i < model->n_nodes; i++)
        kept[i] = !kept[i] || model->nodes[i].precision.keep_float;
    return PRUNE_OK;
}

/* Nothing would notice what integer attention does without a scan: then somebody must ask. */
static bool takes_attention(const prune_quant_options *options)
{
    if (options->attention == PR_ATTENTION_AUTO) return options->scan;
    return options->attention == PR_ATTENTION_INT8;
}

prune_status pr_assign_candidates(const prune_model *model, const prune_quant_options *options,
                                  bool *candidate)
{
    bool *keep = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&keep, (size_t)model->n_nodes + 1, sizeof *keep));
    PR_GO(pr_integer_default_float(model, keep));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        const bool attention = takes_attention(options) && pr_op_get(node->op)->int8_inputs;
        candidate[i] = (attention || pr_integer_possible(model, i)) &&
                       !node->precision.keep_float && !(options->default_float && keep[i]);
        const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
        if (candidate[i] && weight && weight->dtype == PR_I8)
            PR_GO(pr_fail(PRUNE_E_UNSUPPORTED,
                          "layer '%s' already holds integers; quantize the model that they were "
                          "made from",
                          node->name));
    }
    PR_GO(apply_patterns(model, options->keep_float, candidate));
done:
    pr_free(model->ctx, keep);
    return status;
}

pr_input_quant pr_assign_input(const pr_node *node, pr_scheme scheme)
{
    if (pr_op_get(node->op)->int8_inputs) return PR_INPUT_TOKEN;
    if (scheme == PR_SCHEME_TENSOR) return PR_INPUT_TENSOR;
    if (scheme == PR_SCHEME_CHANNEL || node->op != PR_OP_LINEAR) return PR_INPUT_CHANNEL;
    return PR_INPUT_TOKEN;
}

void pr_assign_watch(const prune_model *model, const bool *candidate, pr_scheme scheme,
                     pr_watch *watch)
{
    for (int32_t i = 0; i < model->n_nodes; i++) watch[i] = PR_WATCH_NONE;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        if (!candidate[i]) continue;
        const pr_input_quant input = pr_assign_input(node, scheme);
        if (input == PR_INPUT_TENSOR) watch[node->inputs[0]] = PR_WATCH_TENSOR;
        if (input == PR_INPUT_CHANNEL) watch[node->inputs[0]] = PR_WATCH_CHANNEL;
    }
}

static void clear_record(pr_precision *p)
{
    pr_tensor_release(&p->input_scale);
    pr_tensor_release(&p->input_zero);
    pr_tensor_release(&p->weight_scale);
}

/* The first candidate before `index` that reads the same value through static scales. */
static const pr_precision *earlier(const prune_model *model, const bool *candidate, int32_t index)
{
    for (int32_t i = 0; i < index; i++)
        if (candidate[i] && model->nodes[i].inputs[0] == model->nodes[index].inputs[0] &&
            model->nodes[i].precision.input == model->nodes[index].precision.input)
            return &model->nodes[i].precision;
    return NULL;
}

prune_status pr_assign_records(prune_model *model, const bool *candidate,
                               const pr_calibration *calibration,
                               const prune_quant_options *options)
{
    const pr_grid_rule rule = {options->percentile, options->margin, options->zero_point};
    for (int32_t i = 0; i < model->n_nodes; i++) {
        pr_node *node = &model->nodes[i];
        pr_precision *p = &node->precision;
        if (!candidate[i]) continue;
        clear_record(p);
        p->input = pr_assign_input(node, (pr_scheme)options->scheme);
        if (p->input == PR_INPUT_TOKEN) continue;
        const pr_precision *same = earlier(model, candidate, i);
        if (same) {
            p->input_scale = pr_tensor_share(&same->input_scale);
            p->input_zero = pr_tensor_share(&same->input_zero);
        } else {
            PR_TRY(pr_calibration_grids(calibration, node->inputs[0], &rule, &p->input_scale,
                                        &p->input_zero));
        }
    }
    return PRUNE_OK;
}
