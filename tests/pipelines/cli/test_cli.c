/* The program as a person uses it: exit status, messages, files. */
#include "tests/support/support.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char output[1 << 19];

/* Runs "prune ARGS" with both streams in `output`; returns the exit status. */
static int prune(const char *format, ...)
{
    char arguments[2048], line[4096];
    const char *program = getenv("PRUNE_TEST_PROGRAM");
    va_list args;
    va_start(args, format);
    (void)vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    ck_assert_ptr_nonnull(program);
    (void)snprintf(line, sizeof line, "%s %s 2>&1", program, arguments);
    FILE *pipe = popen(line, "r");
    ck_assert_ptr_nonnull(pipe);
    const size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    const int status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "%s died: %s", arguments, output);
    return WEXITSTATUS(status);
}

static void expect(const char *part)
{
    ck_assert_msg(strstr(output, part) != NULL, "\"%s\" lacks \"%s\"", output, part);
}

/* A fresh small network in the scratch folder. */
static const char *fresh(void)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(0, "fresh.safetensors"));
    ck_assert_int_eq(prune("new --width 24 --blocks 4 --heads 2 --neck 8,8,8,8 --fusion 8 --head 4 "
                           "--input-height 42 --input-width 84 -o %s",
                           path),
                     0);
    return path;
}

START_TEST(every_command_explains_itself)
{
    static const char *const names[] = {"inspect", "predict",  "eval",     "synth", "trim",
                                        "tune",    "quantize", "compress", "pack",  "unpack",
                                        "bench",   "new",      "verify"};
    ck_assert_int_eq(prune("--help"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        expect(names[i]);
        ck_assert_int_eq(prune("%s --help", names[i]), 0);
        expect("example:");
        expect("--threads");
        ck_assert_int_eq(prune("--help"), 0);
    }
    ck_assert_int_eq(prune("--version"), 0);
}
END_TEST

START_TEST(mistakes_are_one_line_and_status_2)
{
    ck_assert_int_eq(prune("conjure"), 2);
    expect("no command 'conjure'");
    ck_assert_int_eq(prune("inspect"), 2);
    expect("MODEL");
    ck_assert_int_eq(prune("inspect x --thread 2"), 2);
    expect("--threads");
    ck_assert_int_eq(prune("inspect x --threads many"), 2);
    expect("threads");
    ck_assert_int_eq(prune("inspect x y"), 2);
    expect("'y'");
    ck_assert_int_eq(prune("inspect x --json"), 2);
    expect("needs a value");
    /* The names of the help text are those that there are. */
    ck_assert_int_eq(prune("inspect x --isa abacus"), 1);
    expect("unknown: use one of portable, avx2, avxvnni, avx512, avx512vnni, amx\n");
    ck_assert_int_eq(prune("inspect --help"), 0);
    expect("portable, avx2, avxvnni, avx512, avx512vnni, amx (default");
}
END_TEST

START_TEST(failures_are_status_1_and_name_the_file)
{
    ck_assert_int_eq(prune("inspect /nowhere/model.pth"), 1);
    expect("/nowhere/model.pth");
    ck_assert_int_eq(prune("eval /nowhere/model.pth /nowhere/data"), 1);
    expect("/nowhere/");
    ck_assert_int_eq(prune("inspect %s --size 10by20", fresh()), 1);
    expect("10by20");
}
END_TEST

START_TEST(a_model_is_made_inspected_packed_and_unpacked)
{
    const char *model = fresh(), *packed = test_path(1, "packed.safetensors.zst");
    const char *back = test_path(2, "back.safetensors"), *json = test_path(3, "report.json");
    ck_assert_int_eq(prune("inspect %s --json %s", model, json), 0);
    expect("depth_anything_v2");
    expect("blocks.0.attn");
    json_t *report = json_load_file(json, 0, NULL);
    ck_assert_int_gt(json_integer_value(json_object_get(report, "macs")), 1000);
    ck_assert_uint_gt(json_array_size(json_object_get(report, "spaces")), 5);
    json_decref(report);
    ck_assert_int_eq(prune("pack %s -o %s", model, packed), 0);
    ck_assert_int_eq(prune("unpack %s -o %s", packed, back), 0);
    char line[2048];
    (void)snprintf(line, sizeof line, "cmp %s %s", model, back);
    ck_assert_int_eq(system(line), 0);
}
END_TEST

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_number(value), "no number %s", name);
    return json_number_value(value);
}

/* Totals of the kinds are sums of the steps; shares of the limit follow from the peaks. */
START_TEST(bench_knows_the_limits)
{
    const char *model = fresh();
    ck_assert_int_eq(prune("bench %s --seconds 0.05 --energy estimate --json -", model), 0);
    json_t *root = json_loads(output, 0, NULL);
    ck_assert_msg(root != NULL, "%s", output);
    const json_t *m = json_array_get(json_object_get(root, "models"), 0), *step, *kind;
    const double fp32 = number(json_object_get(root, "peaks"), "fp32_gops");
    double seconds = 0, limit = 0, shares = 0, count = 0;
    size_t i;
    ck_assert_double_gt(fp32, 0);
    json_array_foreach(json_object_get(m, "steps"), i, step)
    {
        seconds += number(step, "seconds");
        limit += number(step, "limit_seconds");
        if (number(step, "macs") > 0)
            ck_assert_double_eq_tol(number(step, "limit_share"), number(step, "gops") / fp32, 1e-6);
        else
            ck_assert_double_gt(number(step, "limit_seconds"), 0);
    }
    json_array_foreach(json_object_get(m, "kinds"), i, kind)
    {
        seconds -= number(kind, "seconds");
        limit -= number(kind, "limit_seconds");
        shares += number(kind, "share");
        count += number(kind, "steps");
    }
    ck_assert_double_eq_tol(seconds, 0, 1e-9);
    ck_assert_double_eq_tol(limit, 0, 1e-9);
    ck_assert_double_eq_tol(shares, 1, 1e-9);
    ck_assert_double_eq(count, (double)json_array_size(json_object_get(m, "steps")));
    json_decref(root);
    ck_assert_int_eq(prune("bench %s --seconds 0.05 --energy estimate --order time", model), 0);
    expect("limits   measured with");
    expect("all steps of a kind");
    /* Slowest first: the time in the row after the header is the largest. */
    const char *row = strstr(output, "kernel "), *end = strstr(output, "all steps of a kind");
    double last = 1e9;
    for (row = strchr(row, '\n') + 1; row + 1 < end; row = strchr(row, '\n') + 1) {
        const double ms = strtod(row + 71, NULL);
        ck_assert_msg(ms <= last, "%.90s after %g", row, last);
        last = ms;
    }
    ck_assert_int_eq(prune("bench %s --seconds 0.05 --energy estimate --no-profile", model), 0);
    ck_assert_ptr_null(strstr(output, "limits "));
}
END_TEST

START_TEST(bench_measures_one_or_compares_two)
{
    const char *model = fresh(), *nothing = test_path(2, "powercap");
    ck_assert_int_eq(prune("bench %s --seconds 0.1 --energy-root %s --battery-wh 50 --idle-watts 5",
                           model, nothing),
                     0);
    expect("machine");
    expect("median");
    expect("an estimate");
    expect("not measured");
    expect("Horowitz");
    expect("minutes");
    ck_assert_int_eq(prune("bench %s --seconds 0.1 --energy rapl --energy-root %s", model, nothing),
                     1);
    expect("no such folder");
    ck_assert_int_eq(prune("bench %s %s --seconds 0.1", model, model), 1);
    expect("--compare");
    ck_assert_int_eq(prune("bench %s --compare", model), 1);
    expect("two models");
    ck_assert_int_eq(prune("bench --compare %s %s --seconds 0.05 --energy estimate --battery-wh 50 "
                           "--fps 1 --json -",
                           model, model),
                     0);
    json_t *root = json_loads(output, 0, NULL);
    ck_assert_msg(root != NULL, "%s", output);
    const json_t *models = json_object_get(root, "models"), *ratio = json_object_get(root, "ratio");
    ck_assert_uint_eq(json_array_size(models), 2);
    ck_assert_double_le(number(ratio, "low"), number(ratio, "time"));
    ck_assert_double_ge(number(ratio, "high"), number(ratio, "time"));
    ck_assert_double_gt(number(root, "peak_memory"), 1e6);
    for (size_t i = 0; i < 2; i++) {
        const json_t *m = json_array_get(models, i), *energy = json_object_get(m, "energy_mj");
        const json_t *latency = json_object_get(m, "latency_ms");
        const json_t *runs = json_object_get(json_object_get(m, "battery"), "runtime");
        ck_assert_double_eq(number(latency, "runs"), number(ratio, "turns"));
        ck_assert(json_is_true(json_object_get(energy, "estimated")));
        ck_assert_double_eq(
            number(energy, "value"), /* the same network twice */
            number(json_object_get(json_array_get(models, 0), "energy_mj"), "value"));
        ck_assert_double_eq_tol(number(json_array_get(runs, 1), "watts"),
                                1e-3 * number(energy, "value"), 1e-12); /* once a second */
        ck_assert_uint_gt(json_array_size(json_object_get(m, "steps")), 3);
        ck_assert(json_is_real(json_object_get(m, "load_ms")) && number(m, "load_ms") >= 0);
    }
    json_decref(root);
}
END_TEST

START_TEST(files_are_verified)
{
    const char *model = fresh(), *broken = test_path(1, "broken.safetensors");
    ck_assert_int_eq(prune("verify %s tests/image/golden/depth16.png", model), 0);
    expect("fine, a model of this library");
    expect("fine, a depth map");
    char line[2048];
    (void)snprintf(line, sizeof line, "head -c 5000 %s > %s", model, broken);
    ck_assert_int_eq(system(line), 0);
    ck_assert_int_eq(prune("verify %s %s", broken, model), 1);
    expect("NOT fine");
    expect("is the file truncated?");
    expect("fine, a model of this library"); /* one does not hide the other */
    expect("1 of 2 files are not fine");
    ck_assert_int_eq(prune("verify %s --json -", model), 0);
    json_t *list = json_loads(output, 0, NULL);
    ck_assert_msg(json_is_true(json_object_get(json_array_get(list, 0), "ok")), "%s", output);
    json_decref(list);
}
END_TEST

START_TEST(scenes_are_predicted_and_judged)
{
    const char *scenes = test_path(1, "scenes"), *out = test_path(2, "depth");
    const char *model = fresh();
    ck_assert_int_eq(prune("synth %s --frames 4 --seed 3 --size 56x112", scenes), 0);
    ck_assert_int_eq(prune("predict %s %s/image -o %s --format kitti --color", model, scenes, out),
                     0);
    expect("4 predictions");
    ck_assert_int_eq(prune("eval %s %s --protocol eigen --align none --json -", model, scenes), 0);
    json_t *direct = json_loads(output, 0, NULL);
    ck_assert_msg(direct != NULL, "%s", output);
    const double wanted =
        json_number_value(json_object_get(json_object_get(direct, "mean"), "abs_rel"));
    ck_assert_double_gt(wanted, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(direct, "images")), 4);
    /* Through 16-bit files the numbers agree but for rounding to 1/256 m. */
    char clean[700];
    (void)snprintf(clean, sizeof clean, "rm %s/*_color.png", out);
    ck_assert_int_eq(system(clean), 0);
    ck_assert_int_eq(
        prune("eval --predictions %s %s --protocol eigen --align none --json -", out, scenes), 0);
    json_t *files = json_loads(output, 0, NULL);
    ck_assert_double_eq_tol(
        json_number_value(json_object_get(json_object_get(files, "mean"), "abs_rel")), wanted,
        2e-3);
    json_decref(direct);
    json_decref(files);
    ck_assert_int_eq(prune("predict %s %s/nothing.png -o %s", model, scenes, out), 1);
    expect("nothing.png");
}
END_TEST

START_TEST(stages_run_one_by_one)
{
    const char *scenes = test_path(1, "tune"), *model = fresh();
    const char *small = test_path(2, "small.safetensors"),
               *int8 = test_path(3, "q.safetensors.zst");
    ck_assert_int_eq(prune("synth %s --frames 6 --seed 4 --size 56x112", scenes), 0);
    ck_assert_int_eq(prune("trim %s --images %s --macs 0.8 --rounds 1 --no-tune --granularity 1 "
                           "--positions 40 -o %s",
                           model, scenes, small),
                     0);
    expect("GMACs");
    ck_assert_int_eq(prune("tune %s --teacher %s --images %s --steps 2 --batch 2 -o %s", small,
                           model, scenes, small),
                     0);
    expect("2 steps");
    ck_assert_int_eq(
        prune("quantize %s --images %s --views 4 --scan-images 2 -o %s", small, scenes, int8), 0);
    ck_assert_int_eq(prune("inspect %s", int8), 0);
    expect("int8");
    ck_assert_int_eq(prune("trim %s --images %s -o %s", model, scenes, small), 1);
    expect("--macs");
}
END_TEST

static void save_output(const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(output, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* The giant configuration's MLPs, from a fresh network to integers. */
START_TEST(gated_models_take_every_stage)
{
    const char *scenes = test_path(1, "gated"), *model = test_path(0, "gated.safetensors");
    const char *int8 = test_path(3, "gated.safetensors.zst");
    ck_assert_int_eq(prune("synth %s --frames 6 --seed 4 --size 56x112", scenes), 0);
    ck_assert_int_eq(prune("new --width 24 --blocks 4 --heads 2 --neck 8,8,8,8 --fusion 8 --head 4 "
                           "--input-height 42 --input-width 84 --mlp swiglu -o %s",
                           model),
                     0);
    ck_assert_int_eq(prune("tune %s --images %s --steps 2 --batch 2 -o %s", model, scenes, model),
                     0);
    ck_assert_int_eq(prune("trim %s --images %s --macs 0.8 --rounds 1 --no-tune --granularity 1 "
                           "--positions 40 -o %s",
                           model, scenes, model),
                     0);
    ck_assert_int_eq(
        prune("quantize %s --images %s --views 4 --scan-images 2 -o %s", model, scenes, int8), 0);
    ck_assert_int_eq(prune("inspect %s", int8), 0);
    expect("blocks.0.mlp.gate");
    expect("int8");
    ck_assert_int_eq(prune("verify %s", int8), 0);
}
END_TEST

START_TEST(recipes_are_printed_read_and_overridden)
{
    static char first[1 << 16];
    const char *path = test_path(1, "printed.yaml");
    ck_assert_int_eq(prune("compress m.pth --images pics --macs 0.5 --minutes 6 --seed 1 --quiet "
                           "-o out --print-recipe"),
                     0);
    expect("/m.pth  # ");
    expect("\ngoals:\n  macs: 0.5  # ");
    expect("\n  - tune:\n      minutes: 6  # ");
    expect("\n  - quantize\n");
    memcpy(first, output, sizeof first);
    save_output(path);
    ck_assert_int_eq(prune("compress --recipe %s --print-recipe", path), 0);
    ck_assert_str_eq(output, first);
    ck_assert_int_eq(prune("compress n.pth --recipe %s --macs 0.25 --no-quantize --sweep "
                           "params=0.5,0.25 --print-recipe",
                           path),
                     0);
    expect("/n.pth  # ");
    expect("\n  macs: 0.25  # ");
    expect("\n  params: [0.5, 0.25]  # ");
    ck_assert_ptr_null(strstr(output, "quantize"));
    ck_assert_int_eq(prune("compress --recipe %s --storage fp32 --print-recipe", path), 0);
    expect("\nsave:\n  storage: fp32  # ");
    ck_assert_int_eq(prune("compress --recipe %s --storage fp64 --print-recipe", path), 2);
    expect("fp64");
    ck_assert_int_eq(prune("compress --recipe %s --rounds 0", path), 2);
    ck_assert_int_eq(prune("compress --recipe %s --keep 0.5", path), 1);
    expect("macs, params or bytes");
    ck_assert_int_eq(prune("compress --recipe /nowhere.yaml"), 1);
    expect("/nowhere.yaml: cannot read");
    ck_assert_int_eq(prune("compress --images pics -o out"), 1);
    expect("MODEL is needed");
}
END_TEST

START_TEST(a_recipe_runs)
{
    const char *scenes = test_path(1, "seen"), *path = test_path(2, "tiny.yaml");
    char out[512];
    (void)snprintf(out, sizeof out, "%s", test_path(3, "compressed"));
    ck_assert_int_eq(prune("synth %s --frames 6 --seed 4 --size 56x112", scenes), 0);
    (void)snprintf(output, sizeof output,
                   "model: %s\nimages: %s\nbench-seconds: 0.1\n"
                   "stages:\n  - trim: {macs: 0.8, rounds: 1, granularity: 1, positions: 40}\n"
                   "  - tune: {steps: 2, batch: 2}\n  - quantize: {views: 4, scan-images: 2}\n",
                   fresh(), scenes);
    save_output(path);
    ck_assert_int_eq(prune("compress --recipe %s -o %s --steps 1", path, out), 0);
    expect("report.html");
    (void)snprintf(output, sizeof output, "%s/model.safetensors.zst", out);
    ck_assert_int_eq(access(output, R_OK), 0);
    ck_assert_int_eq(prune("compress --recipe %s -o %s --steps 1", path, out), 1);
    expect("resume");
    ck_assert_int_eq(prune("compress --recipe %s -o %s --steps 1 --resume", path, out), 0);
    (void)snprintf(output, sizeof output, "%s/report.json", out);
    json_t *report = json_load_file(output, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(report, "inputs")), 2);
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(report, "recipe")), "granularity: 1"));
    json_decref(report);
    /* Two sizes of it: a run each, and one of them is chosen. */
    (void)snprintf(out, sizeof out, "%s", test_path(3, "swept"));
    ck_assert_int_eq(prune("compress --recipe %s -o %s --steps 1 --sweep macs=0.9,0.8", path, out),
                     0);
    expect("0.9");
    static const char *const made[] = {"sweep-0.9/report.json", "sweep-0.8/report.json",
                                       "report.html", "model.safetensors.zst"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        (void)snprintf(output, sizeof output, "%s/%s", out, made[i]);
        ck_assert_msg(access(output, R_OK) == 0, "%s", output);
    }
    /* One that ships, with everything of this test's own beside it. */
    (void)snprintf(out, sizeof out, "%s", test_path(3, "quantized"));
    ck_assert_int_eq(prune("compress %s --recipe pipelines/recipes/quantize-only.yaml --images %s "
                           "--views 4 --scan-images 2 --bench-seconds 0.1 -o %s",
                           fresh(), scenes, out),
                     0);
    expect("int8");
}
END_TEST

TEST_MAIN("pipelines.cli.cli", every_command_explains_itself, mistakes_are_one_line_and_status_2,
          failures_are_status_1_and_name_the_file, a_model_is_made_inspected_packed_and_unpacked,
          bench_knows_the_limits, bench_measures_one_or_compares_two, files_are_verified,
          scenes_are_predicted_and_judged, stages_run_one_by_one, gated_models_take_every_stage,
          recipes_are_printed_read_and_overridden, a_recipe_runs)
