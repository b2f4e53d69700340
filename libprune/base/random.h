/* Random numbers: the same seed gives the same bytes on every machine (PCG32, O'Neill 2014). */
#ifndef PR_BASE_RANDOM_H
#define PR_BASE_RANDOM_H

#include <stdint.h>

typedef struct pr_random {
    uint64_t state, increment;
} pr_random;

/* Different streams of one seed are independent. */
void pr_random_seed(pr_random *random, uint64_t seed, uint64_t stream);
uint32_t pr_random_u32(pr_random *random);
/* Uniform in [0, n), without modulo bias. n > 0. */
uint32_t pr_random_below(pr_random *random, uint32_t n);
/* Uniform in [0, 1). */
double pr_random_unit(pr_random *random);
double pr_random_range(pr_random *random, double low, double high);
/* Standard normal (Box-Muller). */
double pr_random_normal(pr_random *random);
/* SplitMix64: a good hash of a 64-bit number. */
uint64_t pr_hash_u64(uint64_t x);
/* FNV-1a of a string, then SplitMix64. */
uint64_t pr_hash_text(const char *text);

#endif
