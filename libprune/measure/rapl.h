/* The processor's own energy counters, as Linux shows them: /sys/class/powercap/intel-rapl:*.
 * Source: Documentation/power/powercap/powercap.rst of the Linux kernel. AMD's counters appear
 * under the same names. */
#ifndef PR_MEASURE_RAPL_H
#define PR_MEASURE_RAPL_H

#include <prune/context.h>

enum { PR_RAPL_DOMAINS = 32, PR_RAPL_NAME = 32 };

typedef struct pr_rapl_domain {
    char name[PR_RAPL_NAME]; /* "package-0", "core", "dram" */
    /* Packages and memory add up to what is reported; cores and graphics are parts of a package,
     * and psys contains it. */
    bool counted;
    char *path;     /* of energy_uj */
    uint64_t range; /* microjoules, after which the counter starts again; 0: not known */
    uint64_t last;  /* microjoules at the latest reading */
} pr_rapl_domain;

typedef struct pr_rapl {
    prune_context *ctx;
    pr_rapl_domain domains[PR_RAPL_DOMAINS];
    int32_t count;
} pr_rapl;

/* PRUNE_E_UNSUPPORTED, with what is missing or not readable in the message, when the energy of all
 * packages cannot be read. */
prune_status pr_rapl_open(pr_rapl *rapl, prune_context *ctx, const char *root);
void pr_rapl_close(pr_rapl *rapl);

/* Adds what every domain has used since the last reading to joules[domain] (NULL: only starts a
 * span). A counter may have started again once; twice cannot be seen. */
prune_status pr_rapl_read(pr_rapl *rapl, double *joules);

/* "package-0 + dram": the counted domains; cut off when it does not fit. */
void pr_rapl_names(const pr_rapl *rapl, char *text, size_t size);

#endif
