/* Between the files that execute a plan: where values are, and the steps of a block of rows. */
#ifndef PR_SESSION_RUN_H
#define PR_SESSION_RUN_H

#include "libprune/session/plan.h"

typedef struct pr_runner {
    pr_plan *plan;
    const pr_kernels *kernels;
    float *buffers[2]; /* the caller's input and output */
    char *arena, *scratch;
    bool profile;
} pr_runner;

/* Rows that one lane takes through the steps of a group. */
typedef struct pr_block {
    int64_t first, rows;
    char *values;              /* of the group's own buffers; their row 0 is row `first` */
    char *scratch;             /* for kernels */
    int64_t strip_at, strip_n; /* lines of the resized map that the strip holds */
} pr_block;

/* Values from the block's first row on; block NULL: from the beginning. NULL where there are none.
 */
float *pr_run_floats(const pr_runner *run, int32_t node, const pr_block *block);
int8_t *pr_run_bytes(const pr_runner *run, int32_t variant, const pr_block *block);
float *pr_run_row_scales(const pr_runner *run, int32_t variant, const pr_block *block);

/* Of a matrix product: what it reads, and what happens to its sums. */
const void *pr_run_matrix_input(const pr_runner *run, const pr_unit *unit, const pr_block *block);
pr_epilogue pr_run_epilogue(const pr_runner *run, const pr_step *step, const pr_block *block);

/* Line y of a resize to `floats` (or to a line of scratch, where that is NULL) and to `bytes` (or
 * not): both are where the line belongs. */
void pr_run_resize_line(const pr_runner *run, const pr_step *step, int64_t y, float *floats,
                        int8_t *bytes, float *scratch);

/* All blocks of a group of rows, over the context's threads. */
void pr_run_rows(const pr_runner *run, const pr_group *group);

double pr_run_seconds(void);

#endif
