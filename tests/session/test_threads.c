/* Threads: sessions of one model's clones in two contexts, loading while another thread predicts,
 * cancelling from outside while work runs. Under the thread sanitizer (preset tsan). */
#include "libprune/base/file.h"
#include "tests/session/nets.h"
#include "tests/train/scene.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 4 };

typedef struct worker {
    const char *path;
    prune_status status;
    float out[32 * 32];
} worker;

static prune_status work(worker *w, prune_context *ctx)
{
    static const uint8_t rgb[32 * 32 * 3] = {9, 8, 7};
    const prune_pixels pixels = {rgb, 32, 32, 0, PRUNE_RGB};
    prune_model *model = NULL;
    prune_session *session = NULL;
    prune_status status = prune_model_load(&model, ctx, w->path, NULL);
    if (status == PRUNE_OK) status = prune_session_create(&session, model, NULL);
    for (int k = 0; k < ROUNDS && status == PRUNE_OK; k++)
        status = prune_session_predict(session, &pixels, w->out);
    prune_session_free(session);
    prune_model_free(model);
    return status;
}

static void *run(void *argument)
{
    worker *w = argument;
    prune_context *ctx = NULL;
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = 2;
    w->status = prune_context_create(&ctx, &options);
    if (w->status == PRUNE_OK) w->status = work(w, ctx);
    prune_context_free(ctx);
    return NULL;
}

/* The same file, loaded and run by two threads at once, each with a pool of its own. */
START_TEST(two_threads_load_and_predict)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_chain(ctx);
    static worker workers[2];
    pthread_t threads[2];
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_path(0, "threads.safetensors.zst"));
    ck_ok(prune_model_save(model, path, NULL));
    for (int t = 0; t < 2; t++) {
        workers[t].path = path;
        ck_assert_int_eq(pthread_create(&threads[t], NULL, run, &workers[t]), 0);
    }
    for (int t = 0; t < 2; t++) ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
    for (int t = 0; t < 2; t++) ck_assert_int_eq(workers[t].status, PRUNE_OK);
    ck_assert_mem_eq(workers[0].out, workers[1].out, sizeof workers[0].out);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Two sessions of one model and one context, used in turns: each has its own memory. */
START_TEST(sessions_share_a_context)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_chain(ctx);
    prune_session *sessions[2];
    static float input[32 * 32 * 3], out[2][32 * 32];
    test_fill(input, 32 * 32 * 3, 5);
    for (int s = 0; s < 2; s++) ck_ok(prune_session_create(&sessions[s], model, NULL));
    for (int k = 0; k < ROUNDS; k++)
        for (int s = 0; s < 2; s++) ck_ok(prune_session_run(sessions[s], input, 32, 32, out[s]));
    ck_assert_mem_eq(out[0], out[1], sizeof out[0]);
    prune_session_free(sessions[0]);
    ck_ok(prune_session_run(sessions[1], input, 32, 32, out[0]));
    ck_assert_mem_eq(out[0], out[1], sizeof out[0]);
    prune_session_free(sessions[1]);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

typedef struct stop {
    atomic_bool asked;
    atomic_int progress;
} stop;

static bool cancelled(void *user)
{
    return atomic_load(&((stop *)user)->asked);
}

static void progressed(void *user, const char *stage, uint64_t done, uint64_t total)
{
    (void)stage, (void)done, (void)total;
    atomic_fetch_add(&((stop *)user)->progress, 1);
}

static void *ask_to_stop(void *argument)
{
    stop *s = argument;
    while (atomic_load(&s->progress) == 0) (void)sched_yield();
    atomic_store(&s->asked, true);
    return NULL;
}

/* Another thread asks a running tuning to stop: it does, with what it has. */
START_TEST(stopping_from_another_thread)
{
    static scene world;
    stop s = {false, 0};
    prune_context_options options;
    prune_context *ctx = NULL;
    prune_context_options_init(&options);
    options.threads = 2;
    options.user = &s;
    options.cancel = cancelled;
    options.progress = progressed;
    ck_ok(prune_context_create(&ctx, &options));
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1);
    prune_tune_options tune;
    prune_tune_report report = {.struct_size = sizeof report};
    prune_tune_options_init(&tune);
    tune.steps = 100000;
    tune.batch = 1;
    tune.report = &report;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_to_stop, &s), 0);
    ck_ok(prune_model_tune(model, NULL, samples, &tune));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(report.cancelled);
    ck_assert_uint_lt(report.steps, 100000);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session.threads", two_threads_load_and_predict, sessions_share_a_context,
          stopping_from_another_thread)
