#include "tests/support/opcheck.h"

#include <math.h>

static op_case make(int32_t mode, int64_t h, int64_t w, int64_t to_h, int64_t to_w)
{
    op_case c = {.op = PR_OP_RESIZE, .attrs = pr_attrs_default(), .n_inputs = 2, .tolerance = 1e-3};
    c.in[0] = pr_shape4(2, h, w, 3);
    c.in[1] = pr_shape4(2, to_h, to_w, 1);
    c.attrs.resize_mode = mode;
    return c;
}

static double source(int32_t mode, int64_t in, int64_t out, int64_t d)
{
    if (mode == PR_RESIZE_NEAREST) return floor((double)(d * in) / (double)out);
    if (mode == PR_RESIZE_BILINEAR_CORNERS)
        return out > 1 ? (double)(d * (in - 1)) / (double)(out - 1) : 0.0;
    return fmin(fmax(((double)d + 0.5) * (double)in / (double)out - 0.5, 0.0), (double)(in - 1));
}

static void check(op_case c)
{
    op_fixture f;
    op_open(&f, &c, 2);
    const int64_t *in = c.in[0].dim, *out = f.out_shape.dim;
    static double wanted[4096];
    for (int64_t i = 0; i < pr_shape_count(&f.out_shape); i++) {
        const double y = source(c.attrs.resize_mode, in[1], out[1], i / (out[2] * 3) % out[1]);
        const double x = source(c.attrs.resize_mode, in[2], out[2], i / 3 % out[2]);
        double sum = 0;
        for (int64_t a = 0; a < in[1]; a++)
            for (int64_t b = 0; b < in[2]; b++)
                sum += fmax(0, 1 - fabs(y - (double)a)) * fmax(0, 1 - fabs(x - (double)b)) *
                       (double)pr_f32(
                           &f.in[0])[((i / (out[1] * out[2] * 3) * in[1] + a) * in[2] + b) * 3 +
                                     i % 3];
        wanted[i] = sum;
    }
    op_expect(&f, wanted, 4e-6);
    op_close(&f);
    op_check_gradients(&c);
}

START_TEST(every_mode_up_and_down)
{
    for (int32_t mode = PR_RESIZE_NEAREST; mode <= PR_RESIZE_BILINEAR_CORNERS; mode++) {
        check(make(mode, 3, 4, 6, 8));
        check(make(mode, 7, 5, 3, 4));
        check(make(mode, 4, 4, 1, 7));
    }
}
END_TEST

START_TEST(factor_without_a_second_input)
{
    op_case c = make(PR_RESIZE_NEAREST, 3, 4, 1, 1);
    c.n_inputs = 1;
    c.attrs.factor = 2;
    op_fixture f;
    op_open(&f, &c, 1);
    ck_assert_int_eq(f.out_shape.dim[1], 6);
    ck_assert_int_eq(f.out_shape.dim[2], 8);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

TEST_MAIN("ops.resize", every_mode_up_and_down, factor_without_a_second_input)
