/* Depth Anything V2 against torch and transformers: tiny models in tests/golden, full-size ones in
 * $PRUNE_ORACLE_DIR (both written by tests/tools/dav2_oracle.py).
 * Covers: depth_anything_v2_graph.c, families.c */
#include "libprune/base/file.h"
#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/shapes.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

/* The oracle's picture: a multiplicative hash of the index, in [-1, 1). */
static void fill_image(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t hash = (uint32_t)((uint64_t)i * 2654435761u);
        values[i] = (float)(hash >> 8) / 8388608.0f - 1.0f;
    }
}

static prune_model *load(prune_context *ctx, const char *path, const char *kind)
{
    prune_load_options o;
    prune_model *model;
    prune_load_options_init(&o);
    if (strcmp(kind, "relative") == 0) o.output = 1;
    if (strcmp(kind, "metric20") == 0) {
        o.output = 2;
        o.max_depth = 20;
    }
    if (strstr(path, "tiny.pth") || strstr(path, "gated.pth")) o.heads = 4;
    ck_ok(prune_model_load(&model, ctx, path, &o));
    return model;
}

/* One line of a .cases file: model, kind, height, width, file of expected output. */
static void check_case(prune_context *ctx, const char *folder, const char *line)
{
    char name[128], kind[32], file[128], path[512];
    int height, width;
    ck_assert_int_eq(sscanf(line, "%127s %31s %d %d %127s", name, kind, &height, &width, file), 5);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    prune_model *model = load(ctx, path, kind);
    pr_run *run;
    pr_mapped wanted;
    int64_t pixels = (int64_t)height * width;
    float *input = pr_alloc(ctx, (size_t)pixels * 3 * sizeof *input);
    fill_image(input, pixels * 3);
    ck_ok(pr_run_create(&run, model, 1, height, width, NULL));
    ck_ok(pr_run_forward(run, input));
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    ck_ok(pr_file_map(&wanted, path));
    ck_assert_uint_eq(wanted.size, (uint64_t)pixels * 4);
    const float *golden = (const float *)(const void *)wanted.data;
    double rms = test_rms(pr_f32(pr_run_output(run)), golden, pixels);
    double max = test_max(pr_f32(pr_run_output(run)), golden, pixels);
    (void)printf("%s %s %dx%d: rms %.2e, max %.2e\n", name, kind, height, width, rms, max);
    ck_assert_double_le(rms, 1e-4);
    ck_assert_double_le(max, 1e-3);
    pr_file_unmap(&wanted);
    pr_run_free(run);
    pr_free(ctx, input);
    prune_model_free(model);
}

static int check_cases(const char *folder, const char *name)
{
    char path[512], line[512];
    int count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    prune_context *ctx = test_context(0);
    while (fgets(line, sizeof line, file)) {
        check_case(ctx, folder, line);
        count++;
    }
    (void)fclose(file);
    prune_context_free(ctx);
    return count;
}

START_TEST(tiny_models_agree_with_torch)
{
    ck_assert_int_eq(check_cases("tests/golden", "dav2_tiny.cases"), 4);
    ck_assert_int_eq(check_cases("tests/golden", "dav2_gated.cases"), 3); /* SwiGLU, as in G */
}
END_TEST

START_TEST(full_models_agree_with_torch)
{
    const char *folder = getenv("PRUNE_ORACLE_DIR");
    if (!folder) {
        (void)printf("SKIP: full-size models: set PRUNE_ORACLE_DIR (tests/tools/dav2_oracle.py)\n");
        return;
    }
    int count = check_cases(folder, "dav2_s.cases") + check_cases(folder, "dav2_b.cases") +
                check_cases(folder, "dav2_l.cases") + check_cases(folder, "dav2_tiny.cases");
    ck_assert_int_gt(count, 0);
}
END_TEST

/* Parameters of a configuration whose position table has 37 x 37 places, mask token and the dead
 * unit of the coarsest fusion stage left out: summed up from depth-anything-v2's table of shapes.
 */
static int64_t count_of(int64_t d, int64_t blocks, int64_t hidden, bool gated,
                        const int64_t neck[4], int64_t f, int64_t head)
{
    int64_t mlp =
        gated ? d * 2 * hidden + 2 * hidden + hidden * d + d : d * hidden + hidden + hidden * d + d;
    int64_t block = 4 * d + (3 * d * d + 3 * d) + (d * d + d) + 2 * d + mlp;
    int64_t encoder = d + 1370 * d + (588 * d + d) + blocks * block + 2 * d;
    int64_t rest = 0;
    for (int l = 0; l < 4; l++) rest += d * neck[l] + neck[l] + 9 * neck[l] * f;
    rest += 16 * neck[0] * neck[0] + neck[0] + 4 * neck[1] * neck[1] + neck[1];
    rest += 9 * neck[3] * neck[3] + neck[3];
    rest += 4 * (f * f + f) + 14 * (9 * f * f + f);
    rest += 9 * f * (f / 2) + f / 2 + 9 * (f / 2) * head + head + head + 1;
    return encoder + rest;
}

/* What the builder makes equals the formula, and the formula at the real sizes equals what torch
 * counts (dav2_oracle.py count) without the dead tensors: the giant would need 5 GB to be built. */
START_TEST(parameters_are_counted_as_published)
{
    static const struct {
        int64_t d, blocks, hidden, gated, neck[4], f, published;
    } sizes[] = {{384, 12, 1536, 0, {48, 96, 192, 384}, 64, 24785089},
                 {768, 12, 3072, 0, {96, 192, 384, 768}, 128, 97470785},
                 {1024, 24, 4096, 0, {256, 512, 1024, 1024}, 256, 335315649},
                 {1536, 40, 4096, 1, {1536, 1536, 1536, 1536}, 384, 1258132225}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int64_t f = sizes[k].f, dead = sizes[k].d + 2 * (9 * f * f + f);
        ck_assert_int_eq(count_of(sizes[k].d, sizes[k].blocks, sizes[k].hidden, sizes[k].gated,
                                  sizes[k].neck, f, 32) +
                             dead,
                         sizes[k].published);
    }
    prune_context *ctx = test_context(1);
    prune_new_options o;
    prune_new_options_init(&o);
    o.width = 24;
    o.blocks = 5;
    o.heads = 3;
    o.neck = "6,10,14,18";
    o.fusion = 12;
    o.head = 7;
    o.grid_height = o.grid_width = 37;
    static const int64_t neck[4] = {6, 10, 14, 18};
    for (o.mlp = 0; o.mlp < 2; o.mlp++) {
        prune_model *model;
        ck_ok(prune_model_new(&model, ctx, &o));
        /* In the graph the final norm stands at each of the four taps. */
        ck_assert_int_eq((int64_t)pr_model_params(model) - 3 * 2 * 24,
                         count_of(24, 5, o.mlp ? 64 : 96, o.mlp == 1, neck, 12, 7));
        prune_model_free(model);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(folder_tells_what_the_file_cannot)
{
    prune_context *ctx = test_context(1);
    prune_model *model;
    ck_ok(prune_model_load(&model, ctx, "tests/golden/dav2_tiny_hf", NULL));
    ck_assert_int_eq(model->meta.output_kind, PR_OUTPUT_METRIC);
    ck_assert_float_eq(model->meta.max_depth, 80.0f);
    ck_assert_int_eq(model->meta.preprocess.fit, PR_FIT_MINIMAL);
    ck_assert_int_eq(model->meta.preprocess.filter, PR_FILTER_CUBIC_PIL);
    ck_assert_int_eq(model->meta.preprocess.width, 84);
    ck_assert_int_eq(model->meta.resize_back, PR_FILTER_CUBIC_TORCH);
    const pr_node *tokens = &model->nodes[pr_model_find_node(model, "tokens")];
    ck_assert_int_eq(tokens->attrs.position_rule, PR_POSITION_SIZE);
    ck_assert_int_eq(model->nodes[pr_model_find_node(model, "blocks.0.attn")].attrs.heads, 4);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(options_decide_for_a_bare_file)
{
    prune_context *ctx = test_context(1);
    prune_model *model = NULL;
    prune_load_options o;
    const char *path = "tests/golden/dav2_tiny.pth";
    ck_fails(prune_model_load(&model, ctx, path, NULL), PRUNE_E_ARGUMENT, "--attention-heads");
    prune_load_options_init(&o);
    o.heads = 2;
    o.max_depth = 30;
    o.position_rule = 2;
    o.preprocess = 2;
    ck_ok(prune_model_load(&model, ctx, path, &o));
    ck_assert_int_eq(model->meta.output_kind, PR_OUTPUT_METRIC);
    ck_assert_float_eq(model->meta.max_depth, 30.0f);
    ck_assert_int_eq(model->meta.preprocess.fit, PR_FIT_MINIMAL);
    ck_assert_int_eq(model->meta.preprocess.width, 518);
    const pr_node *tokens = &model->nodes[pr_model_find_node(model, "tokens")];
    ck_assert_int_eq(tokens->attrs.position_rule, PR_POSITION_SIZE);
    prune_model_free(model);
    o.taps = "0,1,2,4";
    ck_fails(prune_model_load(&model, ctx, path, &o), PRUNE_E_ARGUMENT, "--taps 0,1,2,4");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/families/depth_anything_v2", tiny_models_agree_with_torch,
          full_models_agree_with_torch, parameters_are_counted_as_published,
          folder_tells_what_the_file_cannot, options_decide_for_a_bare_file)
