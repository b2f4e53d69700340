#include "pipelines/cli/terminal.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;
static struct {
    bool progress, verbose, quiet, shown;
    char stage[32];
    double started, printed;
} screen;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void terminal_clear(void)
{
    if (screen.shown) (void)fputs("\r\033[K", stderr);
    screen.shown = false;
}

static void log_line(void *user, prune_log_level level, const char *line)
{
    (void)user;
    if (level == PRUNE_LOG_DEBUG && !screen.verbose) return;
    if (level == PRUNE_LOG_INFO && screen.quiet) return;
    terminal_clear();
    (void)fprintf(stderr, "%s%s\n", level == PRUNE_LOG_WARNING ? "warning: " : "", line);
}

static void progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    const double t = now();
    (void)user;
    if (strncmp(stage, screen.stage, sizeof screen.stage - 1) != 0 || done == 0) {
        (void)snprintf(screen.stage, sizeof screen.stage, "%s", stage);
        screen.started = t;
        screen.printed = 0;
    }
    if (done == total) {
        terminal_clear();
        return;
    }
    if (t - screen.printed < 0.2) return;
    screen.printed = t;
    screen.shown = true;
    (void)fprintf(stderr, "\r\033[K%s %llu of %llu", stage, (unsigned long long)done,
                  (unsigned long long)total);
    if (done > 0 && total > done) {
        const double left = (t - screen.started) / (double)done * (double)(total - done);
        (void)fprintf(stderr, ", %.0f:%02.0f left", floor(left / 60), fmod(floor(left), 60));
    }
    (void)fflush(stderr);
}

static void on_interrupt(int number)
{
    interrupted = 1;
    (void)signal(number, SIG_DFL);
}

static bool cancelled(void *user)
{
    (void)user;
    return interrupted != 0;
}

void terminal_open(prune_context_options *options, bool quiet, bool verbose)
{
    screen.quiet = quiet;
    screen.verbose = verbose;
    screen.progress = !quiet && isatty(STDERR_FILENO) == 1;
    options->log = log_line;
    options->progress = screen.progress ? progress : NULL;
    options->cancel = cancelled;
    (void)signal(SIGINT, on_interrupt);
    (void)signal(SIGTERM, on_interrupt);
}
