/* Runs that are interrupted end as those that are not. Covers: engine.c, work.c, snapshot.c,
 * identity.c */
#include "tests/pipelines/run/loop.h"

#include <signal.h>
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
                kills < wanted ? usual * random_unit(&state) * (1 + runs) / 4 : 200;
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

TEST_MAIN("pipelines.run.engine", kills_at_any_moment_change_nothing)
