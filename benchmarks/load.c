/* From a packed file to the first depth map: where the time goes.
 *   bench_load FILE [threads] [repetitions]      a file that prune_model_load opens
 *   bench_load make FILE [int8]                  writes Depth Anything V2 S with random weights to
 * FILE The least of all repetitions, in milliseconds of wall time and of the process's processors.
 * `load` is what the goal counts: all of it less one later inference. INT8 ranges of `make` are
 * made up: the time is what counts here, not the accuracy. */
#include "libprune/base/random.h"
#include "libprune/graph/graph.h"
#include "libprune/passes/integer.h"

#include <prune/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if ((expression) != PRUNE_OK) {                                                            \
            (void)fprintf(stderr, "%s\n", prune_last_error());                                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

typedef struct moment {
    double wall, processor;
} moment;

static double of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static moment now(void)
{
    return (moment){of(CLOCK_MONOTONIC), of(CLOCK_PROCESS_CPUTIME_ID)};
}

/* Linear layers per token, the rest per channel with one made-up range. */
static void annotate(prune_model *model)
{
    bool *keep = calloc((size_t)model->n_nodes, sizeof *keep);
    CHECK(pr_integer_default_float(model, keep));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        pr_precision *p = &model->nodes[i].precision;
        if (keep[i] || !pr_integer_possible(model, i)) continue;
        const pr_tensor *weight = pr_node_param(model, &model->nodes[i], PR_SLOT_WEIGHT);
        const pr_shape shape = pr_shape1(pr_shape_last(&weight->shape));
        p->compute = PR_COMPUTE_I8;
        p->input = PR_INPUT_TOKEN;
        if (model->nodes[i].op == PR_OP_LINEAR) continue;
        p->input = PR_INPUT_CHANNEL;
        CHECK(pr_tensor_zeros(&p->input_zero, model->ctx, PR_I8, &shape));
        CHECK(pr_tensor_create(&p->input_scale, model->ctx, PR_F32, &shape));
        for (int64_t c = 0; c < shape.dim[0]; c++) pr_f32(&p->input_scale)[c] = 4.0F / 127.0F;
    }
    free(keep);
}

/* Trained weights are bell-shaped, so that their integers compress a little and are decompressed at
 * the speed of real files. */
static void draw(prune_model *model)
{
    pr_random random;
    pr_random_seed(&random, 1, 0);
    for (int32_t i = 0; i < model->n_params; i++) {
        const pr_tensor *tensor = &model->params[i].tensor;
        for (int64_t k = 0; tensor->shape.rank >= 2 && k < pr_tensor_count(tensor); k++)
            pr_f32(tensor)[k] = 0.03F * (float)pr_random_normal(&random);
    }
}

static void make(const char *path, bool integers)
{
    prune_context *ctx;
    prune_model *model;
    prune_new_options o;
    prune_save_options save;
    prune_new_options_init(&o);
    prune_save_options_init(&save);
    o.width = 384, o.blocks = 12, o.heads = 6, o.hidden = 1536, o.neck = "48,96,192,384";
    o.fusion = 64, o.head = 32, o.input_height = o.input_width = 518;
    save.level = 3; /* decompressing takes as long as after level 19 */
    save.container = 1;
    CHECK(prune_context_create(&ctx, NULL));
    CHECK(prune_model_new(&model, ctx, &o));
    draw(model);
    if (integers) annotate(model);
    CHECK(prune_model_save(model, path, &save));
    prune_model_free(model);
    prune_context_free(ctx);
}

enum { CONTEXT, OPEN, SESSION, FIRST, LATER, STAGES };
static const char *const names[STAGES] = {"context", "open", "session", "first", "later"};

static void once(const char *path, int32_t threads, const prune_pixels *pixels, float *depth,
                 moment stages[STAGES])
{
    prune_context_options options;
    prune_context *ctx;
    prune_model *model;
    prune_session *session;
    moment at[STAGES + 1];
    prune_context_options_init(&options);
    options.threads = threads;
    at[0] = now();
    CHECK(prune_context_create(&ctx, &options));
    at[1] = now();
    CHECK(prune_model_load(&model, ctx, path, NULL));
    at[2] = now();
    CHECK(prune_session_create(&session, model, NULL));
    prune_model_free(model);
    at[3] = now();
    CHECK(prune_session_predict(session, pixels, depth));
    at[4] = now();
    CHECK(prune_session_predict(session, pixels, depth));
    at[5] = now();
    for (int i = 0; i < STAGES; i++) {
        stages[i].wall = at[i + 1].wall - at[i].wall;
        stages[i].processor = at[i + 1].processor - at[i].processor;
    }
    prune_session_free(session);
    prune_context_free(ctx);
}

int main(int argc, char **argv)
{
    enum { SIDE = 518 };
    static uint8_t rgb[SIDE * SIDE * 3];
    static float depth[SIDE * SIDE];
    const prune_pixels pixels = {rgb, SIDE, SIDE, 0, PRUNE_RGB};
    if (argc < 2 || (strcmp(argv[1], "make") == 0 && argc < 3)) {
        (void)fprintf(stderr, "usage: %s FILE [threads] [repetitions] | make FILE [int8]\n",
                      argv[0]);
        return 2;
    }
    if (strcmp(argv[1], "make") == 0) {
        make(argv[2], argc > 3);
        return 0;
    }
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 2654435761U >> 24);
    moment least[STAGES] = {0};
    const int count = argc > 3 ? atoi(argv[3]) : 5;
    for (int i = 0; i < count; i++) {
        moment stages[STAGES];
        once(argv[1], argc > 2 ? atoi(argv[2]) : 0, &pixels, depth, stages);
        for (int s = 0; s < STAGES; s++) {
            if (i == 0 || stages[s].wall < least[s].wall) least[s].wall = stages[s].wall;
            if (i == 0 || stages[s].processor < least[s].processor)
                least[s].processor = stages[s].processor;
        }
    }
    moment load = {-least[LATER].wall, -least[LATER].processor};
    for (int s = 0; s < STAGES; s++) {
        (void)printf("%-8s %8.1f ms wall %8.1f ms processor\n", names[s], least[s].wall,
                     least[s].processor);
        if (s == LATER) continue;
        load.wall += least[s].wall;
        load.processor += least[s].processor;
    }
    (void)printf("%-8s %8.1f ms wall %8.1f ms processor\n", "load", load.wall, load.processor);
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1024);
    return 0;
}
