#include "tests/measure/counters.h"
#include "tests/support/nets.h"

#include <jansson.h>
#include <prune/measure.h>
#include <stdlib.h>

/* The machine's counter moves by a fixed amount whenever the library asks whether to stop, which it
 * does once a picture. */
typedef struct machine {
    char root[1024];
    unsigned long long package, step, range;
    int asked, stop_after;
} machine;

static bool tick(void *user)
{
    machine *m = user;
    m->asked++;
    m->package = (m->package + m->step) % m->range;
    counters_set(m->root, "intel-rapl:0", m->package);
    return m->stop_after > 0 && m->asked >= m->stop_after;
}

static prune_context *ticking_context(machine *m)
{
    prune_context_options options;
    prune_context *ctx;
    prune_context_options_init(&options);
    options.threads = 1;
    options.user = m;
    options.cancel = tick;
    ck_ok(prune_context_create(&ctx, &options));
    return ctx;
}

static machine new_machine(unsigned long long step, unsigned long long range)
{
    machine m = {.step = step, .range = range};
    (void)snprintf(m.root, sizeof m.root, "%s", test_path(0, "powercap"));
    counters_add(m.root, "intel-rapl:0", "package-0", range, 0);
    counters_add(m.root, "intel-rapl:0:0", "core", range, 0);
    return m;
}

static prune_frame_energy frame_of(const prune_energy *energy, int32_t model)
{
    prune_frame_energy frame = {.struct_size = (uint32_t)sizeof frame};
    ck_ok(prune_energy_frame(energy, model, &frame));
    return frame;
}

static prune_energy_options options_for(const machine *m)
{
    prune_energy_options o;
    prune_energy_options_init(&o);
    o.root = m->root;
    o.seconds = 0.01;
    o.idle_seconds = 0;
    return o;
}

START_TEST(counters_per_picture)
{
    machine m = new_machine(2000, 1999999); /* 2 mJ a picture */
    m.package = m.range - 2 * m.step;       /* about to start again */
    counters_set(m.root, "intel-rapl:0", m.package);
    prune_context *ctx = ticking_context(&m);
    prune_model *vit = net_vit(ctx), *conv = net_conv(ctx);
    const prune_model *models[] = {vit, conv};
    prune_energy_options o = options_for(&m);
    prune_energy *energy;
    char *text;
    o.seconds = 0.001;
    ck_ok(prune_energy_run(&energy, ctx, models, 2, &o));
    for (int32_t i = 0; i < 2; i++) {
        const prune_frame_energy f = frame_of(energy, i);
        ck_assert(!f.estimated);
        ck_assert_int_ge(f.frames, 5); /* at least one in each window */
        ck_assert_double_eq_tol(f.value, 2, 1e-9);
        ck_assert_double_gt(f.busy_watts, 0);
        ck_assert_double_eq(f.idle_watts, 0);
        ck_assert_str_eq(f.source, "RAPL package-0; no idle baseline subtracted");
        ck_assert_ptr_null(f.reason);
    }
    ck_assert_uint_lt(m.package, m.range - 2 * m.step); /* it did */
    ck_ok(prune_energy_json(energy, 1, &text));
    json_t *root = json_loads(text, 0, NULL);
    ck_assert(json_is_false(json_object_get(root, "estimated")));
    const json_t *domains = json_object_get(root, "domains");
    ck_assert_int_eq((int)json_array_size(domains), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(domains, 1), "name")),
                     "core");
    ck_assert(json_is_false(json_object_get(json_array_get(domains, 1), "counted")));
    json_decref(root);
    prune_text_free(text);
    prune_energy_free(energy);
    prune_model_free(vit), prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

START_TEST(the_baseline_is_subtracted)
{
    machine m = new_machine(1000, 1ULL << 40);
    prune_context *ctx = ticking_context(&m);
    prune_model *conv = net_conv(ctx);
    prune_energy_options o = options_for(&m);
    prune_energy *energy;
    o.idle_seconds = 0.05;
    ck_ok(prune_energy_run(&energy, ctx, (const prune_model *const[]){conv}, 1, &o));
    const prune_frame_energy f = frame_of(energy, 0);
    ck_assert_double_gt(f.idle_watts, 0); /* it asks while resting, too */
    /* 1 mJ a picture before the subtraction. */
    ck_assert_double_eq_tol(f.value, 1 - 1e3 * f.idle_watts * f.seconds / f.frames, 1e-9);
    ck_assert_double_eq_tol(f.busy_watts * f.seconds, 1e-3 * f.frames, 1e-9);
    ck_assert_ptr_nonnull(strstr(f.source, "W subtracted"));
    prune_energy_free(energy);
    prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

START_TEST(an_estimate_says_so)
{
    prune_context *ctx = test_context(1);
    prune_model *conv = net_conv(ctx);
    const prune_model *models[] = {conv};
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    prune_energy_options o;
    prune_energy *energy = NULL;
    char *text;
    prune_energy_options_init(&o);
    o.root = test_path(0, "nothing");
    o.height = 16, o.width = 24;
    ck_ok(prune_energy_run(&energy, ctx, models, 1, &o));
    prune_frame_energy f = frame_of(energy, 0);
    ck_ok(prune_model_describe(conv, 16, 24, &info));
    ck_assert(f.estimated && f.frames == 0 && f.busy_watts == 0);
    ck_assert_uint_eq(f.fp32_macs, info.macs); /* at the size that was asked for */
    ck_assert_ptr_nonnull(strstr(f.source, "estimate"));
    ck_assert_ptr_nonnull(strstr(f.source, "Horowitz"));
    ck_assert_ptr_nonnull(strstr(f.reason, "no such folder"));
    ck_ok(prune_energy_json(energy, 0, &text));
    json_t *root = json_loads(text, 0, NULL);
    ck_assert(json_is_true(json_object_get(root, "estimated")));
    ck_assert_double_eq_tol(json_number_value(json_object_get(root, "value")), f.value, 1e-12);
    json_decref(root);
    prune_text_free(text);
    prune_energy_free(energy);
    o.method = PRUNE_ENERGY_ESTIMATE;
    ck_ok(prune_energy_run(&energy, ctx, models, 1, &o));
    ck_assert_ptr_null(frame_of(energy, 0).reason);
    ck_assert_double_eq(frame_of(energy, 0).value, f.value); /* the same every time */
    prune_energy_free(energy);
    energy = NULL;
    o.method = PRUNE_ENERGY_RAPL;
    ck_fails(prune_energy_run(&energy, ctx, models, 1, &o), PRUNE_E_UNSUPPORTED, "no such folder");
    ck_assert_ptr_null(energy);
    prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

START_TEST(cancel_and_bad_options)
{
    machine m = new_machine(1000, 1ULL << 40);
    m.stop_after = 3;
    prune_context *ctx = ticking_context(&m);
    prune_model *conv = net_conv(ctx);
    const prune_model *models[] = {conv};
    prune_energy_options o = options_for(&m);
    prune_energy *energy = NULL;
    o.seconds = 60;
    ck_fails(prune_energy_run(&energy, ctx, models, 1, &o), PRUNE_E_CANCELLED, "");
    ck_assert_int_eq(m.asked, 3);
    m.asked = 0;
    o.idle_seconds = 60;
    ck_fails(prune_energy_run(&energy, ctx, models, 1, &o), PRUNE_E_CANCELLED, "");
    o.seconds = -1;
    ck_fails(prune_energy_run(&energy, ctx, models, 1, &o), PRUNE_E_ARGUMENT, "energy-seconds");
    ck_fails(prune_energy_run(&energy, ctx, models, 0, NULL), PRUNE_E_ARGUMENT, "one model");
    ck_assert_ptr_null(energy);
    prune_energy_free(NULL);
    prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("measure.energy", counters_per_picture, the_baseline_is_subtracted, an_estimate_says_so,
          cancel_and_bad_options)
