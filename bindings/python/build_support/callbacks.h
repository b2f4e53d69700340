/* The part of the binding that must be C: stopping long work on Ctrl-C.
 *
 * While the library works, the main thread is inside C and Python's own handler would only be
 * noticed afterwards. So during long calls our handler stands in its place and sets a flag, which
 * the context's cancel callback reads from whatever thread the library asks. */
#include <signal.h>
#include <string.h>

typedef struct prunepy_state {
    int32_t cancel;  /* Context.cancel() was called */
    int32_t listens; /* the main thread runs something of this context, under our handler */
    void *python;    /* the Context object, for log and progress */
} prunepy_state;

static volatile sig_atomic_t prunepy_interrupted;
static struct sigaction prunepy_saved;

static void prunepy_on_interrupt(int number)
{
    (void)number;
    prunepy_interrupted = 1;
}

static bool prunepy_cancelled(void *user)
{
    const prunepy_state *state = (const prunepy_state *)user;
    return __atomic_load_n(&state->cancel, __ATOMIC_RELAXED) ||
           (__atomic_load_n(&state->listens, __ATOMIC_RELAXED) && prunepy_interrupted);
}

/* Main thread only, not nested. */
static void prunepy_watch_begin(void)
{
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_handler = prunepy_on_interrupt;
    ours.sa_flags = SA_RESTART;
    sigemptyset(&ours.sa_mask);
    prunepy_interrupted = 0;
    (void)sigaction(SIGINT, &ours, &prunepy_saved);
}

/* Whether an interrupt came in between. */
static int prunepy_watch_end(void)
{
    (void)sigaction(SIGINT, &prunepy_saved, NULL);
    return prunepy_interrupted != 0;
}
