#include "libprune/base/random.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

void pr_random_seed(pr_random *random, uint64_t seed, uint64_t stream)
{
    random->state = 0;
    random->increment = stream << 1 | 1;
    (void)pr_random_u32(random);
    random->state += seed;
    (void)pr_random_u32(random);
}

/* PCG-XSH-RR 64/32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation", 2014, section 6.3). */
uint32_t pr_random_u32(pr_random *random)
{
    uint64_t old = random->state;
    random->state = old * 6364136223846793005u + random->increment;
    uint32_t mixed = (uint32_t)((old >> 18 ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);
    return mixed >> turn | mixed << (-turn & 31);
}

uint32_t pr_random_below(pr_random *random, uint32_t n)
{
    /* The lowest 2^32 mod n numbers would come up once too often. */
    uint32_t threshold = -n % n;
    for (;;) {
        uint32_t x = pr_random_u32(random);
        if (x >= threshold) return x % n;
    }
}

double pr_random_unit(pr_random *random)
{
    uint64_t high = pr_random_u32(random) >> 5; /* 27 bits */
    uint64_t low = pr_random_u32(random) >> 6;  /* 26 bits */
    return (double)(high << 26 | low) * 0x1p-53;
}

double pr_random_range(pr_random *random, double low, double high)
{
    return low + (high - low) * pr_random_unit(random);
}

double pr_random_normal(pr_random *random)
{
    double radius = sqrt(-2 * log(1 - pr_random_unit(random)));
    return radius * cos(2 * pi * pr_random_unit(random));
}

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t pr_hash_u64(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

uint64_t pr_hash_text(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return pr_hash_u64(hash);
}
