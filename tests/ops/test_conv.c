#include "tests/support/opcheck.h"

#include <stdlib.h>

static op_case make(int64_t h, int64_t w, int64_t in, int64_t out, int64_t k, int32_t stride,
                    int32_t pad, int32_t mode, int32_t groups)
{
    op_case c = {.op = PR_OP_CONV, .attrs = pr_attrs_default(), .n_inputs = 1, .tolerance = 1e-3};
    c.in[0] = pr_shape4(2, h, w, in);
    c.param[0] = pr_shape4(out, k, k, in / groups);
    c.param[1] = pr_shape1(out);
    c.attrs.stride[0] = c.attrs.stride[1] = stride;
    for (int i = 0; i < 4; i++) c.attrs.pad[i] = pad;
    c.attrs.pad_mode = mode;
    c.attrs.groups = groups;
    return c;
}

static int64_t mirror(int64_t p, int64_t n)
{
    return p < 0 ? -p : p >= n ? 2 * (n - 1) - p : p;
}

/* One output element from the definition. */
static double element(const op_fixture *f, const op_case *c, int64_t n, int64_t oy, int64_t ox,
                      int64_t o)
{
    const int64_t *x = c->in[0].dim, *w = c->param[0].dim, part = w[3];
    const int64_t group = o / (w[0] / c->attrs.groups);
    double sum = (double)pr_f32(f->call.param[1])[o];
    for (int64_t ky = 0; ky < w[1]; ky++)
        for (int64_t kx = 0; kx < w[2]; kx++) {
            int64_t y = oy * c->attrs.stride[0] - c->attrs.pad[0] + ky;
            int64_t z = ox * c->attrs.stride[1] - c->attrs.pad[1] + kx;
            if (c->attrs.pad_mode == PR_PAD_REFLECT) y = mirror(y, x[1]), z = mirror(z, x[2]);
            if (y < 0 || z < 0 || y >= x[1] || z >= x[2]) continue;
            for (int64_t i = 0; i < part; i++)
                sum += (double)pr_f32(f->call.param[0])[((o * w[1] + ky) * w[2] + kx) * part + i] *
                       (double)pr_f32(
                           &f->in[0])[((n * x[1] + y) * x[2] + z) * x[3] + group * part + i];
        }
    return sum;
}

static void check(op_case c)
{
    op_fixture f;
    op_open(&f, &c, 2);
    const int64_t *d = f.out_shape.dim;
    double *wanted = malloc((size_t)pr_shape_count(&f.out_shape) * sizeof *wanted);
    for (int64_t i = 0; i < pr_shape_count(&f.out_shape); i++)
        wanted[i] = element(&f, &c, i / (d[1] * d[2] * d[3]), i / (d[2] * d[3]) % d[1],
                            i / d[3] % d[2], i % d[3]);
    op_expect(&f, wanted,
              2e-6 * (double)(c.param[0].dim[1] * c.param[0].dim[2] * c.param[0].dim[3]));
    free(wanted);
    op_close(&f);
    op_check_gradients(&c);
}

START_TEST(matches_its_definition)
{
    check(make(7, 9, 3, 5, 3, 1, 1, PR_PAD_ZEROS, 1));
    check(make(9, 8, 4, 6, 3, 2, 1, PR_PAD_ZEROS, 1));
    check(make(14, 14, 3, 8, 7, 7, 0, PR_PAD_ZEROS, 1)); /* patch embedding */
    check(make(5, 6, 4, 3, 1, 1, 0, PR_PAD_ZEROS, 1));
    check(make(9, 7, 3, 4, 7, 2, 3, PR_PAD_ZEROS, 1));
}
END_TEST

START_TEST(reflects_at_the_border)
{
    check(make(6, 5, 3, 4, 3, 1, 1, PR_PAD_REFLECT, 1));
    check(make(40, 5, 2, 4, 3, 1, 1, PR_PAD_REFLECT, 1)); /* several bands of lines */
}
END_TEST

START_TEST(keeps_groups_apart)
{
    check(make(6, 7, 6, 6, 3, 1, 1, PR_PAD_ZEROS, 6));
    check(make(6, 7, 6, 4, 3, 1, 1, PR_PAD_ZEROS, 2));
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
    op_fixture f;
    pr_shape out;
    op_case c = make(7, 9, 3, 5, 3, 1, 1, PR_PAD_ZEROS, 1);
    op_open(&f, &c, 1);
    const pr_node *node = f.call.node;
    pr_shape wrong = pr_shape4(2, 7, 9, 4), small = pr_shape4(1, 1, 1, 3);
    ck_fails(pr_op_conv.infer(f.model, node, &wrong, &out), PRUNE_E_SHAPE, "4 channels");
    f.model->nodes[f.node].attrs.pad[0] = f.model->nodes[f.node].attrs.pad[2] = 0;
    ck_fails(pr_op_conv.infer(f.model, node, &small, &out), PRUNE_E_SHAPE, "smaller");
    op_close(&f);
}
END_TEST

TEST_MAIN("ops.conv", matches_its_definition, reflects_at_the_border, keeps_groups_apart,
          refuses_what_does_not_fit)
