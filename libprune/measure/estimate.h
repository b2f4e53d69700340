/* Energy from counting: operations and bytes of every step, times a table. */
#ifndef PR_MEASURE_ESTIMATE_H
#define PR_MEASURE_ESTIMATE_H

#include <prune/measure.h>

/* Reads options->table (JSON), when there is one, over the other members. source (size bytes)
 * becomes a line that names the table: its "source", "default table: ..." or "table given by
 * options". */
prune_status pr_energy_table_read(prune_energy_options *options, char *source, size_t size);

/* Fills the counts and the value of a session's current plan. Weights come from DRAM unless all
 * memory of the session fits into the cache; values that a step reads and writes do when together
 * they do not fit. */
prune_status pr_energy_estimate(const prune_session *session, const prune_energy_options *options,
                                prune_frame_energy *frame);

#endif
