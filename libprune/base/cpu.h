/* Instruction-set tiers. */
#ifndef PR_BASE_CPU_H
#define PR_BASE_CPU_H

#include <prune/status.h>
#include <stdbool.h>
#include <stdint.h>

/* From the slowest to the fastest: the last one that a machine has is its best. */
typedef enum pr_isa {
    PR_ISA_PORTABLE = 0,
    PR_ISA_AVX2 = 1,       /* AVX2, FMA, F16C */
    PR_ISA_AVXVNNI = 2,    /* AVX2 and AVX-VNNI: 256-bit vpdpbusd without AVX-512 */
    PR_ISA_AVX512 = 3,     /* AVX-512 F, BW, DQ, VL */
    PR_ISA_AVX512VNNI = 4, /* AVX-512 with 512-bit vpdpbusd */
    PR_ISA_AMX = 5,        /* AVX512VNNI, AVX512-BF16, and AMX tiles of INT8 and BF16 */
    PR_ISA_COUNT
} pr_isa;

/* What decides about tiers: CPUID's feature words, and what the operating system grants. */
typedef struct pr_cpu_facts {
    uint32_t leaf1_c;                   /* CPUID leaf 1, ECX */
    uint32_t leaf7_b, leaf7_c, leaf7_d; /* leaf 7, subleaf 0 */
    uint32_t leaf7_1_a;                 /* leaf 7, subleaf 1, EAX */
    uint64_t state;                     /* XCR0: register state that is saved */
    bool tiles;                         /* this process may use AMX tiles */
} pr_cpu_facts;

/* Whether a machine with these facts has a tier. Never asks for family or model: virtual machines
 * mask them. */
bool pr_cpu_allows(const pr_cpu_facts *facts, pr_isa isa);

const char *pr_isa_name(pr_isa isa);
/* What CPU and operating system allow. On Linux a process must ask once before it uses AMX tiles;
 * the first call of any of these does, and does without them when refused. */
bool pr_cpu_has(pr_isa isa);
pr_isa pr_cpu_best(void);
/* Name to tier; fails when unknown or when this machine lacks it. */
prune_status pr_isa_parse(pr_isa *out, const char *name);

#endif
