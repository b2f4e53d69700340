/* Memory of this process, as Linux reports it. */
#include "libprune/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <prune/measure.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint64_t prune_peak_memory(void)
{
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %llu kB", &kilobytes) == 1) break;
    if (file) (void)fclose(file);
    return (uint64_t)kilobytes * 1024;
}

/* Writing 5 resets VmHWM to what is resident now (proc(5)). */
prune_status prune_peak_memory_reset(void)
{
    const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    const bool done = file >= 0 && write(file, "5", 1) == 1;
    const int problem = errno;
    if (file >= 0) (void)close(file);
    if (done) return PRUNE_OK;
    return pr_fail(PRUNE_E_UNSUPPORTED,
                   "/proc/self/clear_refs: %s; peak memory counts from the start of the process",
                   strerror(problem));
}
