#include "tests/support/opcheck.h"

#include <math.h>
#include <stdlib.h>

static op_case make(int64_t tokens, int32_t heads, int32_t qk, int32_t v)
{
    op_case c = {
        .op = PR_OP_ATTENTION, .attrs = pr_attrs_default(), .n_inputs = 3, .tolerance = 2e-3};
    c.in[0] = c.in[1] = pr_shape3(2, tokens, heads * qk);
    c.in[2] = pr_shape3(2, tokens, heads * v);
    c.attrs.heads = heads;
    c.attrs.qk_width = qk;
    c.attrs.v_width = v;
    c.attrs.scale = 0.7f;
    return c;
}

static void definition(const op_fixture *f, const op_case *c, double *wanted)
{
    const int64_t t = c->in[0].dim[1], heads = c->attrs.heads, dq = c->attrs.qk_width,
                  dv = c->attrs.v_width;
    const float *q = pr_f32(&f->in[0]), *k = pr_f32(&f->in[1]), *v = pr_f32(&f->in[2]);
    double *p = malloc((size_t)t * sizeof *p);
    for (int64_t item = 0; item < 2 * heads * t; item++) {
        const int64_t n = item / (heads * t), h = item / t % heads, i = item % t;
        double sum = 0;
        for (int64_t j = 0; j < t; j++) {
            double dot = 0;
            for (int64_t d = 0; d < dq; d++)
                dot += (double)q[((n * t + i) * heads + h) * dq + d] *
                       (double)k[((n * t + j) * heads + h) * dq + d];
            sum += p[j] = exp(dot * (double)c->attrs.scale);
        }
        for (int64_t d = 0; d < dv; d++) {
            double out = 0;
            for (int64_t j = 0; j < t; j++)
                out += p[j] / sum * (double)v[((n * t + j) * heads + h) * dv + d];
            wanted[((n * t + i) * heads + h) * dv + d] = out;
        }
    }
    free(p);
}

static void check(op_case c)
{
    op_fixture f;
    op_open(&f, &c, 2);
    double *wanted = malloc((size_t)pr_shape_count(&f.out_shape) * sizeof *wanted);
    definition(&f, &c, wanted);
    op_expect(&f, wanted, 2e-6);
    free(wanted);
    op_close(&f);
    op_check_gradients(&c);
}

START_TEST(matches_its_definition)
{
    check(make(5, 2, 4, 4));
    check(make(6, 3, 2, 5));  /* widths that differ */
    check(make(70, 1, 8, 4)); /* more than one block of queries */
}
END_TEST

TEST_MAIN("ops.attention", matches_its_definition)
