/* Every allocation, and every call to the file system, fails in turn: each step of a tiny loop
 * gives an error with a message, leaks nothing, and leaves output files absent, old or whole. In
 * short runs about SHORT_POINTS failures per step, spread evenly; with PRUNE_SOAK all of them, of
 * steps with very many LONG_POINTS. */
#include "libprune/base/file.h"
#include "libprune/formats/container.h"
#include "libprune/passes/shapes.h"
#include "tests/formats/bytes.h"
#include "tests/reliability/heap.h"
#include "tests/support/graphs.h"
#include "tests/train/scene.h"

#include <dirent.h>
#include <prune/pipeline.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHORT_POINTS = 40, LONG_POINTS = 2500, PATH = 600 };

typedef struct fixture {
    prune_context *ctx;
    prune_model *model;
    prune_samples *samples;
    char folder[PATH], out[PATH], in[PATH]; /* scratch; what is written; what is read */
} fixture;

typedef struct step {
    const char *name;
    void (*prepare)(fixture *f); /* before anything fails: model, samples, in */
    prune_status (*work)(fixture *f);
    void (*check)(const fixture *f); /* the output, after a failure; NULL: nothing is written */
    int every; /* short runs take even fewer points of slow steps: SHORT_POINTS / every */
} step;

static scene world;

/* --- fixtures -------------------------------------------------------------------------------- */

static prune_context *open_context(void)
{
    prune_context_options options;
    prune_context *ctx = NULL;
    prune_context_options_init(&options);
    options.threads = 1;
    options.allocate = heap_allocate;
    options.release = heap_release;
    ck_ok(prune_context_create(&ctx, &options));
    return ctx;
}

static prune_model *small_model(prune_context *ctx)
{
    test_graph g = test_graph_create(ctx, SCENE_H, SCENE_W, 1);
    int32_t x = test_graph_conv(&g, "stem", 0, 3, 8, 3, 4, 1);
    x = test_graph_node(&g, PR_OP_RELU, "act", x, PR_NONE, NULL);
    x = test_graph_conv(&g, "body", x, 8, 8, 3, 1, 1);
    x = test_graph_node(&g, PR_OP_RELU, "act2", x, PR_NONE, NULL);
    x = test_graph_conv(&g, "neck", x, 8, 4, 3, 1, 1);
    pr_attrs attrs = pr_attrs_default();
    attrs.factor = 4;
    attrs.resize_mode = PR_RESIZE_BILINEAR;
    x = test_graph_node(&g, PR_OP_RESIZE, "up", x, PR_NONE, &attrs);
    x = test_graph_conv(&g, "head", x, 4, 1, 1, 1, 1);
    test_graph_finish(&g, test_graph_node(&g, PR_OP_SIGMOID, "depth", x, PR_NONE, NULL));
    g.model->meta.architecture = pr_strdup(ctx, "made_up");
    return g.model;
}

static void with_model(fixture *f)
{
    f->model = small_model(f->ctx);
}

static void with_samples(fixture *f)
{
    with_model(f);
    scene_make(&world, 4, true);
    f->samples = scene_samples(f->ctx, &world);
}

static void join(char out[PATH], const char *folder, const char *name)
{
    (void)snprintf(out, PATH, "%s/%s", folder, name);
}

/* --- loading --------------------------------------------------------------------------------- */

static void model_file(fixture *f, const char *name)
{
    with_model(f);
    join(f->in, f->folder, name);
    ck_ok(prune_model_save(f->model, f->in, NULL));
}

static void packed_file(fixture *f)
{
    model_file(f, "in.safetensors.zst");
}

static void plain_file(fixture *f)
{
    model_file(f, "in.safetensors");
}

static void golden_zip(fixture *f)
{
    (void)snprintf(f->in, PATH, "tests/golden/dav2_tiny.pth");
}

static void golden_folder(fixture *f)
{
    (void)snprintf(f->in, PATH, "tests/golden/dav2_tiny_hf");
}

static prune_status load(fixture *f)
{
    prune_model *model = NULL;
    prune_load_options options;
    prune_load_options_init(&options);
    options.heads = 4;
    prune_status status = prune_model_load(&model, f->ctx, f->in, &options);
    prune_model_free(model);
    return status;
}

static void stream_file(fixture *f)
{
    static bytes b;
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    b.size = 0;
    add(&b, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    add(&b, "\x80\2M\xe9\3.\x80\2}", 9);
    add_string(&b, "little_endian");
    add_text(&b, "\x88s.\x80\2}");
    add_string(&b, "w");
    add_tensor(&b, "FloatStorage", "94", 6, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}, 1);
    add_text(&b, "s.\x80\2](");
    add_string(&b, "94");
    add_text(&b, "e.");
    add_number(&b, 6, 8);
    add(&b, values, sizeof values);
    join(f->in, f->folder, "stream.pth");
    ck_ok(pr_file_write(f->ctx, f->in, b.data, b.size));
}

static prune_status read_stream(fixture *f)
{
    pr_table table;
    prune_status status = pr_container_read(&table, f->ctx, f->in, 0);
    if (status == PRUNE_OK) pr_table_free(&table);
    return status;
}

/* --- looking and saving ---------------------------------------------------------------------- */

static prune_status inspect(fixture *f)
{
    char *text = NULL;
    prune_status status = prune_model_inspect(f->model, 0, 0, &text);
    prune_text_free(text);
    return status;
}

static const char old_content[] = "what stood here before";

static void old_file(fixture *f, const char *name)
{
    with_model(f);
    join(f->out, f->folder, name);
    ck_ok(pr_file_write(f->ctx, f->out, old_content, sizeof old_content));
}

static void old_packed(fixture *f)
{
    old_file(f, "out.safetensors.zst");
}

static void old_plain(fixture *f)
{
    old_file(f, "out.safetensors");
}

static prune_status save(fixture *f)
{
    prune_save_options options;
    prune_save_options_init(&options);
    options.level = 1;
    return prune_model_save(f->model, f->out, &options);
}

/* Old, byte by byte, or a whole model. */
static void old_or_whole(const fixture *f)
{
    pr_mapped file;
    ck_ok(pr_file_map(&file, f->out));
    bool old = file.size == sizeof old_content && memcmp(file.data, old_content, file.size) == 0;
    pr_file_unmap(&file);
    prune_model *model = NULL;
    if (old) return;
    ck_ok(prune_model_load(&model, f->ctx, f->out, NULL));
    ck_assert_int_eq(model->n_nodes, f->model->n_nodes);
    ck_assert_int_eq(model->n_params, f->model->n_params);
    ck_assert_uint_eq(json_array_size(model->history), json_array_size(f->model->history));
    prune_model_free(model);
}

/* --- using ----------------------------------------------------------------------------------- */

static void with_picture(fixture *f)
{
    with_samples(f);
    join(f->in, f->folder, "in.png");
    join(f->out, f->folder, "out.png");
    ck_ok(prune_image_write_png(f->ctx, f->in, world.rgb[0], SCENE_W, SCENE_H));
    (void)unlink(f->out);
}

static prune_status predict(fixture *f)
{
    static float values[SCENE_W * SCENE_H];
    prune_session *session = NULL;
    prune_image image = {0};
    prune_status status = prune_session_create(&session, f->model, NULL);
    if (status == PRUNE_OK) status = prune_image_read(&image, f->ctx, f->in);
    if (status == PRUNE_OK) {
        const prune_pixels pixels = {image.rgb, image.width, image.height, 0, PRUNE_RGB};
        status = prune_session_predict(session, &pixels, values);
    }
    if (status == PRUNE_OK)
        status = prune_depth_write(f->ctx, f->out, values, SCENE_W, SCENE_H, 256);
    prune_image_free(f->ctx, &image);
    prune_session_free(session);
    return status;
}

static void absent_or_picture(const fixture *f)
{
    prune_depth_map map;
    if (!pr_path_exists(f->out)) return;
    ck_ok(prune_depth_read(&map, f->ctx, f->out, 256));
    ck_assert_int_eq(map.width, SCENE_W);
    prune_depth_free(f->ctx, &map);
    (void)unlink(f->out);
}

static prune_status evaluate(fixture *f)
{
    prune_evaluation *evaluation = NULL;
    char *text = NULL, *table = NULL;
    prune_status status = prune_evaluation_create(&evaluation, f->ctx, NULL);
    if (status == PRUNE_OK)
        status = prune_evaluation_run_model(evaluation, f->samples, f->model, NULL);
    if (status == PRUNE_OK) status = prune_evaluation_json(evaluation, &text);
    if (status == PRUNE_OK) status = prune_evaluation_table(evaluation, &table);
    prune_text_free(text);
    prune_text_free(table);
    prune_evaluation_free(evaluation);
    return status;
}

static void with_dataset(fixture *f)
{
    static const char *const folders[] = {"image", "groundtruth_depth"};
    char path[PATH + 64];
    with_samples(f);
    join(f->in, f->folder, "dataset");
    for (int k = 0; k < 2; k++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->in, folders[k]);
        ck_ok(pr_path_make_directory(path));
        for (int i = 0; i < 2; i++) {
            (void)snprintf(path, sizeof path, "%s/%s/%d.png", f->in, folders[k], i);
            ck_ok(k == 0 ? prune_image_write_png(f->ctx, path, world.rgb[i], SCENE_W, SCENE_H)
                         : prune_depth_write(f->ctx, path, world.depth[i], SCENE_W, SCENE_H, 256));
        }
    }
    join(f->out, f->folder, "frames.txt");
    ck_ok(pr_file_write(f->ctx, f->out, "0\n1\n", 4));
}

static prune_status read_dataset(fixture *f)
{
    char frames[PATH + 1];
    prune_samples *samples = NULL;
    prune_dataset_options options;
    prune_dataset_options_init(&options);
    (void)snprintf(frames, sizeof frames, "@%s", f->out);
    options.frames = frames;
    prune_status status = prune_dataset_open(&samples, f->ctx, f->in, &options);
    for (uint64_t i = 0; status == PRUNE_OK && i < prune_samples_count(samples); i++) {
        prune_sample sample;
        status = prune_samples_load(samples, i, &sample);
        if (status == PRUNE_OK) prune_samples_release(samples, &sample);
    }
    prune_samples_free(samples);
    return status;
}

/* --- changing -------------------------------------------------------------------------------- */

static prune_status quantize(fixture *f)
{
    prune_quant_options options;
    prune_quant_options_init(&options);
    options.views = 2;
    options.scan_images = 1;
    char *text = NULL;
    prune_status status = prune_model_quantize(f->model, f->samples, &options);
    if (status == PRUNE_OK) status = prune_quant_report(f->model, &text);
    prune_text_free(text);
    return status;
}

static prune_cut_options cut_options(void)
{
    prune_cut_options cut;
    prune_cut_options_init(&cut);
    cut.images = 2;
    cut.views = 1;
    cut.judges = 1;
    cut.positions = 16;
    cut.granularity = 2;
    cut.keep = 0.7;
    return cut;
}

static prune_status trim(fixture *f)
{
    const prune_cut_options cut = cut_options();
    prune_plan *plan = NULL;
    char *text = NULL;
    prune_status status = prune_plan_create(&plan, f->model, f->samples, &cut);
    if (status == PRUNE_OK) status = prune_plan_json(plan, &text);
    if (status == PRUNE_OK) status = prune_model_cut(f->model, plan);
    prune_text_free(text);
    prune_plan_free(plan);
    return status;
}

static void with_snapshot(fixture *f)
{
    with_samples(f);
    join(f->out, f->folder, "snapshot.safetensors");
    (void)unlink(f->out);
}

static prune_status tune(fixture *f)
{
    prune_tune_options options;
    prune_tune_options_init(&options);
    options.steps = 1;
    options.batch = 1;
    options.warmup = 0;
    options.snapshot = f->out;
    return prune_model_tune(f->model, NULL, f->samples, &options);
}

static void absent_or_snapshot(const fixture *f)
{
    pr_table table;
    if (!pr_path_exists(f->out)) return;
    ck_ok(pr_container_read(&table, f->ctx, f->out, 0));
    pr_table_free(&table);
    (void)unlink(f->out);
}

static void with_output(fixture *f)
{
    with_samples(f);
    ck_ok(pr_model_set_origin(f->model));
    join(f->out, f->folder, "loop");
}

/* A whole loop: trim, tune, quantize, pack, judge, report. */
static prune_status compress(fixture *f)
{
    prune_compress_options options;
    prune_trim_options trim_options;
    prune_tune_options tune_options;
    prune_quant_options quant_options;
    prune_save_options save_options;
    prune_cut_options cut = cut_options();
    char *table = NULL;
    prune_compress_options_init(&options);
    prune_trim_options_init(&trim_options);
    prune_tune_options_init(&tune_options);
    prune_quant_options_init(&quant_options);
    prune_save_options_init(&save_options);
    trim_options.macs = 0.8;
    trim_options.rounds = 1;
    tune_options.steps = tune_options.batch = 1;
    tune_options.warmup = 0;
    quant_options.views = 2;
    quant_options.scan_images = 1;
    save_options.level = 1;
    options.output = f->out;
    options.align = "none";
    options.pictures = 1;
    options.bench_seconds = 0.001;
    options.images = f->samples;
    options.trim_options = &trim_options;
    options.cut_options = &cut;
    options.tune_options = &tune_options;
    options.quant_options = &quant_options;
    options.save_options = &save_options;
    prune_status status = prune_compress(f->ctx, f->model, &options, &table);
    prune_text_free(table);
    return status;
}

/* Whatever is in the folder is whole. */
static void whole_files(const fixture *f)
{
    pr_list list;
    if (!pr_path_is_directory(f->out)) return;
    ck_ok(pr_path_list(&list, f->ctx, f->out));
    for (size_t i = 0; i < list.count; i++) {
        char path[PATH + 300];
        (void)snprintf(path, sizeof path, "%s/%s", f->out, list.names[i]);
        const char *end = strrchr(list.names[i], '.');
        ck_assert_msg(!end || strcmp(end, ".tmp") != 0, "%s is left behind", path);
        prune_image image;
        if (end && strcmp(end, ".json") == 0) {
            json_t *json = json_load_file(path, 0, NULL);
            ck_assert_msg(json != NULL, "%s is not whole", path);
            json_decref(json);
        } else if (end && strcmp(end, ".png") == 0) {
            ck_ok(prune_image_read(&image, f->ctx, path));
            prune_image_free(f->ctx, &image);
        } else if (end && strcmp(end, ".zst") == 0) {
            prune_model *model = NULL;
            ck_ok(prune_model_load(&model, f->ctx, path, NULL));
            prune_model_free(model);
        }
        if (!pr_path_is_directory(path)) (void)unlink(path);
    }
    pr_list_free(f->ctx, &list);
}

static const step steps[] = {
    {"load, packed", packed_file, load, NULL, 1},
    {"load, safetensors", plain_file, load, NULL, 1},
    {"load, PyTorch zip", golden_zip, load, NULL, 1},
    {"load, Hugging Face folder", golden_folder, load, NULL, 1},
    {"load, PyTorch stream", stream_file, read_stream, NULL, 1},
    {"inspect", with_model, inspect, NULL, 1},
    {"pack", old_packed, save, old_or_whole, 1},
    {"save", old_plain, save, old_or_whole, 1},
    {"predict", with_picture, predict, absent_or_picture, 1},
    {"read a data set", with_dataset, read_dataset, NULL, 1},
    {"evaluate", with_samples, evaluate, NULL, 1},
    {"quantize", with_samples, quantize, NULL, 1},
    {"trim", with_samples, trim, NULL, 1},
    {"tune", with_snapshot, tune, absent_or_snapshot, 1},
    {"compress", with_output, compress, whole_files, 2},
};
enum { STEPS = sizeof steps / sizeof *steps };

/* --- walking --------------------------------------------------------------------------------- */

static void open_fixture(fixture *f, const step *s)
{
    memset(f, 0, sizeof *f);
    (void)snprintf(f->folder, sizeof f->folder, "%s", test_path(0, "faults"));
    ck_ok(pr_path_make_directory(f->folder));
    f->ctx = open_context();
    s->prepare(f);
}

static void close_fixture(fixture *f)
{
    prune_samples_free(f->samples);
    prune_model_free(f->model);
    prune_context_free(f->ctx);
}

/* How many calls a pass makes without a failure; its leaks are those that happen once. */
static int64_t count_allocations(const step *s)
{
    fixture f;
    for (int pass = 0; pass < 2; pass++) {
        open_fixture(&f, s);
        heap = (struct heap){.armed = true, .left = INT64_MAX, .open = heap.open};
        prune_status status = s->work(&f);
        heap.armed = false;
        ck_assert_msg(status == PRUNE_OK, "%s: %s", s->name, prune_last_error());
        if (s->check) s->check(&f);
        close_fixture(&f);
    }
    return heap.calls;
}

static bool soaking(void)
{
    return getenv("PRUNE_SOAK") != NULL;
}

/* Distance between failures. */
static int64_t stride_of(const step *s, int64_t calls)
{
    int64_t stride = soaking() ? calls / LONG_POINTS : calls * s->every / SHORT_POINTS;
    return stride < 1 ? 1 : stride;
}

/* jansson's lexer takes a failed allocation for the end of the text, and nobody can tell. */
static bool jansson_starved(prune_status status)
{
    return status == PRUNE_E_FORMAT && strstr(prune_last_error(), "JSON") != NULL;
}

static void check_failure(const step *s, const char *what, int64_t n, prune_status status,
                          prune_status other)
{
    /* A failing call may be one that the work can do without (syncing a folder, a cache). */
    ck_assert_msg(status == PRUNE_OK || status == other || status == PRUNE_E_MEMORY ||
                      jansson_starved(status),
                  "%s, %s %lld: the status is %s (%s)", s->name, what, (long long)n,
                  prune_status_name(status), prune_last_error());
    ck_assert_msg(status == PRUNE_OK || prune_last_error()[0], "%s, %s %lld: no message", s->name,
                  what, (long long)n);
}

START_TEST(allocations_fail)
{
    const step *s = &steps[_i];
    int64_t calls = count_allocations(s), failures = 0, survived = 0;
    int64_t stride = stride_of(s, calls);
    for (int64_t n = 0; n < calls; n += stride) {
        fixture f;
        int64_t open = heap.open;
        open_fixture(&f, s);
        (void)pr_fail(PRUNE_OK, "%s", "");
        heap = (struct heap){
            .armed = true, .left = n, .for_good = (n / stride) % 2 == 1, .open = heap.open};
        prune_status status = s->work(&f);
        heap.armed = false;
        check_failure(s, "allocation", n, status, PRUNE_E_MEMORY);
        survived += status == PRUNE_OK;
        failures++;
        if (s->check) s->check(&f);
        close_fixture(&f);
        ck_assert_msg(heap.open == open, "%s, allocation %lld (%s): %lld left allocated", s->name,
                      (long long)n, prune_last_error(), (long long)(heap.open - open));
    }
    (void)printf("%-26s %6lld allocations, %6lld failed in turn, %lld of them harmless\n", s->name,
                 (long long)calls, (long long)failures, (long long)survived);
}
END_TEST

/* --- files ----------------------------------------------------------------------------------- */

static int64_t calls_left, calls_made;
static char failed_call[64];

static int fail_call(const char *call, const char *path)
{
    (void)path;
    calls_made++;
    if (calls_left-- != 0) return 0;
    (void)snprintf(failed_call, sizeof failed_call, "%s", call);
    return strcmp(call, "write") == 0 || strcmp(call, "flush") == 0 ? ENOSPC : EIO;
}

/* Failures that the work may do without: another way exists, or it was for the worst case only. */
static bool may_survive(const char *call, const step *s)
{
    static const char *const calls[] = {"create unnamed", "sync folder", "make folder"};
    /* A loop sweeps out what it no longer needs, as far as that is possible. */
    if (s->work == compress && strstr(call, "folder")) return true;
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
        if (strcmp(call, calls[k]) == 0) return true;
    return false;
}

/* What the program's own code asks of the system directly: a run's log. The C library's streams do
 * not come through here. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#else
ssize_t write(int file, const void *data, size_t size)
{
    int reason = pr_file_fault ? pr_file_fault("write", "") : 0;
    if (reason == 0) return syscall(SYS_write, file, data, size);
    errno = reason;
    return -1;
}

int fsync(int file)
{
    struct stat info;
    bool folder = fstat(file, &info) == 0 && S_ISDIR(info.st_mode);
    int reason = pr_file_fault ? pr_file_fault(folder ? "sync folder" : "sync", "") : 0;
    if (reason == 0) return (int)syscall(SYS_fsync, file);
    errno = reason;
    return -1;
}
#endif

START_TEST(file_calls_fail)
{
    const step *s = &steps[_i];
    int64_t failures = 0, total = 1;
    (void)count_allocations(s); /* what happens once */
    for (int64_t n = 0; n < total; n++) {
        fixture f;
        int64_t open = heap.open;
        open_fixture(&f, s);
        (void)pr_fail(PRUNE_OK, "%s", "");
        calls_left = n;
        calls_made = 0;
        failed_call[0] = '\0';
        pr_file_fault = fail_call;
        prune_status status = s->work(&f);
        pr_file_fault = NULL;
        check_failure(s, failed_call, n, status, PRUNE_E_IO);
        ck_assert_msg(status != PRUNE_OK || !failed_call[0] || may_survive(failed_call, s),
                      "%s: '%s' failed (call %lld) and nobody noticed", s->name, failed_call,
                      (long long)n);
        failures += failed_call[0] != '\0';
        total = failed_call[0] ? n + 2 : n;
        if (s->check) s->check(&f);
        close_fixture(&f);
        ck_assert_msg(heap.open == open, "%s, call %lld '%s' (%s): %lld left allocated", s->name,
                      (long long)n, failed_call, prune_last_error(), (long long)(heap.open - open));
    }
    (void)printf("%-26s %6lld file calls failed in turn\n", s->name, (long long)failures);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reliability/faults");
    TCase *tcase = tcase_create("faults");
    tcase_set_timeout(tcase, soaking() ? 3600 : 300);
    const char *one = getenv("PRUNE_FAULT_STEP"); /* a single step, by its place in the table */
    int first = one ? atoi(one) : 0, last = one ? first + 1 : STEPS;
    tcase_add_loop_test(tcase, allocations_fail, first, last);
    tcase_add_loop_test(tcase, file_calls_fail, first, last);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
