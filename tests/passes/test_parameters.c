#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/integer.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <math.h>
#include <prune/parameters.h>
#include <stdlib.h>

static prune_parameter info_of(const prune_model *model, const char *name, int32_t *index)
{
    prune_parameter parameter = {.struct_size = (uint32_t)sizeof parameter};
    ck_ok(prune_model_parameter_find(model, name, index));
    ck_ok(prune_model_parameter_info(model, *index, &parameter));
    ck_assert_str_eq(parameter.name, name);
    return parameter;
}

START_TEST(every_parameter_can_be_read_and_written_back)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    const int32_t count = prune_model_parameters(model);
    ck_assert_int_gt(count, 20);
    for (int32_t i = 0; i < count; i++) {
        prune_parameter parameter = {.struct_size = (uint32_t)sizeof parameter};
        ck_ok(prune_model_parameter_info(model, i, &parameter));
        uint64_t product = 1;
        for (int32_t a = 0; a < parameter.rank; a++) product *= (uint64_t)parameter.shape[a];
        ck_assert_uint_eq(product, parameter.count);
        ck_assert_int_ge(parameter.node, 0);
        ck_assert_str_eq(parameter.operator_name, pr_op_name(model->nodes[parameter.node].op));
        float *values = malloc(parameter.count * sizeof *values);
        float *again = malloc(parameter.count * sizeof *again);
        ck_ok(prune_model_parameter_read(model, i, values, parameter.count));
        ck_assert_mem_eq(values, pr_f32(&model->params[i].tensor),
                         parameter.count * sizeof *values);
        for (uint64_t k = 0; k < parameter.count; k++) values[k] = 2 * values[k] + 1;
        const prune_parameter_values change = {i, values, parameter.count};
        ck_ok(prune_model_parameters_write(model, &change, 1));
        ck_ok(prune_model_parameter_read(model, i, again, parameter.count));
        ck_assert_mem_eq(values, again, parameter.count * sizeof *values);
        free(values);
        free(again);
    }
    ck_assert_uint_eq(json_array_size(model->history), (size_t)count);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_wrong_value_changes_nothing)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx), *copy = NULL;
    int32_t first = 0, second = 1;
    prune_parameter a = {.struct_size = (uint32_t)sizeof a}, b = a;
    ck_ok(prune_model_clone(&copy, model));
    ck_ok(prune_model_parameter_info(model, first, &a));
    ck_ok(prune_model_parameter_info(model, second, &b));
    float *values = calloc(a.count + b.count, sizeof *values);
    prune_parameter_values changes[] = {{first, values, a.count}, {second, values, b.count}};
    values[b.count - 1] = NAN;
    changes[0].values = values + b.count;
    ck_fails(prune_model_parameters_write(model, changes, 2), PRUNE_E_ARGUMENT, b.name);
    changes[1].count++;
    ck_fails(prune_model_parameters_write(model, changes, 2), PRUNE_E_SHAPE, b.name);
    changes[1].index = prune_model_parameters(model);
    ck_fails(prune_model_parameters_write(model, changes, 2), PRUNE_E_ARGUMENT, "the model has");
    ck_fails(prune_model_parameter_find(model, "nobody.weight", &first), PRUNE_E_ARGUMENT,
             "nobody.weight");
    ck_fails(prune_model_parameter_read(model, 0, values, a.count - 1), PRUNE_E_SHAPE, a.name);
    ck_assert_mem_eq(pr_f32(&model->params[0].tensor), pr_f32(&copy->params[0].tensor),
                     a.count * sizeof *values);
    ck_assert(json_equal(model->history, copy->history));
    free(values);
    prune_model_free(copy);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Baked integers read as the floats they stand for; written, they are floats again. */
START_TEST(baked_integers_read_as_floats)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    int32_t index, node = 0;
    while (!pr_integer_possible(model, node) || model->nodes[node].op != PR_OP_LINEAR) node++;
    char name[256];
    (void)snprintf(name, sizeof name, "%s.weight", model->nodes[node].name);
    const uint64_t count = info_of(model, name, &index).count;
    float *before = malloc(count * sizeof *before), *after = malloc(count * sizeof *after);
    ck_ok(prune_model_parameter_read(model, index, before, count));
    model->nodes[node].precision.compute = PR_COMPUTE_I8;
    model->nodes[node].precision.input = PR_INPUT_TOKEN;
    ck_ok(pr_integer_bake(model, node));
    ck_assert(info_of(model, name, &index).integers);
    ck_ok(prune_model_parameter_read(model, index, after, count));
    float largest = 0;
    for (uint64_t i = 0; i < count; i++) largest = fmaxf(largest, fabsf(before[i]));
    for (uint64_t i = 0; i < count; i++)
        ck_assert_float_eq_tol(before[i], after[i], largest / 254 + 1e-6f);
    const prune_parameter_values change = {index, before, count};
    ck_ok(prune_model_parameters_write(model, &change, 1));
    ck_assert(!info_of(model, name, &index).integers);
    ck_assert_int_eq(model->nodes[node].precision.compute, PR_COMPUTE_I8);
    ck_assert_ptr_null(model->nodes[node].precision.weight_scale.data);
    free(before);
    free(after);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(the_graph_is_what_files_hold)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_conv(ctx);
    char *text = NULL;
    ck_ok(prune_model_graph(model, &text));
    json_t *given = json_loads(text, 0, NULL), *wanted = pr_model_to_json(model);
    ck_assert(json_is_object(given));
    ck_assert_uint_eq(json_array_size(json_object_get(given, "nodes")), (size_t)model->n_nodes);
    ck_assert(json_equal(json_object_get(given, "meta"), json_object_get(wanted, "meta")));
    json_decref(given);
    json_decref(wanted);
    prune_text_free(text);
    ck_fails(prune_model_graph(NULL, &text), PRUNE_E_ARGUMENT, "model");
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* The copy lives on its own pool and allocator; the tensors are shared until somebody writes. */
START_TEST(a_model_moves_to_another_context)
{
    prune_context *here = test_context(1), *there = test_context(2);
    prune_model *model = net_conv(here), *copy = NULL;
    ck_ok(prune_model_clone_to(&copy, there, model));
    ck_assert_ptr_eq(copy->ctx, there);
    ck_assert_ptr_eq(pr_f32(&copy->params[0].tensor), pr_f32(&model->params[0].tensor));
    prune_model_free(model);
    const uint64_t count = (uint64_t)pr_tensor_count(&copy->params[0].tensor);
    float *values = calloc(count, sizeof *values);
    const prune_parameter_values change = {0, values, count};
    ck_ok(prune_model_parameters_write(copy, &change, 1));
    ck_fails(prune_model_clone_to(&model, NULL, copy), PRUNE_E_ARGUMENT, "context");
    free(values);
    prune_model_free(copy);
    prune_context_free(there);
    prune_context_free(here);
}
END_TEST

TEST_MAIN("parameters", every_parameter_can_be_read_and_written_back, a_wrong_value_changes_nothing,
          baked_integers_read_as_floats, the_graph_is_what_files_hold,
          a_model_moves_to_another_context)
