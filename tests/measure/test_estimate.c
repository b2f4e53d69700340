#include "libprune/measure/estimate.h"
#include "tests/measure/counters.h"
#include "tests/session/nets.h"

/* 3x3 convolution 3 -> 8 with relu, 1x1 convolution 8 -> 1 with sigmoid, at 4 x 6. */
enum { PIXELS = 4 * 6, MACS = PIXELS * (27 * 8 + 8), VALUES = PIXELS * 4 * (3 + 8 + 8 + 1) };

static prune_session *two_layers(prune_context *ctx, uint64_t *weights)
{
    prune_model *m;
    prune_session *session;
    ck_ok(pr_model_create(&m, ctx));
    pr_attrs a = pr_attrs_default();
    int32_t x = net_node(m, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    x = small_conv(m, "first", x, 3, 8, 3, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_RELU, "first.act", x);
    x = small_conv(m, "second", x, 8, 1, 1, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_SIGMOID, "depth", x);
    ck_ok(pr_model_add_output(m, "depth", x));
    m->meta.preprocess.height = 4, m->meta.preprocess.width = 6;
    m->meta.preprocess.multiple = 1;
    ck_ok(prune_session_create(&session, m, NULL));
    pr_model_free(m);
    *weights = 0;
    for (int32_t i = 0; i < prune_session_steps(session); i++) {
        prune_session_step step = {.struct_size = (uint32_t)sizeof step};
        ck_ok(prune_session_step_info(session, i, &step));
        *weights += step.weight_bytes;
    }
    return session;
}

START_TEST(sum_by_hand)
{
    prune_context *ctx = test_context(1);
    prune_energy_options o;
    uint64_t weights;
    prune_session *session = two_layers(ctx, &weights);
    prune_energy_options_init(&o);
    prune_frame_energy f = {0};
    ck_ok(pr_energy_estimate(session, &o, &f)); /* all of it fits into a megabyte */
    ck_assert(f.estimated);
    ck_assert_uint_eq(f.fp32_macs, MACS);
    ck_assert_uint_eq(f.int8_macs + f.dram_bytes, 0);
    ck_assert_uint_eq(f.cache_bytes, weights + VALUES);
    ck_assert_double_eq_tol(f.value, 1e-9 * (4.6 * MACS + 12.5 * (double)(weights + VALUES)),
                            1e-15);
    /* The first step reads and writes 24 * 11 * 4 bytes, the second 24 * 9 * 4. */
    o.cache_bytes = 1000;
    o.fp32_pj = 2, o.cache_pj = 3, o.dram_pj = 100;
    f = (prune_frame_energy){0};
    ck_ok(pr_energy_estimate(session, &o, &f));
    ck_assert_uint_eq(f.cache_bytes, 24 * 9 * 4);
    ck_assert_uint_eq(f.dram_bytes, weights + 24 * 11 * 4);
    ck_assert_double_eq_tol(
        f.value, 1e-9 * (2.0 * MACS + 3.0 * 24 * 9 * 4 + 100.0 * (double)(weights + 24 * 11 * 4)),
        1e-15);
    prune_session_free(session);
    prune_context_free(ctx);
}
END_TEST

START_TEST(int8_counts_apart)
{
    static float input[32 * 32 * 3];
    prune_context *ctx = test_context(1);
    prune_model *model = net_chain(ctx);
    prune_session *session;
    prune_energy_options o;
    prune_frame_energy before = {0}, after = {0};
    prune_energy_options_init(&o);
    ck_ok(prune_session_create(&session, model, NULL));
    ck_ok(pr_energy_estimate(session, &o, &before));
    prune_session_free(session);
    test_fill(input, 32 * 32 * 3, 3);
    annotate(model, input, 32, 32, false);
    ck_ok(prune_session_create(&session, model, NULL));
    ck_ok(pr_energy_estimate(session, &o, &after));
    prune_session_free(session);
    ck_assert_uint_eq(before.int8_macs, 0);
    ck_assert_uint_gt(after.int8_macs, 0);
    ck_assert_uint_eq(after.int8_macs + after.fp32_macs, before.fp32_macs);
    ck_assert_double_lt(after.value, before.value);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

static prune_status read_text(const char *text, prune_energy_options *o, char *source, size_t size)
{
    prune_energy_options_init(o);
    counters_write(test_path(0, "tables"), ".", "table.json", text);
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/table.json", test_path(0, "tables"));
    o->table = path;
    return pr_energy_table_read(o, source, size);
}

START_TEST(tables_from_files)
{
    prune_energy_options o;
    char source[512];
    prune_energy_options_init(&o);
    ck_ok(pr_energy_table_read(&o, source, sizeof source));
    ck_assert_str_eq(source, "Horowitz, ISSCC 2014, 45 nm");
    o.dram_pj = 20;
    ck_ok(pr_energy_table_read(&o, source, sizeof source));
    ck_assert_str_eq(source, "table given by options");
    ck_ok(read_text("{\"fp32-pj\": 1.25, \"int8-pj\": 0.1, \"cache-bytes\": 4194304,"
                    " \"source\": \"a phone, 7 nm\"}",
                    &o, source, sizeof source));
    ck_assert_str_eq(source, "a phone, 7 nm");
    ck_assert(o.fp32_pj == 1.25 && o.int8_pj == 0.1 && o.cache_bytes == 4194304);
    ck_assert(o.dram_pj == 162.5); /* what the file leaves out stays */
    ck_ok(read_text("{}", &o, source, sizeof source));
    ck_assert_ptr_nonnull(strstr(source, "table.json"));
    ck_fails(read_text("{\"fp64-pj\": 1}", &o, source, sizeof source), PRUNE_E_FORMAT, "fp64-pj");
    ck_fails(read_text("{\"fp32-pj\": \"1\"}", &o, source, sizeof source), PRUNE_E_FORMAT,
             "fp32-pj");
    ck_fails(read_text("{\"fp32-pj\": -1}", &o, source, sizeof source), PRUNE_E_ARGUMENT,
             "energy-fp32-pj");
    ck_fails(read_text("{\"fp32-pj\":\n 1", &o, source, sizeof source), PRUNE_E_FORMAT, "line 2");
    ck_fails(read_text("[1]", &o, source, sizeof source), PRUNE_E_FORMAT, "not a JSON object");
    ck_fails(read_text("", &o, source, sizeof source), PRUNE_E_FORMAT, "table.json");
    o.table = "/nonexistent/table.json";
    ck_fails(pr_energy_table_read(&o, source, sizeof source), PRUNE_E_IO, "/nonexistent");
}
END_TEST

TEST_MAIN("measure.estimate", sum_by_hand, int8_counts_apart, tables_from_files)
