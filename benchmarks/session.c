/* Latency of sessions: FP32 and INT8 of the same network in one run, with the share of every step.
 *   bench_session MODEL|vits|small [HxW] [threads] [share] [fp32] [cpu]
 * share: prints the steps above this percentage; fp32: leaves INT8 out; cpu: processor time.
 * MODEL is anything that prune_model_load opens; vits and small are Depth Anything V2 with random
 * weights (518x518; width 128, 8 blocks, 98x322). INT8 ranges come from one noise picture: the time
 * is what counts here, not the accuracy; the error against FP32 is printed all the same. */
#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/integer.h"
#include "libprune/passes/shapes.h"

#include <math.h>
#include <prune/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if ((expression) != PRUNE_OK) {                                                            \
            (void)fprintf(stderr, "%s\n", prune_last_error());                                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Processor time instead of wall time: fair on a busy machine, for one thread only. */
static clockid_t measured = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(measured, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static prune_model *open_model(prune_context *ctx, const char *name)
{
    prune_model *model = NULL;
    prune_new_options o;
    prune_new_options_init(&o);
    if (strcmp(name, "vits") == 0) {
        o.width = 384, o.blocks = 12, o.heads = 6, o.hidden = 1536, o.neck = "48,96,192,384";
        o.fusion = 64, o.head = 32, o.input_height = o.input_width = 518;
        CHECK(prune_model_new(&model, ctx, &o));
    } else if (strcmp(name, "small") == 0) {
        o.width = 128, o.blocks = 8, o.heads = 4, o.input_height = 98, o.input_width = 322;
        CHECK(prune_model_new(&model, ctx, &o));
    } else {
        CHECK(prune_model_load(&model, ctx, name, NULL));
    }
    return model;
}

/* Linear layers per token, convolutions per channel between the extremes of one picture. */
static void annotate(prune_model *model, const float *input, int64_t height, int64_t width)
{
    const pr_run_options options = {.keep = true};
    bool *keep = calloc((size_t)model->n_nodes, sizeof *keep);
    pr_run *run;
    CHECK(pr_integer_default_float(model, keep));
    CHECK(pr_run_create(&run, model, 1, height, width, &options));
    CHECK(pr_run_forward(run, input));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (keep[i] || !pr_integer_possible(model, i)) continue;
        const pr_tensor *x = pr_run_value(run, model->nodes[i].inputs[0]);
        pr_precision *p = &model->nodes[i].precision;
        const int64_t n = pr_shape_last(&x->shape);
        const pr_shape shape = pr_shape1(n);
        p->compute = PR_COMPUTE_I8;
        p->input = PR_INPUT_TOKEN;
        if (model->nodes[i].op == PR_OP_LINEAR) continue;
        p->input = PR_INPUT_CHANNEL;
        CHECK(pr_tensor_create(&p->input_scale, model->ctx, PR_F32, &shape));
        CHECK(pr_tensor_create(&p->input_zero, model->ctx, PR_I8, &shape));
        for (int64_t c = 0; c < n; c++) {
            float low = 0, high = 1e-3F;
            for (int64_t k = c; k < pr_tensor_count(x); k += n) {
                low = fminf(low, pr_f32(x)[k]);
                high = fmaxf(high, pr_f32(x)[k]);
            }
            float scale = (high - low) / 254.0F;
            pr_f32(&p->input_scale)[c] = scale;
            ((int8_t *)p->input_zero.data)[c] = (int8_t)lrintf(-127.0F - low / scale);
        }
    }
    pr_run_free(run);
    free(keep);
}

static void annotate_attention(prune_model *model)
{
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (model->nodes[i].op != PR_OP_ATTENTION) continue;
        model->nodes[i].precision.compute = PR_COMPUTE_I8;
        model->nodes[i].precision.input = PR_INPUT_TOKEN;
    }
}

/* Root mean square of the difference over the reference's standard deviation. */
static double error_of(const float *output, const float *reference, int64_t count)
{
    double sum = 0, squares = 0, error = 0;
    for (int64_t i = 0; i < count; i++) {
        double x = (double)reference[i], d = (double)output[i] - x;
        sum += x;
        squares += x * x;
        error += d * d;
    }
    double n = (double)count, mean = sum / n;
    return sqrt(error / n / (squares / n - mean * mean));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Keeps the least time of every step: other programs only ever add to it. */
static void keep_least(const prune_session *session, double *least)
{
    for (int32_t i = 0; i < prune_session_steps(session); i++) {
        prune_session_step s = {.struct_size = sizeof s};
        CHECK(prune_session_step_info(session, i, &s));
        if (least[i] == 0.0 || s.seconds < least[i]) least[i] = s.seconds;
    }
}

/* Steps that take at least this share of the sum of the least times. */
static double print_steps(const prune_session *session, const double *least, double share)
{
    double total = 0;
    for (int32_t i = 0; i < prune_session_steps(session); i++) total += least[i];
    for (int32_t i = 0; share < 1 && i < prune_session_steps(session); i++) {
        prune_session_step s = {.struct_size = sizeof s};
        CHECK(prune_session_step_info(session, i, &s));
        if (least[i] < share * total) continue;
        printf("  %8.3f ms %5.1f %% %7.1f GOPS  %-10s %s\n", least[i] * 1e3, 100 * least[i] / total,
               2e-9 * (double)s.macs / least[i], s.kernel, s.name);
    }
    return total;
}

/* Median of the runs that fit into about two seconds, at least 5. */
static double measure(const prune_model *model, const char *label, const float *input,
                      int32_t height, int32_t width, double share, double *minimum, float *output)
{
    enum { MOST = 200 };
    double times[MOST], start = now();
    prune_session_options options;
    prune_session *session;
    int count = 0;
    prune_session_options_init(&options);
    options.height = height;
    options.width = width;
    options.profile = true;
    CHECK(prune_session_create(&session, model, &options));
    CHECK(prune_session_run(session, input, height, width, output));
    double *least = calloc((size_t)prune_session_steps(session), sizeof *least);
    while (count < MOST && (count < 5 || now() - start < 2.0)) {
        double t = now();
        CHECK(prune_session_run(session, input, height, width, output));
        times[count++] = now() - t;
        keep_least(session, least);
    }
    double sum = print_steps(session, least, share);
    qsort(times, (size_t)count, sizeof *times, by_value);
    printf("%-5s median %8.3f ms, minimum %8.3f ms, sum of steps' minima %8.3f ms, %.1f MB\n",
           label, times[count / 2] * 1e3, times[0] * 1e3, sum * 1e3,
           (double)prune_session_memory(session) * 1e-6);
    free(least);
    *minimum = sum;
    prune_session_free(session);
    return times[count / 2];
}

int main(int argc, char **argv)
{
    prune_context_options options;
    prune_context *ctx;
    int64_t height = 0, width = 0;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s MODEL|vits|small [HxW] [threads] [share] [fp32] [cpu]\n",
                      argv[0]);
        return 2;
    }
    prune_context_options_init(&options);
    if (argc > 3) options.threads = atoi(argv[3]);
    CHECK(prune_context_create(&ctx, &options));
    prune_model *model = open_model(ctx, argv[1]);
    pr_model_input_size(model, &height, &width);
    if (argc > 2) {
        long long h, w;
        if (sscanf(argv[2], "%lldx%lld", &h, &w) == 2) height = h, width = w;
    }
    float *input = malloc((size_t)(height * width) * 3 * sizeof *input);
    uint64_t state = 1;
    for (int64_t i = 0; i < height * width * 3; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        input[i] = (float)(state >> 40) / (float)(1 << 23) - 1.0F;
    }
    int32_t h = (int32_t)height, w = (int32_t)width;
    float *reference = malloc((size_t)(height * width) * sizeof *reference);
    float *output = malloc((size_t)(height * width) * sizeof *output);
    double share = argc > 4 ? atof(argv[4]) * 0.01 : 2.0, least[2];
    bool floats_only = false;
    for (int i = 5; i < argc; i++) {
        if (strcmp(argv[i], "fp32") == 0) floats_only = true;
        if (strcmp(argv[i], "cpu") == 0) measured = CLOCK_PROCESS_CPUTIME_ID;
    }
    printf("%s %lldx%lld, %d threads, %s\n", argv[1], (long long)height, (long long)width,
           prune_context_threads(ctx), prune_context_isa(ctx));
    double floats = measure(model, "FP32", input, h, w, share, &least[0], reference);
    if (floats_only) return 0;
    annotate(model, input, height, width);
    for (int attention = 0; attention < 2; attention++) {
        if (attention) annotate_attention(model);
        const char *label = attention ? "INT8, attention too" : "INT8";
        double integers = measure(model, label, input, h, w, share, &least[1], output);
        printf("%s: %.2f times as fast (by the steps' minima: %.2f), error %.4f\n", label,
               floats / integers, least[0] / least[1], error_of(output, reference, height * width));
    }
    free(reference);
    free(output);
    free(input);
    prune_model_free(model);
    prune_context_free(ctx);
    return 0;
}
