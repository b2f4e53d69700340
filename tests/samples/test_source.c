/* Custom sources and subsets: what goes in comes out, and everything is released once. */
#include "libprune/samples/samples.h"
#include "tests/support/support.h"

typedef struct counter {
    int loaded, released, closed;
} counter;

static const uint8_t pixels[4][12] = {{1}, {2}, {3}, {4}};
static const char *const names[] = {"a", "b", "c", "d"};

static prune_status load(void *user, uint64_t index, prune_sample *sample)
{
    ((counter *)user)->loaded++;
    if (index == 3) return pr_fail(PRUNE_E_IO, "d is broken");
    *sample = (prune_sample){.name = names[index], .width = 2, .height = 2, .rgb = pixels[index]};
    return PRUNE_OK;
}

static void release(void *user, prune_sample *sample)
{
    ((counter *)user)->released++;
    sample->rgb = NULL;
}

static void close_source(void *user)
{
    ((counter *)user)->closed++;
}

static prune_status identify(void *user, uint64_t index, const char **name, const char **group)
{
    (void)user;
    *name = names[index];
    *group = "";
    return PRUNE_OK;
}

START_TEST(subsets_ask_the_whole)
{
    prune_context *ctx = test_context(1);
    counter count = {0, 0, 0};
    prune_sample_source source = {.struct_size = sizeof source,
                                  .user = &count,
                                  .count = 4,
                                  .load = load,
                                  .release = release,
                                  .close = close_source,
                                  .identify = identify};
    prune_samples *whole, *part, *inner;
    ck_ok(prune_samples_create(&whole, ctx, &source));
    const uint64_t indices[] = {3, 2, 0};
    ck_ok(prune_samples_subset(&part, whole, indices, 3));
    ck_ok(prune_samples_subset(&inner, part, indices + 1, 1)); /* 2 of part: 0 of whole */
    ck_assert_uint_eq(prune_samples_count(part), 3);
    prune_sample sample;
    ck_ok(prune_samples_load(inner, 0, &sample));
    ck_assert_str_eq(sample.name, "a");
    ck_assert_int_eq(sample.rgb[0], 1);
    prune_samples_release(inner, &sample);
    ck_fails(prune_samples_load(part, 0, &sample), PRUNE_E_IO, "d is broken");
    ck_fails(prune_samples_load(part, 3, &sample), PRUNE_E_ARGUMENT, "only 3");
    const char *name, *group;
    ck_ok(prune_samples_identify(part, 1, &name, &group));
    ck_assert_str_eq(name, "c");
    const uint64_t wrong[] = {4};
    ck_fails(prune_samples_subset(&inner, whole, wrong, 1), PRUNE_E_ARGUMENT, "only 4");
    prune_samples_free(inner);
    prune_samples_free(part);
    ck_assert_int_eq(count.closed, 0);
    prune_samples_free(whole);
    ck_assert_int_eq(count.closed, 1);
    ck_assert_int_eq(count.loaded, 2);
    ck_assert_int_eq(count.released, 1);
    source.identify = NULL;
    ck_fails(prune_samples_create(&whole, ctx, &source), PRUNE_E_ARGUMENT, "incomplete");
    prune_samples_free(NULL);
    prune_metric_free(NULL);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("samples.source", subsets_ask_the_whole)
