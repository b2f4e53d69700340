#include "tests/support/opcheck.h"

#include <math.h>

static op_case make(int32_t norm_width)
{
    op_case c = {
        .op = PR_OP_LAYER_NORM, .attrs = pr_attrs_default(), .n_inputs = 1, .tolerance = 2e-3};
    c.in[0] = pr_shape3(2, 3, 6);
    c.param[0] = c.param[1] = pr_shape1(6);
    c.attrs.norm_width = norm_width;
    return c;
}

static void check(op_case c)
{
    op_fixture f;
    op_open(&f, &c, 2);
    const double width = c.attrs.norm_width ? c.attrs.norm_width : 6;
    double wanted[36];
    for (int r = 0; r < 6; r++) {
        const float *x = pr_f32(&f.in[0]) + r * 6;
        double sum = 0, squares = 0;
        for (int k = 0; k < 6; k++) sum += (double)x[k];
        const double mean = sum / width;
        for (int k = 0; k < (int)width; k++) {
            const double v = k < 6 ? (double)x[k] : 0.0; /* removed channels count as zeros */
            squares += (v - mean) * (v - mean);
        }
        for (int k = 0; k < 6; k++)
            wanted[r * 6 + k] = ((double)x[k] - mean) / sqrt(squares / width + 1e-6) *
                                    (double)pr_f32(f.call.param[0])[k] +
                                (double)pr_f32(f.call.param[1])[k];
    }
    op_expect(&f, wanted, 2e-6);
    op_close(&f);
    op_check_gradients(&c);
}

START_TEST(normalises_the_last_axis)
{
    check(make(0));
}
END_TEST

START_TEST(counts_removed_channels_as_zeros)
{
    check(make(9));
}
END_TEST

TEST_MAIN("ops.layer_norm", normalises_the_last_axis, counts_removed_channels_as_zeros)
