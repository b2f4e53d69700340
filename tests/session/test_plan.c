/* Covers: tables.c, run.c */
#include "libprune/session/plan.h"
#include "tests/session/nets.h"

START_TEST(buffers_that_live_together_lie_apart)
{
    prune_context *ctx = test_context(2);
    prune_model *models[3] = {net_conv(ctx), net_vit(ctx), net_chain(ctx)};
    for (int m = 0; m < 3; m++) {
        pr_lowered low;
        pr_plan plan;
        size_t sum = 0;
        ck_ok(pr_lower(&low, models[m]));
        ck_ok(pr_plan_create(&plan, &low, 1, 32, 16));
        for (int32_t i = 2; i < plan.n_buffers; i++) {
            const pr_buffer_plan *a = &plan.buffers[i];
            sum += a->bytes;
            /* What a group's lanes hold lies in their scratch, the rest in the arena. */
            ck_assert_uint_le(a->offset + a->bytes, a->group == PR_NONE
                                                        ? plan.scratch_offset
                                                        : plan.groups[a->group].values_bytes);
            for (int32_t j = 2; j < i; j++) {
                const pr_buffer_plan *b = &plan.buffers[j];
                bool together = a->first <= b->last && b->first <= a->last;
                bool apart = a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset;
                ck_assert(!together || apart || a->group != b->group);
            }
        }
        ck_assert_uint_lt(plan.scratch_offset, sum); /* memory is used again */
        pr_plan_free(&plan);
        ck_fails(pr_plan_create(&plan, &low, 1, 0, 16), PRUNE_E_SHAPE, "");
        /* 33 rows come back as 36: more than the caller has reserved. */
        if (m == 2) ck_fails(pr_plan_create(&plan, &low, 1, 33, 16), PRUNE_E_SHAPE, "strides");
        pr_lowered_free(&low);
        pr_model_free(models[m]);
    }
    prune_context_free(ctx);
}
END_TEST

/* An allocator that counts, and fails when its budget is spent. */
typedef struct meter {
    _Atomic int64_t calls, live; /* weights are packed by several threads */
    _Atomic int64_t budget;      /* negative: no limit */
} meter;

static void *meter_allocate(void *user, size_t bytes, size_t alignment)
{
    meter *m = user;
    m->calls++;
    if (m->budget >= 0 && m->budget-- <= 0) {
        m->budget = 0;
        return NULL;
    }
    void *memory = aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
    m->live += memory != NULL;
    return memory;
}

static void meter_release(void *user, void *memory)
{
    meter *m = user;
    m->live -= memory != NULL;
    free(memory);
}

static prune_context *metered(meter *m)
{
    prune_context_options options;
    prune_context *ctx;
    prune_context_options_init(&options);
    options.threads = 2;
    options.user = m;
    options.allocate = meter_allocate;
    options.release = meter_release;
    ck_ok(prune_context_create(&ctx, &options));
    return ctx;
}

START_TEST(running_allocates_nothing)
{
    enum { SIZE = 16 };
    static float input[SIZE * SIZE * 3], output[SIZE * SIZE];
    meter m = {.budget = -1};
    prune_context *ctx = metered(&m);
    prune_model *models[2] = {net_chain(ctx), net_chain(ctx)};
    test_fill(input, SIZE * SIZE * 3, 3);
    annotate(models[1], input, SIZE, SIZE, false);
    for (int i = 0; i < 2; i++) {
        prune_session *session;
        ck_ok(prune_session_create(&session, models[i], NULL));
        ck_ok(prune_session_run(session, input, SIZE, SIZE, output));
        int64_t before = m.calls;
        ck_ok(prune_session_run(session, input, SIZE, SIZE, output));
        ck_assert_int_eq(m.calls, before);
        prune_session_free(session);
        pr_model_free(models[i]);
    }
    prune_context_free(ctx);
    ck_assert_int_eq(m.live, 0);
}
END_TEST

START_TEST(every_failing_allocation_is_survived)
{
    enum { SIZE = 16 };
    static float input[SIZE * SIZE * 3];
    meter m = {.budget = -1};
    prune_context *ctx = metered(&m);
    prune_model *model = net_vit(ctx);
    test_fill(input, SIZE * SIZE * 3, 3);
    annotate(model, input, SIZE, SIZE, true);
    int64_t live = m.live, budget = 0;
    for (;; budget++) {
        prune_session *session = NULL;
        m.budget = budget;
        prune_status status = prune_session_create(&session, model, NULL);
        m.budget = -1;
        if (status == PRUNE_OK) {
            prune_session_free(session);
            break;
        }
        ck_assert_int_eq(status, PRUNE_E_MEMORY);
        ck_assert_ptr_null(session);
        ck_assert_int_eq(m.live, live);
    }
    ck_assert_int_gt(budget, 50);
    ck_assert_int_eq(m.live, live);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session/plan", buffers_that_live_together_lie_apart, running_allocates_nothing,
          every_failing_allocation_is_survived)
