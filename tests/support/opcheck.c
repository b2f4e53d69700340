#include "tests/support/opcheck.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 40 };

static void fill(pr_tensor *tensor, uint64_t seed, float keep_off)
{
    test_fill(pr_f32(tensor), pr_tensor_count(tensor), seed);
    for (int64_t i = 0; i < pr_tensor_count(tensor); i++) {
        float *x = &pr_f32(tensor)[i];
        if (fabsf(*x) < keep_off) *x = *x < 0 ? *x - keep_off : *x + keep_off;
    }
}

void op_open(op_fixture *f, const op_case *c, int32_t threads)
{
    *f = (op_fixture){.ctx = test_context(threads)};
    pr_attrs plain = pr_attrs_default();
    int32_t inputs[PR_MAX_INPUTS];
    ck_ok(pr_model_create(&f->model, f->ctx));
    for (int32_t i = 0; i < c->n_inputs; i++) {
        char name[8] = {'i', (char)('0' + i), 0};
        ck_ok(pr_model_add_node(f->model, &inputs[i], PR_OP_INPUT, name, NULL, 0, &plain));
        ck_ok(pr_tensor_create(&f->in[i], f->ctx, PR_F32, &c->in[i]));
        fill(&f->in[i], 17 + (uint64_t)i, c->keep_off);
    }
    ck_ok(pr_model_add_node(f->model, &f->node, c->op, "node", inputs, c->n_inputs, &c->attrs));
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) {
        if (c->param[s].rank == 0) continue;
        pr_tensor tensor;
        ck_ok(pr_tensor_create(&tensor, f->ctx, PR_F32, &c->param[s]));
        fill(&tensor, 91 + (uint64_t)s, 0);
        ck_ok(pr_model_add_param(f->model, f->node, s, tensor));
    }
    const pr_node *node = &f->model->nodes[f->node];
    ck_ok(pr_op_get(c->op)->infer(f->model, node, c->in, &f->out_shape));
    ck_ok(pr_tensor_create(&f->out, f->ctx, PR_F32, &f->out_shape));
    f->call = (pr_op_call){.ctx = f->ctx, .node = node, .out = &f->out};
    for (int32_t i = 0; i < c->n_inputs; i++) f->call.in[i] = &f->in[i];
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) f->call.param[s] = pr_node_param(f->model, node, s);
    if (pr_op_get(c->op)->saved) {
        pr_shape shape;
        pr_op_get(c->op)->saved(node, c->in, &shape);
        ck_ok(pr_tensor_create(&f->saved, f->ctx, PR_F32, &shape));
        f->call.saved = &f->saved;
    }
    op_forward(f);
}

void op_close(op_fixture *f)
{
    for (int32_t i = 0; i < PR_MAX_INPUTS; i++) pr_tensor_release(&f->in[i]);
    pr_tensor_release(&f->out);
    pr_tensor_release(&f->saved);
    pr_model_free(f->model);
    prune_context_free(f->ctx);
}

void op_forward(op_fixture *f)
{
    ck_ok(pr_op_get(f->call.node->op)->forward(&f->call));
}

void op_expect(const op_fixture *f, const double *wanted, double tolerance)
{
    for (int64_t i = 0; i < pr_tensor_count(&f->out); i++) {
        const double d = fabs((double)pr_f32(&f->out)[i] - wanted[i]);
        ck_assert_msg(d <= tolerance, "element %lld: %.9g instead of %.9g", (long long)i,
                      (double)pr_f32(&f->out)[i], wanted[i]);
    }
}

static double functional(op_fixture *f, const float *weights)
{
    double sum = 0;
    op_forward(f);
    for (int64_t i = 0; i < pr_tensor_count(&f->out); i++)
        sum += (double)weights[i] * (double)pr_f32(&f->out)[i];
    return sum;
}

/* Compares the analytic gradient of one tensor at evenly spread elements. */
static void check_tensor(op_fixture *f, const op_case *c, float *values, const pr_tensor *gradient,
                         const float *weights, const char *what)
{
    const int64_t count = pr_tensor_count(gradient);
    const int64_t step = count > SAMPLES ? count / SAMPLES : 1;
    const float h = 1e-2f;
    double largest = 1e-3;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)pr_f32(gradient)[i]));
    for (int64_t i = 0; i < count; i += step) {
        const float saved = values[i];
        values[i] = saved + h;
        const double up = functional(f, weights), x1 = (double)values[i];
        values[i] = saved - h;
        const double down = functional(f, weights), x0 = (double)values[i];
        values[i] = saved;
        const double numeric = (up - down) / (x1 - x0);
        /* Gradients add into what was there: the test put 1 there first. */
        const double analytic = (double)pr_f32(gradient)[i] - 1.0;
        ck_assert_msg(fabs(numeric - analytic) <= c->tolerance * largest,
                      "%s of %s, element %lld: %.6g analytic, %.6g numeric", what,
                      pr_op_name(c->op), (long long)i, analytic, numeric);
    }
}

static pr_tensor ones_like(prune_context *ctx, const pr_tensor *tensor)
{
    pr_tensor out;
    ck_ok(pr_tensor_create(&out, ctx, PR_F32, &tensor->shape));
    for (int64_t i = 0; i < pr_tensor_count(&out); i++) pr_f32(&out)[i] = 1.0f;
    return out;
}

static void check_with(const op_case *c, int32_t threads)
{
    op_fixture f;
    op_open(&f, c, threads);
    const pr_op_info *op = pr_op_get(c->op);
    const int32_t values = op->value_inputs ? op->value_inputs : c->n_inputs;
    pr_tensor weights, d_in[PR_MAX_INPUTS] = {0}, d_param[PR_MAX_PARAMS] = {0};
    ck_ok(pr_tensor_create(&weights, f.ctx, PR_F32, &f.out_shape));
    test_fill(pr_f32(&weights), pr_tensor_count(&weights), 5);
    f.call.d_out = &weights;
    for (int32_t i = 0; i < values; i++) {
        d_in[i] = ones_like(f.ctx, &f.in[i]);
        f.call.d_in[i] = &d_in[i];
    }
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) {
        if (!f.call.param[s]) continue;
        d_param[s] = ones_like(f.ctx, f.call.param[s]);
        f.call.d_param[s] = &d_param[s];
    }
    ck_ok(op->backward(&f.call));
    for (int32_t i = 0; i < values; i++)
        check_tensor(&f, c, pr_f32(&f.in[i]), &d_in[i], pr_f32(&weights), "input gradient");
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
        if (d_param[s].data)
            check_tensor(&f, c, pr_f32(f.call.param[s]), &d_param[s], pr_f32(&weights),
                         pr_op_slot(c->op, s));
    for (int32_t i = 0; i < PR_MAX_INPUTS; i++) pr_tensor_release(&d_in[i]);
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) pr_tensor_release(&d_param[s]);
    pr_tensor_release(&weights);
    op_close(&f);
}

void op_check_gradients(const op_case *c)
{
    check_with(c, 1);
    check_with(c, 3);
}
