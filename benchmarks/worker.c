/* One engine of a comparison, as a process of its own (suite/engines.py starts it and lets engines
 * take turns):
 *   bench_worker MODEL HEIGHTxWIDTH THREADS ISA PRECISION INPUT OUTPUT
 * ISA: "-" is the best; PRECISION: recorded, fp32, bf16, or interpreter (the FP32 definition).
 * INPUT holds the prepared picture, raw floats; "noise" makes some. The depth map goes to OUTPUT.
 * Then, a JSON object per line: what was opened, and the milliseconds of each run that a line
 * "run N" on standard input asks for.
 *   bench_worker prepare MODEL HEIGHTxWIDTH OUTPUT PICTURE...
 * writes what the network is given for these pictures, one after the other. */
#include "libprune/interpreter/interpreter.h"

#include <prune/measure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct engine {
    prune_context *ctx;
    prune_model *model; /* interpreter only: sessions let it go */
    prune_session *session;
    pr_run *run;
    int32_t height, width;
    float *input, *output;
} engine;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void stop(const char *message)
{
    (void)fprintf(stderr, "%s\n", message);
    exit(1);
}

static void check(prune_status status)
{
    if (status != PRUNE_OK) stop(prune_last_error());
}

static float *floats(int64_t count)
{
    float *memory = calloc((size_t)count, sizeof *memory);
    if (!memory) stop("out of memory");
    return memory;
}

static void read_input(engine *e, const char *path)
{
    const size_t count = (size_t)e->height * (size_t)e->width * 3;
    FILE *file;
    e->input = floats((int64_t)count);
    if (strcmp(path, "noise") == 0) {
        uint64_t state = 1;
        for (size_t i = 0; i < count; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            e->input[i] = (float)(state >> 40) / (float)(1 << 23) - 1.0F;
        }
        return;
    }
    file = fopen(path, "rb");
    if (!file || fread(e->input, sizeof *e->input, count, file) != count)
        stop("INPUT: cannot be opened, or holds too little");
    (void)fclose(file);
}

static void run(engine *e)
{
    const size_t count = (size_t)e->height * (size_t)e->width;
    if (e->session) {
        check(prune_session_run(e->session, e->input, e->height, e->width, e->output));
        return;
    }
    check(pr_run_forward(e->run, e->input));
    memcpy(e->output, pr_f32(pr_run_output(e->run)), count * sizeof *e->output);
}

static void open_engine(engine *e, const char *path, const char *precision)
{
    prune_session_options options;
    check(prune_model_load(&e->model, e->ctx, path, NULL));
    if (e->height == 0) {
        prune_model_info info = {.struct_size = sizeof info};
        check(prune_model_describe(e->model, 0, 0, &info));
        e->height = info.input_height, e->width = info.input_width;
    }
    if (strcmp(precision, "interpreter") == 0) {
        /* Not the kernels of sessions: they would be held against themselves. */
        const pr_run_options plain = {.mode = PR_MODE_PLAIN};
        check(pr_run_create(&e->run, e->model, 1, e->height, e->width, &plain));
        return;
    }
    prune_session_options_init(&options);
    options.height = e->height;
    options.width = e->width;
    options.precision = strcmp(precision, "bf16") == 0 ? 2 : strcmp(precision, "fp32") == 0;
    check(prune_session_create(&e->session, e->model, &options));
    prune_model_free(e->model);
    e->model = NULL;
}

static void write_output(const engine *e, const char *path)
{
    const size_t count = (size_t)e->height * (size_t)e->width;
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(e->output, sizeof *e->output, count, file) != count || fclose(file) != 0)
        stop("OUTPUT: cannot be written");
}

static int prepare(int argc, char **argv)
{
    prune_session_options options;
    prune_session *session;
    prune_model *model;
    prune_context *ctx;
    FILE *file = fopen(argv[4], "wb");
    if (!file) stop("OUTPUT: cannot be written");
    check(prune_context_create(&ctx, NULL));
    check(prune_model_load(&model, ctx, argv[2], NULL));
    prune_session_options_init(&options);
    if (sscanf(argv[3], "%dx%d", &options.height, &options.width) != 2) stop("HEIGHTxWIDTH");
    check(prune_session_create(&session, model, &options));
    const size_t count = (size_t)options.height * (size_t)options.width * 3;
    float *input = floats((int64_t)count);
    for (int i = 5; i < argc; i++) {
        prune_image image;
        check(prune_image_read(&image, ctx, argv[i]));
        const prune_pixels pixels = {
            .data = image.rgb, .width = image.width, .height = image.height};
        check(prune_session_prepare(session, &pixels, input));
        if (fwrite(input, sizeof *input, count, file) != count) stop("OUTPUT: cannot be written");
        prune_image_free(ctx, &image);
    }
    if (fclose(file) != 0) stop("OUTPUT: cannot be written");
    free(input);
    prune_session_free(session);
    prune_model_free(model);
    prune_context_free(ctx);
    return 0;
}

int main(int argc, char **argv)
{
    prune_context_options options;
    engine e = {0};
    char line[64];
    if (argc > 5 && strcmp(argv[1], "prepare") == 0) return prepare(argc, argv);
    if (argc != 8)
        stop("usage: bench_worker MODEL HEIGHTxWIDTH THREADS ISA PRECISION INPUT OUTPUT");
    const double start = now();
    prune_context_options_init(&options);
    options.threads = atoi(argv[3]);
    if (strcmp(argv[4], "-") != 0) options.isa = argv[4];
    check(prune_context_create(&e.ctx, &options));
    if (sscanf(argv[2], "%dx%d", &e.height, &e.width) != 2) e.height = e.width = 0;
    open_engine(&e, argv[1], argv[5]);
    const double opened = now() - start;
    read_input(&e, argv[6]);
    e.output = floats((int64_t)e.height * e.width);
    const double first = now();
    run(&e);
    printf(
        "{\"version\": \"%s\", \"isa\": \"%s\", \"threads\": %d, \"size\": [%d, %d], "
        "\"open_ms\": %.3f, \"first_ms\": %.3f, \"session_bytes\": %llu, \"peak_bytes\": %llu}\n",
        prune_version(), prune_context_isa(e.ctx), prune_context_threads(e.ctx), e.height, e.width,
        opened, now() - first,
        (unsigned long long)(e.session ? prune_session_memory(e.session) : 0),
        (unsigned long long)prune_peak_memory());
    (void)fflush(stdout);
    write_output(&e, argv[7]);
    while (fgets(line, sizeof line, stdin)) {
        const long count = strtol(line + strcspn(line, " "), NULL, 10);
        printf("{\"times\": [");
        for (long i = 0; i < count; i++) {
            const double begin = now();
            run(&e);
            printf("%s%.4f", i ? ", " : "", now() - begin);
        }
        printf("]}\n");
        (void)fflush(stdout);
    }
    pr_run_free(e.run);
    prune_session_free(e.session);
    prune_model_free(e.model);
    prune_context_free(e.ctx);
    free(e.input), free(e.output);
    return 0;
}
