/* Splits: nobody on both sides, drives stay whole, the seed decides. */
#include "libprune/samples/samples.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 60 };

typedef struct made_up {
    char names[FRAMES][16], groups[FRAMES][16];
} made_up;

static prune_status load(void *user, uint64_t index, prune_sample *sample)
{
    (void)user, (void)index, (void)sample;
    return PRUNE_OK;
}

static void release(void *user, prune_sample *sample)
{
    (void)user, (void)sample;
}

static prune_status identify(void *user, uint64_t index, const char **name, const char **group)
{
    made_up *set = user;
    *name = set->names[index];
    *group = set->groups[index];
    return PRUNE_OK;
}

static prune_samples *make(prune_context *ctx, made_up *set, int drives)
{
    for (int i = 0; i < FRAMES; i++) {
        (void)snprintf(set->names[i], 16, "frame%02d", i);
        set->groups[i][0] = '\0';
        if (drives) (void)snprintf(set->groups[i], 16, "drive%d", i * drives / FRAMES);
    }
    prune_sample_source source = {.struct_size = sizeof source,
                                  .user = set,
                                  .count = FRAMES,
                                  .load = load,
                                  .release = release,
                                  .identify = identify};
    prune_samples *samples;
    ck_ok(prune_samples_create(&samples, ctx, &source));
    return samples;
}

/* Marks the frames of a part; fails where one is seen twice. Returns how many. */
static int mark(prune_samples *part, char *seen, char value)
{
    for (uint64_t i = 0; i < prune_samples_count(part); i++) {
        const char *name, *group;
        ck_ok(prune_samples_identify(part, i, &name, &group));
        int frame = atoi(name + 5);
        ck_assert_int_eq(seen[frame], 0);
        seen[frame] = value;
    }
    return (int)prune_samples_count(part);
}

static int split(prune_samples *whole, double share, uint64_t seed, char *seen, bool *by_group)
{
    prune_samples *kept, *held;
    ck_ok(prune_samples_split(&kept, &held, whole, share, seed, by_group));
    memset(seen, 0, FRAMES);
    int n_kept = mark(kept, seen, 1), n_held = mark(held, seen, 2);
    ck_assert_int_eq(n_kept + n_held, FRAMES);
    prune_samples_free(kept);
    prune_samples_free(held);
    return n_held;
}

START_TEST(by_name)
{
    prune_context *ctx = test_context(1);
    made_up set;
    char seen[FRAMES], again[FRAMES];
    bool by_group = true;
    prune_samples *samples = make(ctx, &set, 0);
    ck_assert_int_eq(split(samples, 0.25, 1, seen, &by_group), 15);
    ck_assert(!by_group);
    (void)split(samples, 0.25, 1, again, NULL);
    ck_assert_mem_eq(seen, again, FRAMES);
    (void)split(samples, 0.25, 2, again, NULL);
    ck_assert_mem_ne(seen, again, FRAMES);
    ck_assert_int_ge(split(samples, 0.0001, 3, seen, NULL), 1);
    ck_assert_int_le(split(samples, 0.9999, 3, seen, NULL), FRAMES - 1);
    prune_samples_free(samples);
    samples = make(ctx, &set, 1); /* one drive: nothing to keep together */
    ck_assert_int_eq(split(samples, 0.25, 1, again, &by_group), 15);
    ck_assert(!by_group);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(by_drive)
{
    prune_context *ctx = test_context(1);
    made_up set;
    char seen[FRAMES];
    bool by_group = false;
    prune_samples *samples = make(ctx, &set, 6);
    ck_assert_int_eq(split(samples, 0.3, 5, seen, &by_group), 20);
    ck_assert(by_group);
    for (int i = 1; i < FRAMES; i++)
        if (strcmp(set.groups[i], set.groups[i - 1]) == 0) ck_assert_int_eq(seen[i], seen[i - 1]);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* A drive of 56 frames and one of 4: a fifth is nearer to the short one, whatever the hashes say.
 */
START_TEST(long_drives_are_not_held_back_for_a_small_share)
{
    prune_context *ctx = test_context(1);
    made_up set;
    char seen[FRAMES];
    prune_samples *samples = make(ctx, &set, 2);
    for (int i = 0; i < FRAMES - 4; i++) memcpy(set.groups[i], set.groups[0], sizeof set.groups[0]);
    for (uint64_t seed = 0; seed < 8; seed++)
        ck_assert_int_eq(split(samples, 0.2, seed, seen, NULL), 4);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_nonsense)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = make(ctx, &set, 0), *one, *kept, *held;
    const uint64_t first = 0;
    ck_ok(prune_samples_subset(&one, samples, &first, 1));
    ck_fails(prune_samples_split(&kept, &held, one, 0.5, 1, NULL), PRUNE_E_ARGUMENT, "1 sample");
    ck_fails(prune_samples_split(&kept, &held, samples, 1.5, 1, NULL), PRUNE_E_ARGUMENT, "1.5");
    prune_samples_free(one);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("samples.split", by_name, by_drive, long_drives_are_not_held_back_for_a_small_share,
          refuses_nonsense)
