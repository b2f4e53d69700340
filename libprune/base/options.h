/* Option tables inside the library. */
#ifndef PR_BASE_OPTIONS_H
#define PR_BASE_OPTIONS_H

#include <prune/options.h>

/* Completes a caller's options: the table's defaults, then as much as the caller's version of the
 * struct holds (struct_size), then a check of every range. `given` may be NULL. `out` has
 * table->struct_size bytes. */
prune_status pr_options_take(const prune_option_table *table, void *out, const void *given);

#endif
