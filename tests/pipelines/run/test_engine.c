/* Runs that are interrupted end as those that are not. Covers: engine.c, work.c, snapshot.c,
 * identity.c */
#include "tests/pipelines/run/loop.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The loop in a process of its own; returns its id. */
static pid_t start(const char *folder)
{
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(loop_run(folder, true, NULL, 2) == PRUNE_OK ? 0 : 1);
    return child;
}

/* Waits until it ends or the time is over; then it is killed. Returns whether it was. */
static bool killed_after(pid_t child, double seconds)
{
    const double deadline = now() + seconds;
    int status = 0;
    const struct timespec nap = {0, 500000};
    while (now() < deadline) {
        if (waitpid(child, &status, WNOHANG) == child) {
            ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the loop failed");
            return false;
        }
        (void)nanosleep(&nap, NULL);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static double random_unit(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

START_TEST(kills_at_any_moment_change_nothing)
{
    char whole[512], broken[512];
    const char *soak = getenv("PRUNE_SOAK");
    const int wanted = soak ? atoi(soak) : 5;
    uint64_t state = soak ? (uint64_t)time(NULL) : 2024;
    int kills = 0, runs = 0;
    (void)snprintf(whole, sizeof whole, "%s", test_path(0, "whole"));
    const double began = now();
    ck_assert(!killed_after(start(whole), 200));
    const double usual = now() - began;
    loop_expect_tuned(whole);
    size_t written;
    char *yaml = loop_read(whole, "recipe.yaml", &written);
    ck_assert_ptr_nonnull(strstr(yaml, "quantize"));
    free(yaml);
    (void)printf("kills: %d wanted, seed %llu, an uninterrupted run takes %.2f s\n", wanted,
                 (unsigned long long)state, usual);
    while (kills < wanted) {
        bool finished = false;
        char name[32];
        (void)snprintf(name, sizeof name, "broken-%d", runs++);
        (void)snprintf(broken, sizeof broken, "%s", test_path(0, name));
        /* A resumed run is killed again, until one gets through. */
        while (!finished) {
            const double moment =
                kills < wanted ? usual * random_unit(&state) * (1 + runs % 4) / 4 : 200;
            finished = !killed_after(start(broken), moment);
            if (!finished) kills++;
            (void)printf("  run %d: %s %.3f s\n", runs,
                         finished ? "finished before" : "killed after", moment);
        }
        loop_expect_same(whole, broken);
    }
    ck_assert_int_ge(kills, wanted);
}
END_TEST

/* What can go wrong in one process: the reference is made once, then every trouble in turn. */
START_TEST(troubles_in_the_middle_lose_nothing)
{
    char whole[512], broken[512];
    (void)snprintf(whole, sizeof whole, "%s", test_path(0, "reference"));
    ck_ok(loop_run(whole, false, NULL, 2));
    /* Pictures that cannot be read, at different moments; each time the run goes on from there. */
    (void)snprintf(broken, sizeof broken, "%s", test_path(0, "unreadable"));
    int failures = 0;
    for (loop_image_fails = 1;; loop_image_fails += 40) {
        const prune_status status = loop_run(broken, true, NULL, 2);
        if (status == PRUNE_OK) break;
        failures++;
        ck_assert_int_eq(status, PRUNE_E_IO);
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "0000000004.png"));
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "--resume"));
    }
    loop_image_fails = -1;
    ck_assert_int_ge(failures, 2);
    loop_expect_same(whole, broken);
    /* A finished run can be resumed: everything is made again from what is there. */
    ck_ok(loop_run(broken, true, NULL, 2));
    loop_expect_same(whole, broken);
}
END_TEST

static void more_steps(prune_recipe *recipe)
{
    recipe->stages[3].tune.steps = 7;
}

static void other_floor(prune_recipe *recipe)
{
    recipe->goals.max_drop = recipe_keep(recipe, "abs_rel=0.5");
}

static void one_stage(prune_recipe *recipe)
{
    recipe->count = 1;
}

static void fewer_pictures(prune_recipe *recipe)
{
    recipe->count = 1;
    recipe->loop.pictures = 0;
}

START_TEST(another_run_is_not_gone_on_with)
{
    char folder[512], file[700];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "same"));
    ck_ok(loop_run(folder, false, one_stage, 2));
    ck_fails(loop_run(folder, false, one_stage, 2), PRUNE_E_ARGUMENT, "--resume");
    ck_fails(loop_run(folder, true, NULL, 2), PRUNE_E_ARGUMENT, "stage 2 (tune)");
    ck_fails(loop_run(folder, true, other_floor, 2), PRUNE_E_ARGUMENT, "abs_rel=0.5");
    ck_fails(loop_run(folder, true, more_steps, 2), PRUNE_E_ARGUMENT, "another one");
    ck_fails(loop_run(folder, true, one_stage, 1), PRUNE_E_ARGUMENT, "threads");
    /* What changes no figure may differ. */
    ck_ok(loop_run(folder, true, fewer_pictures, 2));
    /* A snapshot that somebody touched is noticed. */
    (void)snprintf(file, sizeof file, "%s/stages/01-trimmed.safetensors", folder);
    FILE *touched = fopen(file, "r+b");
    ck_assert_ptr_nonnull(touched);
    ck_assert_int_eq(fseek(touched, -1, SEEK_END), 0);
    ck_assert_int_ne(fputc(0x55, touched), EOF);
    ck_assert_int_eq(fclose(touched), 0);
    ck_fails(loop_run(folder, true, one_stage, 2), PRUNE_E_FORMAT, "01-trimmed");
}
END_TEST

/* A limit on the size of files stands in for a full disk: first no stage's model fits, then no more
 * of the log. */
START_TEST(a_full_disk_is_said_and_survived)
{
    char whole[512], broken[512];
    static const rlim_t sizes[] = {6000, 25000, 31000};
    (void)snprintf(whole, sizeof whole, "%s", test_path(0, "roomy"));
    (void)snprintf(broken, sizeof broken, "%s", test_path(0, "full"));
    ck_ok(loop_run(whole, false, NULL, 2));
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct rlimit tight = {sizes[i], RLIM_INFINITY};
        const struct rlimit roomy = {RLIM_INFINITY, RLIM_INFINITY};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
        const prune_status status = loop_run(broken, true, NULL, 2);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &roomy), 0);
        ck_assert_msg(status == PRUNE_E_IO, "with %d bytes: %s", (int)sizes[i], prune_last_error());
    }
    ck_ok(loop_run(broken, true, NULL, 2));
    loop_expect_same(whole, broken);
}
END_TEST

/* Minutes become steps by the clock, once: the log repeats them. */
static void by_the_clock(prune_recipe *recipe)
{
    recipe->count = 2;
    recipe->stages[1].tune.steps = 0;
    recipe->stages[1].tune.minutes = 0.005;
}

START_TEST(what_a_clock_decided_stays_decided)
{
    char folder[512];
    size_t size;
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "clock"));
    loop_image_fails = 200;
    (void)loop_run(folder, true, by_the_clock, 2);
    loop_image_fails = -1;
    ck_ok(loop_run(folder, true, by_the_clock, 2));
    char *log = loop_read(folder, "run.jsonl", &size);
    const char *decision = strstr(log, "\"event\":\"decision\"");
    ck_assert_ptr_nonnull(decision);
    ck_assert_ptr_null(strstr(decision + 1, "\"event\":\"decision\""));
    free(log);
}
END_TEST

TEST_MAIN("pipelines.run.engine", kills_at_any_moment_change_nothing,
          troubles_in_the_middle_lose_nothing, another_run_is_not_gone_on_with,
          a_full_disk_is_said_and_survived, what_a_clock_decided_stays_decided)
