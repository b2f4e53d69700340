/* Who is trained on and who is asked: splits by hash. */
#include "libprune/samples/samples.h"

#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *key; /* drive or frame; belongs to the samples */
    uint64_t hash;
    uint64_t frames;
    bool held;
} unit;

static int by_hash(const void *a, const void *b)
{
    const unit *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return strcmp(x->key, y->key);
}

/* A plain search: only drives are looked up this way, and they are few. */
static unit *find_unit(unit *units, uint64_t n, uint64_t hash, const char *key)
{
    for (uint64_t i = 0; i < n; i++)
        if (units[i].hash == hash && strcmp(units[i].key, key) == 0) return &units[i];
    return NULL;
}

static uint64_t unit_hash(const char *key, uint64_t seed)
{
    return pr_hash_u64(pr_hash_text(key) ^ seed);
}

/* By name every frame is its own unit; by group they are gathered. */
static prune_status collect_units(unit *units, uint64_t *n, prune_samples *whole, bool by_group,
                                  uint64_t seed)
{
    uint64_t count = prune_samples_count(whole);
    *n = 0;
    for (uint64_t i = 0; i < count; i++) {
        const char *name, *group;
        PR_TRY(prune_samples_identify(whole, i, &name, &group));
        const char *key = by_group ? group : name;
        uint64_t hash = unit_hash(key, seed);
        unit *known = by_group ? find_unit(units, *n, hash, key) : NULL;
        if (!known) {
            known = &units[(*n)++];
            *known = (unit){.key = key, .hash = hash};
        }
        known->frames++;
    }
    return PRUNE_OK;
}

/* Units in the order of their hashes, those that bring the held frames nearer to the share; where
 * none does, as with two long drives, the shortest. One unit at least is kept. */
static void choose_held(unit *units, uint64_t n, uint64_t frames, double share)
{
    qsort(units, n, sizeof *units, by_hash);
    const double wanted = share * (double)frames;
    double have = 0;
    uint64_t held = 0, shortest = 0;
    for (uint64_t i = 0; i < n; i++) {
        const double with = have + (double)units[i].frames;
        if (units[i].frames < units[shortest].frames) shortest = i;
        if (held + 1 == n || with - wanted > wanted - have) continue;
        units[i].held = true;
        have = with;
        held++;
    }
    if (held == 0) units[shortest].held = true;
}

static prune_status groups_known(bool *known, prune_samples *whole)
{
    const char *first = NULL, *name, *group;
    bool differ = false;
    *known = false;
    for (uint64_t i = 0; i < prune_samples_count(whole); i++) {
        PR_TRY(prune_samples_identify(whole, i, &name, &group));
        if (group[0] == '\0') return PRUNE_OK;
        if (!first) first = group;
        differ = differ || strcmp(first, group) != 0;
    }
    *known = differ;
    return PRUNE_OK;
}

static prune_status make_parts(prune_samples **kept, prune_samples **held, prune_samples *whole,
                               const unit *units, uint64_t n, bool by_group, uint64_t seed,
                               uint64_t *indices)
{
    uint64_t count = prune_samples_count(whole), n_kept = 0, n_held = 0;
    for (uint64_t i = 0; i < count; i++) {
        const char *name, *group;
        PR_TRY(prune_samples_identify(whole, i, &name, &group));
        unit wanted = {.key = by_group ? group : name};
        wanted.hash = unit_hash(wanted.key, seed);
        const unit *own = bsearch(&wanted, units, n, sizeof *units, by_hash);
        if (own && own->held)
            indices[count - ++n_held] = i; /* from the back, in reverse */
        else
            indices[n_kept++] = i;
    }
    for (uint64_t a = n_kept, b = count; a + 1 < b; a++) {
        uint64_t swap = indices[a];
        indices[a] = indices[--b];
        indices[b] = swap;
    }
    prune_samples *first = NULL;
    PR_TRY(prune_samples_subset(&first, whole, indices, n_kept));
    prune_status status = prune_samples_subset(held, whole, indices + n_kept, n_held);
    if (status != PRUNE_OK) {
        prune_samples_free(first);
        return status;
    }
    *kept = first;
    return PRUNE_OK;
}

prune_status prune_samples_split(prune_samples **kept, prune_samples **held, prune_samples *whole,
                                 double share, uint64_t seed, bool *by_group)
{
    prune_context *ctx = pr_samples_context(whole);
    uint64_t count = prune_samples_count(whole), n = 0;
    if (count < 2)
        return pr_fail(PRUNE_E_ARGUMENT, "cannot split %llu sample(s) in two: give more images",
                       (unsigned long long)count);
    if (!(share > 0 && share < 1))
        return pr_fail(PRUNE_E_ARGUMENT, "the held-back share is %g: give a number between 0 and 1",
                       share);
    bool grouped;
    PR_TRY(groups_known(&grouped, whole));
    unit *units = NULL;
    uint64_t *indices = NULL;
    prune_status status;
    PR_GO(pr_new(ctx, (void **)&units, count, sizeof *units));
    PR_GO(pr_new(ctx, (void **)&indices, count, sizeof *indices));
    PR_GO(collect_units(units, &n, whole, grouped, seed));
    choose_held(units, n, count, share);
    PR_GO(make_parts(kept, held, whole, units, n, grouped, seed, indices));
    if (by_group) *by_group = grouped;
done:
    pr_free(ctx, units);
    pr_free(ctx, indices);
    return status;
}
