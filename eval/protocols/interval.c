/* Intervals by the block bootstrap: neighbouring frames of a drive look alike, so whole blocks are
 * drawn, not frames. Everything depends on the seed alone. */
#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/memory.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000, ENOUGH_GROUPS = 5 };

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int32_t draw_block(uint64_t *state, int32_t blocks)
{
    double unit = (double)(next_random(state) >> 11) / 9007199254740992.0; /* 2^53 */
    return (int32_t)(unit * blocks);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static bool same_group(const char *const *groups, uint64_t a, uint64_t b)
{
    return strcmp(groups[a], groups[b]) == 0;
}

void pr_interval_blocks(int32_t *block, const char *const *groups, uint64_t count)
{
    /* Number the groups in order of appearance; the last one seen is the likely match. */
    int32_t n_groups = 0;
    bool all_known = true;
    for (uint64_t i = 0; i < count; i++) {
        all_known = all_known && groups[i][0] != '\0';
        uint64_t k = i;
        while (k-- > 0 && !same_group(groups, k, i)) continue;
        block[i] = k < i ? block[k] : n_groups++;
    }
    if (all_known && n_groups >= ENOUGH_GROUPS) return;
    uint64_t length = (uint64_t)cbrt((double)count + 0.5), run = 0;
    int32_t current = -1;
    for (uint64_t i = 0; i < count; i++) {
        if (i == 0 || run == length || !same_group(groups, i - 1, i)) {
            current++;
            run = 0;
        }
        block[i] = current;
        run++;
    }
}

prune_status pr_interval_mean(double *low, double *high, prune_context *context,
                              const double *values, const int32_t *block, uint64_t count,
                              uint64_t seed)
{
    int32_t blocks = 0;
    for (uint64_t i = 0; i < count; i++)
        if (block[i] >= blocks) blocks = block[i] + 1;
    double *sum = prune_memory_zero(context, (size_t)blocks + 1, sizeof *sum);
    double *size = prune_memory_zero(context, (size_t)blocks + 1, sizeof *size);
    double *means = prune_memory_new(context, DRAWS, sizeof *means);
    if (sum && size && means) {
        for (uint64_t i = 0; i < count; i++) {
            sum[block[i]] += values[i];
            size[block[i]] += 1;
        }
        uint64_t state = seed;
        for (int d = 0; d < DRAWS; d++) {
            double total = 0, n = 0;
            for (int32_t b = 0; b < blocks; b++) {
                int32_t drawn = draw_block(&state, blocks);
                total += sum[drawn];
                n += size[drawn];
            }
            means[d] = total / n;
        }
        qsort(means, DRAWS, sizeof *means, ascending);
        *low = means[DRAWS / 40];
        *high = means[DRAWS - 1 - DRAWS / 40];
    }
    bool enough = sum && size && means;
    prune_memory_free(context, sum);
    prune_memory_free(context, size);
    prune_memory_free(context, means);
    return enough ? PRUNE_OK : PRUNE_E_MEMORY;
}
