#include "tests/support/opcheck.h"

#include <math.h>

static op_case make(int64_t gh, int64_t gw, int32_t rule)
{
    op_case c = {
        .op = PR_OP_TOKEN_EMBED, .attrs = pr_attrs_default(), .n_inputs = 1, .tolerance = 1e-3};
    c.in[0] = pr_shape4(2, gh, gw, 3);
    c.param[0] = pr_shape2(1, 3);
    c.param[1] = pr_shape2(1 + 5 * 5, 3);
    c.attrs.grid[0] = c.attrs.grid[1] = 5;
    c.attrs.prefix = 1;
    c.attrs.position_rule = rule;
    return c;
}

START_TEST(adds_the_table_as_it_is_on_its_own_grid)
{
    op_case c = make(5, 5, PR_POSITION_OFFSET);
    op_fixture f;
    op_open(&f, &c, 2);
    double wanted[2 * 26 * 3];
    for (int i = 0; i < 2 * 26 * 3; i++) {
        const int token = i / 3 % 26, n = i / (26 * 3);
        const double x = token == 0 ? (double)pr_f32(f.call.param[0])[i % 3]
                                    : (double)pr_f32(&f.in[0])[(n * 25 + token - 1) * 3 + i % 3];
        wanted[i] = x + (double)pr_f32(f.call.param[1])[token * 3 + i % 3];
    }
    op_expect(&f, wanted, 1e-6);
    op_close(&f);
    op_check_gradients(&c);
}
END_TEST

START_TEST(samples_other_grids)
{
    op_case offset = make(4, 7, PR_POSITION_OFFSET), size = make(4, 7, PR_POSITION_SIZE);
    op_check_gradients(&offset);
    op_check_gradients(&size);
}
END_TEST

/* The four weights at distance t, in double precision (reference-vectors of the specification). */
static void cubic(double t, double weight[4])
{
    for (int k = 0; k < 4; k++) {
        const double x = fabs(t - (k - 1)), a = -0.75;
        weight[k] = x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1
                           : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    }
}

START_TEST(source_coordinates_follow_the_specification)
{
    const struct {
        int64_t count, d;
        double source;
    } known[] = {{16, 8, 19.0341615},  {27, 13, 17.9317343}, {37, 18, 17.9501348},
                 {49, 24, 17.9623218}, {66, 33, 18.2518911}, {123, 61, 17.9849716}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int32_t index[4];
        float weight[4];
        double wanted[4];
        pr_position_taps(PR_POSITION_OFFSET, 37, known[i].count, known[i].d, index, weight);
        cubic(known[i].source - floor(known[i].source), wanted);
        ck_assert_int_eq(index[1], (int)known[i].source);
        for (int k = 0; k < 4; k++)
            ck_assert_double_eq_tol((double)weight[k], wanted[k], 5e-6);
    }
}
END_TEST

START_TEST(cubic_weights_follow_the_specification)
{
    /* Doubling a grid by exact size puts t at 0.25 and 0.75. */
    const double quarter[4] = {-0.105469, 0.878906, 0.261719, -0.035156};
    int32_t index[4];
    float weight[4];
    pr_position_taps(PR_POSITION_SIZE, 37, 74, 21, index, weight);
    for (int k = 0; k < 4; k++) ck_assert_double_eq_tol((double)weight[k], quarter[k], 1e-6);
    pr_position_taps(PR_POSITION_SIZE, 37, 74, 0, index, weight); /* -0.25: edges replicate */
    ck_assert_int_eq(index[0], 0);
    ck_assert_int_eq(index[1], 0);
    ck_assert_double_eq_tol((double)weight[3], -0.105469, 1e-6); /* t = 0.75 */
}
END_TEST

TEST_MAIN("ops.token_embed", adds_the_table_as_it_is_on_its_own_grid, samples_other_grids,
          source_coordinates_follow_the_specification, cubic_weights_follow_the_specification)
