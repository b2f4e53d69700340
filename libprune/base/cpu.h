/* Instruction-set tiers. */
#ifndef PR_BASE_CPU_H
#define PR_BASE_CPU_H

#include <prune/status.h>
#include <stdbool.h>

typedef enum pr_isa {
    PR_ISA_PORTABLE = 0,
    PR_ISA_AVX2 = 1, /* AVX2, FMA, F16C */
    PR_ISA_AVX512VNNI = 2,
    PR_ISA_COUNT
} pr_isa;

const char *pr_isa_name(pr_isa isa);
/* What CPU and operating system allow, from feature bits and XCR0, never from the model number. */
bool pr_cpu_has(pr_isa isa);
pr_isa pr_cpu_best(void);
/* Name to tier; fails when unknown or when this machine lacks it. */
prune_status pr_isa_parse(pr_isa *out, const char *name);

#endif
