/* Time of one tuning step of Depth Anything V2 S with random weights: what prune_model_tune does
 * for a batch (views, forward with kept values, teacher's forward, loss, backward, AdamW).
 *   bench_tuning [HxW] [batch] [threads] [steps] [labels] [profile] [cpu] [serve]
 * labels: ground truth instead of a teacher; profile: the parts of a step, and forward and backward
 * by operator; cpu: processor time; serve: steps when suite/engines.py asks for them, so that
 * peers/tuning.py and this take turns.
 * Default: 518x518, batch 4, as `prune tune` chooses for this model and a square picture. */
#include "libprune/train/tuner.h"

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

enum { PICTURES = 4, MOST_STEPS = 100 };

static clockid_t measured = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(measured, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- pictures: smooth noise and a depth that follows it ---------------------------------------*/

typedef struct pictures {
    int32_t height, width;
    uint8_t *rgb;
    float *depth;
    char names[PICTURES][8];
} pictures;

static void pictures_open(pictures *p, int32_t height, int32_t width)
{
    const size_t pixels = (size_t)height * (size_t)width;
    uint64_t state = 1;
    *p = (pictures){.height = height, .width = width};
    p->rgb = malloc(PICTURES * pixels * 3);
    p->depth = malloc(PICTURES * pixels * sizeof *p->depth);
    if (!p->rgb || !p->depth) exit(1);
    for (int i = 0; i < PICTURES; i++) (void)snprintf(p->names[i], sizeof p->names[i], "p%d", i);
    for (size_t i = 0; i < PICTURES * pixels; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        for (size_t c = 0; c < 3; c++) p->rgb[i * 3 + c] = (uint8_t)(state >> (32 + 8 * c));
        p->depth[i] = 1.0F + (float)(state >> 56) + (float)(i % pixels / (size_t)width);
    }
}

static prune_status load(void *user, uint64_t index, prune_sample *sample)
{
    const pictures *p = user;
    const size_t at = (size_t)index * (size_t)p->height * (size_t)p->width;
    *sample = (prune_sample){.name = p->names[index],
                             .group = "",
                             .width = p->width,
                             .height = p->height,
                             .rgb = p->rgb + 3 * at,
                             .depth = p->depth + at,
                             .depth_width = p->width,
                             .depth_height = p->height};
    return PRUNE_OK;
}

static void release(void *user, prune_sample *sample)
{
    (void)user, (void)sample;
}

static prune_status identify(void *user, uint64_t index, const char **name, const char **group)
{
    *name = ((pictures *)user)->names[index];
    *group = "";
    return PRUNE_OK;
}

static prune_model *new_model(prune_context *ctx, uint64_t seed)
{
    prune_new_options o;
    prune_model *model = NULL;
    prune_new_options_init(&o);
    o.width = 384, o.blocks = 12, o.heads = 6, o.hidden = 1536, o.neck = "48,96,192,384";
    o.fusion = 64, o.head = 32, o.input_height = o.input_width = 518;
    o.seed = seed;
    CHECK(prune_model_new(&model, ctx, &o));
    return model;
}

/* --- profile ----------------------------------------------------------------------------------*/

typedef struct profile {
    const prune_model *model;
    double last, forward[PR_OP_COUNT], backward[PR_OP_COUNT];
    int32_t pending; /* backward: the node that has begun */
} profile;

static prune_status on_value(void *user, int32_t node, pr_tensor *value)
{
    profile *p = user;
    (void)value;
    p->forward[p->model->nodes[node].op] += now() - p->last;
    p->last = now();
    return PRUNE_OK;
}

static void end_backward(profile *p)
{
    if (p->pending >= 0) p->backward[p->model->nodes[p->pending].op] += now() - p->last;
    p->last = now();
}

static prune_status on_gradient(void *user, int32_t node, const pr_tensor *gradient)
{
    profile *p = user;
    (void)gradient;
    end_backward(p);
    p->pending = node;
    return PRUNE_OK;
}

static double lap(double *last)
{
    const double before = *last;
    *last = now();
    return *last - before;
}

/* The parts of pr_tuner_step, one after the other, with hooks on every node. */
static void profile_step(pr_tuner *tuner)
{
    profile p = {.model = tuner->model, .pending = -1};
    const pr_run_options watched = {.keep = true, .on_value = on_value, .user = &p};
    pr_feed *feed = &tuner->feed;
    double values[PR_LOSS_COUNT], loss, norm, last;
    pr_run *run;
    CHECK(pr_run_create(&run, tuner->model, feed->batch, feed->height, feed->width, &watched));
    for (int round = 0; round < 2; round++) { /* the first one gets the memory */
        memset(p.forward, 0, sizeof p.forward);
        memset(p.backward, 0, sizeof p.backward);
        last = now();
        CHECK(pr_feed_load(feed, tuner->adamw.step));
        printf("%sviews %.3f", round ? "" : "(first: ", lap(&last));
        p.last = last;
        CHECK(pr_run_forward(run, feed->input));
        printf(", forward %.3f", lap(&last));
        pr_loss_batch batch = {.batch = feed->batch,
                               .height = feed->height,
                               .width = feed->width,
                               .decode = pr_decode_of(&tuner->model->meta),
                               .output = pr_f32(pr_run_output(run)),
                               .depth = feed->depth,
                               .d_output = tuner->d_output};
        if (tuner->teacher) {
            CHECK(pr_run_forward(tuner->teacher_run, feed->input));
            batch.teacher = pr_f32(pr_run_output(tuner->teacher_run));
            batch.teacher_decode = pr_decode_of(&tuner->teacher->meta);
            printf(", teacher %.3f", lap(&last));
        }
        CHECK(pr_loss_evaluate(tuner->ctx, &batch, tuner->weights, values, &loss));
        printf(", loss %.3f", lap(&last));
        pr_grads_zero(&tuner->grads);
        p.pending = -1;
        CHECK(pr_run_backward(run, tuner->d_output, &tuner->grads, on_gradient, &p));
        end_backward(&p);
        printf(", backward %.3f", lap(&last));
        const pr_adamw_settings settings = {1e-6, 0.9, 0.999, 1e-8, 0.01, 1, 0};
        CHECK(pr_adamw_step(&tuner->adamw, tuner->model, &tuner->grads, &settings, &norm));
        printf(", AdamW %.3f s%s\n", lap(&last), round ? "" : ")");
    }
    pr_run_free(run);
    for (int op = 0; op < PR_OP_COUNT; op++)
        if (p.forward[op] + p.backward[op] > 0)
            printf("  %-16s forward %7.3f s, backward %7.3f s\n", pr_op_name((pr_op_kind)op),
                   p.forward[op], p.backward[op]);
}

/* --- runs -------------------------------------------------------------------------------------*/

static double timed_step(pr_tuner *tuner, double *loss)
{
    const double began = now();
    CHECK(pr_tuner_step(tuner, 1e-6, loss));
    return now() - began;
}

/* An engine of benchmarks/suite: so many steps for each "run N", their milliseconds as JSON. */
static void serve(pr_tuner *tuner)
{
    char line[64];
    double loss;
    printf("{\"isa\": \"%s\"}\n", prune_context_isa(tuner->ctx));
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        const int steps = strncmp(line, "run ", 4) == 0 ? atoi(line + 4) : 0;
        printf("{\"times\": [");
        for (int i = 0; i < steps; i++)
            printf("%s%.3f", i ? ", " : "", 1e3 * timed_step(tuner, &loss));
        printf("]}\n");
        (void)fflush(stdout);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_steps(pr_tuner *tuner, int steps)
{
    double times[MOST_STEPS], loss = 0;
    (void)timed_step(tuner, &loss);
    for (int i = 0; i < steps; i++) times[i] = timed_step(tuner, &loss);
    qsort(times, (size_t)steps, sizeof *times, by_value);
    printf("step: median %.3f s, minimum %.3f s, loss %.4f\n", times[steps / 2], times[0], loss);
}

typedef struct wishes {
    long long height, width;
    int batch, threads, steps;
    bool labels, profile, serve;
} wishes;

static wishes parse(int argc, char **argv)
{
    wishes w = {518, 518, 4, 0, 3, false, false, false};
    if (argc > 1 && sscanf(argv[1], "%lldx%lld", &w.height, &w.width) != 2) w.height = 0;
    if (argc > 2) w.batch = atoi(argv[2]);
    if (argc > 3) w.threads = atoi(argv[3]);
    if (argc > 4) w.steps = atoi(argv[4]);
    for (int i = 5; i < argc; i++) {
        if (strcmp(argv[i], "labels") == 0) w.labels = true;
        if (strcmp(argv[i], "profile") == 0) w.profile = true;
        if (strcmp(argv[i], "serve") == 0) w.serve = true;
        if (strcmp(argv[i], "cpu") == 0) measured = CLOCK_PROCESS_CPUTIME_ID;
    }
    if (w.height < 14 || w.width < 14 || w.height > 4096 || w.width > 4096 || w.batch < 1 ||
        w.steps < 1 || w.steps > MOST_STEPS) {
        (void)fprintf(
            stderr, "usage: %s [HxW] [batch] [threads] [steps] [labels] [profile] [cpu] [serve]\n",
            argv[0]);
        exit(2);
    }
    return w;
}

int main(int argc, char **argv)
{
    const wishes w = parse(argc, argv);
    prune_context_options options;
    prune_context *ctx;
    prune_context_options_init(&options);
    options.threads = w.threads;
    CHECK(prune_context_create(&ctx, &options));
    pictures all;
    pictures_open(&all, (int32_t)w.height, (int32_t)w.width);
    const prune_sample_source source = {.struct_size = (uint32_t)sizeof source,
                                        .user = &all,
                                        .count = PICTURES,
                                        .load = load,
                                        .release = release,
                                        .identify = identify};
    prune_samples *samples;
    CHECK(prune_samples_create(&samples, ctx, &source));
    prune_model *model = new_model(ctx, 1), *teacher = w.labels ? NULL : new_model(ctx, 2);
    prune_tune_options tune;
    prune_tune_options_init(&tune);
    tune.batch = w.batch;
    tune.height = (int32_t)w.height;
    tune.width = (int32_t)w.width;
    pr_tuner tuner;
    CHECK(pr_tuner_open(&tuner, model, teacher, samples, &tune));
    if (w.serve) {
        serve(&tuner);
    } else {
        printf("Depth Anything V2 S, %lldx%lld, batch %d, %s, %d threads, %s\n", w.height, w.width,
               w.batch, w.labels ? "ground truth" : "teacher", prune_context_threads(ctx),
               prune_context_isa(ctx));
        if (w.profile)
            profile_step(&tuner);
        else
            time_steps(&tuner, w.steps);
    }
    pr_tuner_close(&tuner);
    prune_samples_free(samples);
    prune_model_free(teacher);
    prune_model_free(model);
    prune_context_free(ctx);
    free(all.rgb);
    free(all.depth);
    return 0;
}
