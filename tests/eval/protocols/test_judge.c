/* Whole protocols against the golden values: the committed part always, the rest where it is. */
#include "libprune/image/image.h"
#include "tests/eval/golden.h"

static prune_context *ctx;

static void begin(void)
{
    ctx = test_context(2);
}

static void end(void)
{
    prune_context_free(ctx);
}

/* --- kitti-devkit ----------------------------------------------------------------------------*/
static void check_devkit_case(const char *root, const char *name, const json_t *entry)
{
    const pr_protocol *protocol = golden_protocol("kitti-devkit");
    const json_t *exact = json_object_get(json_object_get(entry, "float64_reference"), "per_image");
    const json_t *program =
        json_object_get(json_object_get(entry, "devkit_double_log"), "per_image");
    const json_t *means =
        json_object_get(json_object_get(entry, "float64_reference"), "mean_of_images");
    prune_evaluation_options options;
    prune_evaluation_options_init(&options);
    options.protocol = "kitti-devkit";
    prune_evaluation *evaluation;
    ck_ok(prune_evaluation_create(&evaluation, ctx, &options));
    size_t images = json_array_size(exact);
    ck_assert_uint_ge(images, 1);
    for (size_t i = 0; i < images; i++) {
        char path[600], label[100];
        prune_depth_map truth, map;
        (void)snprintf(path, sizeof path, "%s/kitti_devkit/%s/gt/%010d.png", root, name, (int)i);
        ck_ok(prune_depth_read(&truth, ctx, path, 256));
        (void)snprintf(path, sizeof path, "%s/kitti_devkit/%s/pred/%010d.png", root, name, (int)i);
        ck_ok(prune_depth_read(&map, ctx, path, 256));
        prune_sample sample = golden_sample(name, &truth);
        prune_prediction prediction = {map.width, map.height, map.values, 2, 0, 0};
        pr_judgement got;
        ck_ok(pr_protocol_judge(&got, ctx, protocol, PRUNE_ALIGN_DEFAULT, &prediction, &sample));
        (void)snprintf(label, sizeof label, "%s %d", name, (int)i);
        ck_assert_int_eq(
            golden_compare(&got, protocol->metrics, json_array_get(exact, i), 1e-9, label), 9);
        ck_assert_int_eq(
            golden_compare(&got, protocol->metrics, json_array_get(program, i), 5e-5, label), 9);
        ck_ok(prune_evaluation_add(evaluation, &prediction, &sample));
        prune_depth_free(ctx, &truth);
        prune_depth_free(ctx, &map);
    }
    for (int32_t m = 0; m < protocol->metrics->count; m++) {
        double mean;
        const char *metric = protocol->metrics->rows[m].name;
        ck_ok(prune_evaluation_mean(evaluation, metric, &mean, NULL, NULL));
        golden_close(mean, golden_number(json_object_get(means, metric)), 1e-9, metric);
    }
    prune_evaluation_free(evaluation);
}

static void check_devkit(const char *root, int least)
{
    json_t *expected = golden_load(root);
    const char *name;
    json_t *entry;
    int cases = 0;
    json_object_foreach(json_object_get(expected, "kitti_devkit"), name, entry)
    {
        check_devkit_case(root, name, entry);
        cases++;
    }
    ck_assert_int_ge(cases, least);
    json_decref(expected);
}

START_TEST(devkit_golden)
{
    check_devkit("tests/eval/golden", 6);
    const char *root = test_golden("eval");
    if (root) check_devkit(root, 8);
}
END_TEST

/* --- affine ----------------------------------------------------------------------------------*/
/* The golden values were made without the crop, so this row is the table's without it. */
static void check_affine(const char *root, int frame, const json_t *entry)
{
    pr_protocol whole = *golden_protocol("affine");
    whole.crop = pr_crop_none;
    char path[600];
    prune_depth_map truth;
    (void)snprintf(path, sizeof path, "%s/affine/gt_%d.png", root, frame);
    ck_ok(prune_depth_read(&truth, ctx, path, 256));
    (void)snprintf(path, sizeof path, "%s/affine/disp_%d.f32", root, frame);
    float *values = golden_map(path, 96 * 320);
    ck_assert_ptr_nonnull(values);
    prune_sample sample = golden_sample("affine", &truth);
    prune_prediction prediction = {320, 96, values, 0, 0, 0};
    pr_judgement got;
    ck_ok(pr_protocol_judge(&got, ctx, &whole, PRUNE_ALIGN_DEFAULT, &prediction, &sample));
    ck_assert_int_eq(got.align, PRUNE_ALIGN_AFFINE);
    const json_t *exact = json_object_get(entry, "float64");
    /* Frame 2 is constant: there the rule is MiDaS', everything at the cap. */
    const json_t *midas = json_object_get(json_object_get(entry, "midas_dpt_cap80_mask_gt>0"),
                                          "then_zoe_metrics_clip_1e-3_80");
    if (frame == 2) {
        const double mask = json_number_value(json_object_get(midas, "abs_rel"));
        ck_assert_double_gt(mask, 5);
        ck_assert_double_gt(got.values[0], 5);
    } else {
        golden_close(got.values[0], golden_number(json_object_get(exact, "abs_rel")), 1e-5,
                     "abs_rel");
        golden_close(got.values[2], golden_number(json_object_get(exact, "rmse")), 1e-5, "rmse");
        ck_assert_double_eq_tol(got.values[6], golden_number(json_object_get(exact, "delta1")),
                                2.0 / (double)got.pixels);
    }
    /* The same numbers over Zoe's mask, g < 80, in the float32 of the original. */
    whole.truth_above = 1e-3;
    whole.truth_below = 80;
    pr_judgement masked;
    ck_ok(pr_protocol_judge(&masked, ctx, &whole, PRUNE_ALIGN_DEFAULT, &prediction, &sample));
    if (masked.pixels == got.pixels)
        ck_assert_int_ge(golden_compare(&masked, whole.metrics, midas, 5e-5, "midas"), 7);
    free(values);
    prune_depth_free(ctx, &truth);
}

START_TEST(affine_golden)
{
    json_t *expected = golden_load("tests/eval/golden");
    const json_t *frames = json_object_get(json_object_get(expected, "affine"), "per_image");
    check_affine("tests/eval/golden", 1, json_array_get(frames, 1));
    json_decref(expected);
    const char *root = test_golden("eval");
    if (!root) return;
    char kept[512];
    (void)snprintf(kept, sizeof kept, "%s", root);
    expected = golden_load(kept);
    frames = json_object_get(json_object_get(expected, "affine"), "per_image");
    for (int i = 0; i < 3; i++) check_affine(kept, i, json_array_get(frames, (size_t)i));
    json_decref(expected);
}
END_TEST

/* --- eigen -----------------------------------------------------------------------------------*/
typedef struct eigen_case {
    const char *key, *protocol;
    prune_align align;
    float factor; /* metric prediction = factor / disparity where above 0 */
} eigen_case;

static void check_eigen_frame(const char *root, const json_t *frame, const eigen_case *which,
                              const json_t *wanted)
{
    char path[700];
    prune_depth_map truth;
    (void)snprintf(path, sizeof path, "%s/%s", root,
                   json_string_value(json_object_get(frame, "gt")));
    ck_ok(prune_depth_read(&truth, ctx, path, 256));
    (void)snprintf(path, sizeof path, "%s/%s", root,
                   json_string_value(json_object_get(frame, "disp")));
    float *small = golden_map(path, 192 * 640);
    ck_assert_ptr_nonnull(small);
    size_t count = (size_t)truth.width * (size_t)truth.height;
    float *values = malloc(count * sizeof *values);
    ck_ok(pr_image_resize_map(ctx, PR_FILTER_BILINEAR, small, 640, 192, values, truth.width,
                              truth.height));
    prune_prediction prediction = {truth.width, truth.height, values, 1, 1, 0};
    if (which->factor > 0) {
        prediction.output_kind = 2;
        for (size_t i = 0; i < count; i++) values[i] = which->factor / values[i];
    }
    prune_sample sample = golden_sample(which->key, &truth);
    const pr_protocol *protocol = golden_protocol(which->protocol);
    pr_judgement got;
    ck_ok(pr_protocol_judge(&got, ctx, protocol, which->align, &prediction, &sample));
    ck_assert_int_eq(golden_compare(&got, protocol->metrics, wanted, 1e-5, which->key), 7);
    free(small);
    free(values);
    prune_depth_free(ctx, &truth);
}

START_TEST(eigen_golden)
{
    static const eigen_case cases[] = {
        {"monodepth2_eigen_mono", "eigen", PRUNE_ALIGN_MEDIAN, 0},
        {"monodepth2_eigen_stereo_x5.4", "eigen", PRUNE_ALIGN_NONE, 5.4F},
        {"monodepth2_eigen_benchmark_mono", "eigen-benchmark", PRUNE_ALIGN_DEFAULT, 0},
    };
    const char *found = test_golden("eval");
    if (!found) return;
    char root[512];
    (void)snprintf(root, sizeof root, "%s", found);
    json_t *expected = golden_load(root), *eigen = json_object_get(expected, "eigen");
    const json_t *frames = json_object_get(eigen, "frames");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        for (size_t i = 0; i < 3; i++)
            check_eigen_frame(
                root, json_array_get(frames, i), &cases[c],
                json_array_get(json_object_get(json_object_get(eigen, cases[c].key), "per_image"),
                               i));
    json_decref(expected);
}
END_TEST

/* BTS' numbers: its predictions are the 352 x 1216 bottom centre of the frame, the rest is 0. They
 * pin SILog and log10, which monodepth2 does not have. */
START_TEST(bts_golden)
{
    const char *found = test_golden("eval");
    if (!found) return;
    char root[512], path[700];
    (void)snprintf(root, sizeof root, "%s", found);
    json_t *expected = golden_load(root), *bts = json_object_get(expected, "bts_zoe");
    const json_t *frames = json_object_get(bts, "kb_frames");
    const json_t *wanted = json_object_get(json_object_get(bts, "bts_kitti_garg"), "per_image");
    for (size_t i = 0; i < json_array_size(frames); i++) {
        const json_t *frame = json_array_get(frames, i);
        prune_depth_map truth, map;
        (void)snprintf(path, sizeof path, "%s/%s", root,
                       json_string_value(json_object_get(frame, "gt")));
        ck_ok(prune_depth_read(&truth, ctx, path, 256));
        (void)snprintf(path, sizeof path, "%s/%s", root,
                       json_string_value(json_object_get(frame, "pred")));
        ck_ok(prune_depth_read(&map, ctx, path, 256));
        float *values = calloc((size_t)truth.width * (size_t)truth.height, sizeof *values);
        int top = truth.height - 352, left = (truth.width - 1216) / 2;
        for (int y = 0; y < 352; y++)
            memcpy(values + (top + y) * truth.width + left, map.values + y * 1216,
                   1216 * sizeof *values);
        prune_sample sample = golden_sample("bts", &truth);
        prune_prediction prediction = {truth.width, truth.height, values, 2, 0, 0};
        pr_judgement got;
        ck_ok(pr_protocol_judge(&got, ctx, golden_protocol("eigen"), PRUNE_ALIGN_NONE, &prediction,
                                &sample));
        ck_assert_int_eq(
            golden_compare(&got, &pr_metrics_eigen, json_array_get(wanted, i), 1e-5, "bts"), 9);
        free(values);
        prune_depth_free(ctx, &truth);
        prune_depth_free(ctx, &map);
    }
    json_decref(expected);
}
END_TEST

/* --- by hand ---------------------------------------------------------------------------------*/
START_TEST(masks_caps_and_kinds)
{
    enum { W = 100, H = 100 };
    static float depth[W * H], values[W * H];
    for (int i = 0; i < W * H; i++) depth[i] = values[i] = 0;
    /* Inside the Garg window (rows 40..98, columns 3..95): one pixel each. */
    depth[50 * W + 50] = 10, values[50 * W + 50] = 12;
    depth[51 * W + 50] = 80, values[51 * W + 50] = 1;   /* not below 80 */
    depth[52 * W + 50] = 40, values[52 * W + 50] = 200; /* clamped to 80 */
    depth[10 * W + 50] = 5, values[10 * W + 50] = 50;   /* outside the crop */
    prune_depth_map truth = {W, H, depth};
    prune_sample sample = golden_sample("hand", &truth);
    prune_prediction prediction = {W, H, values, 2, 0, 0};
    pr_judgement got;
    ck_ok(pr_protocol_judge(&got, ctx, golden_protocol("eigen"), PRUNE_ALIGN_DEFAULT, &prediction,
                            &sample));
    ck_assert_uint_eq(got.pixels, 2);
    ck_assert_double_eq_tol(got.values[0], (0.2 + 1.0) / 2, 1e-7);
    ck_ok(pr_protocol_judge(&got, ctx, golden_protocol("eigen-benchmark"), PRUNE_ALIGN_DEFAULT,
                            &prediction, &sample));
    ck_assert_uint_eq(got.pixels, 4);
    /* The same depths as disparity 1/d = 0.5 + 2 v, half as far: the median repairs the factor. */
    for (int i = 0; i < W * H; i++) values[i] = depth[i] > 0 ? (2 / depth[i] - 0.5F) / 2 : 0;
    prediction = (prune_prediction){W, H, values, 1, 2, 0.5};
    ck_ok(pr_protocol_judge(&got, ctx, golden_protocol("eigen"), PRUNE_ALIGN_DEFAULT, &prediction,
                            &sample));
    ck_assert_double_lt(got.values[0], 1e-6);
    ck_assert_int_eq(got.align, PRUNE_ALIGN_MEDIAN);
}
END_TEST

START_TEST(refusals_name_the_frame)
{
    float depth[4] = {1, 2, 3, 4}, values[6] = {1, 2, 3, 4, 5, 6};
    prune_depth_map truth = {2, 2, depth};
    prune_sample sample = golden_sample("frame7", &truth);
    const pr_protocol *all = golden_protocol("eigen-benchmark");
    prune_prediction prediction = {3, 2, values, 2, 0, 0};
    pr_judgement got;
    ck_fails(pr_protocol_judge(&got, ctx, all, PRUNE_ALIGN_NONE, &prediction, &sample),
             PRUNE_E_SHAPE, "frame7: the prediction is 3x2, but the ground truth is 2x2");
    prediction.width = 2;
    values[2] = NAN;
    ck_fails(pr_protocol_judge(&got, ctx, all, PRUNE_ALIGN_NONE, &prediction, &sample),
             PRUNE_E_FORMAT, "frame7: the prediction holds NaN at row 1, column 0");
    values[2] = 3;
    memset(depth, 0, sizeof depth);
    ck_fails(pr_protocol_judge(&got, ctx, all, PRUNE_ALIGN_NONE, &prediction, &sample),
             PRUNE_E_ARGUMENT, "frame7: the ground truth has no valid pixel");
    sample.depth = NULL;
    ck_fails(pr_protocol_judge(&got, ctx, all, PRUNE_ALIGN_NONE, &prediction, &sample),
             PRUNE_E_ARGUMENT, "frame7: the frame has no ground truth");
    sample.depth = depth;
    depth[0] = 1;
    memset(values, 0, sizeof values);
    ck_fails(pr_protocol_judge(&got, ctx, all, PRUNE_ALIGN_MEDIAN, &prediction, &sample),
             PRUNE_E_ARGUMENT, "frame7: the prediction's median is 0");
    ck_fails(pr_protocol_judge(&got, ctx, golden_protocol("affine-nyu"), PRUNE_ALIGN_DEFAULT,
                               &prediction, &sample),
             PRUNE_E_SHAPE, "not defined for 2x2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval.judge");
    TCase *tcase = tcase_create("judge");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_set_timeout(tcase, 120);
    const TTest *const tests[] = {devkit_golden, affine_golden,        eigen_golden,
                                  bts_golden,    masks_caps_and_kinds, refusals_name_the_frame};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
