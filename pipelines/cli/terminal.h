/* What the library says while it works: log lines and progress on standard error, Ctrl-C. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <prune/context.h>

/* Fills in the callbacks. Progress appears only on a terminal; the first Ctrl-C asks the work to
 * stop with its best result so far, the second ends the program. */
void terminal_open(prune_context_options *options, bool quiet, bool verbose);
/* Removes a progress line that is on the screen. */
void terminal_clear(void);

#endif
