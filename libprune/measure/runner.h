/* A model that is ready to run on the same made-up pixels again and again. */
#ifndef PR_MEASURE_RUNNER_H
#define PR_MEASURE_RUNNER_H

#include <prune/session.h>

typedef struct pr_runner {
    prune_context *ctx;
    prune_session *session;
    int32_t height, width;
    float *input, *output;
} pr_runner;

/* height x width 0: the model's own. A runner that failed to open is closed all the same. */
prune_status pr_runner_open(pr_runner *runner, prune_context *ctx, const prune_model *model,
                            int32_t height, int32_t width);
void pr_runner_close(pr_runner *runner);
prune_status pr_runner_run(pr_runner *runner);

double pr_seconds(void); /* monotonic */

#endif
