#include "libprune/train/feed.h"

#include <string.h>

prune_status pr_feed_create(pr_feed *out, prune_context *ctx, prune_samples *samples,
                            uint64_t *indices, uint64_t count, const pr_preprocess *rule,
                            int64_t batch, int64_t height, int64_t width)
{
    prune_status status = PRUNE_OK;
    pr_feed feed = {.ctx = ctx,
                    .samples = samples,
                    .indices = indices,
                    .count = count,
                    .rule = rule,
                    .batch = batch,
                    .height = height,
                    .width = width,
                    .epoch = UINT64_MAX};
    size_t pixels = (size_t)(height * width), images = (size_t)batch;
    PR_GO(pr_new(ctx, (void **)&feed.order, (size_t)count, sizeof(uint64_t)));
    PR_GO(pr_new(ctx, (void **)&feed.input, images * 3, pixels * sizeof(float)));
    PR_GO(pr_new(ctx, (void **)&feed.depth, images, pixels * sizeof(float)));
    *out = feed;
    return PRUNE_OK;
done:
    pr_feed_free(&feed);
    return status;
}

void pr_feed_free(pr_feed *feed)
{
    if (!feed->ctx) return;
    pr_free(feed->ctx, feed->indices);
    pr_free(feed->ctx, feed->order);
    pr_free(feed->ctx, feed->input);
    pr_free(feed->ctx, feed->depth);
    memset(feed, 0, sizeof *feed);
}

/* One epoch's order: Fisher-Yates from a stream of its own. */
static void shuffle(pr_feed *feed, uint64_t epoch)
{
    pr_random random;
    pr_random_seed(&random, feed->seed, pr_hash_u64(epoch));
    for (uint64_t i = 0; i < feed->count; i++) feed->order[i] = feed->indices[i];
    for (uint64_t i = feed->count; i > 1; i--) {
        uint64_t j = pr_random_below(&random, (uint32_t)i), swap = feed->order[i - 1];
        feed->order[i - 1] = feed->order[j];
        feed->order[j] = swap;
    }
    feed->epoch = epoch;
}

typedef struct load_job {
    pr_feed *feed;
    const uint64_t *indices; /* of the batch's samples */
    const pr_augment *augment;
    uint64_t first;         /* number of the first view since the beginning */
    prune_status *statuses; /* one per image */
    char (*messages)[256];
} load_job;

static prune_status load_one(const load_job *job, int64_t image)
{
    pr_feed *feed = job->feed;
    prune_sample sample;
    PR_TRY(prune_samples_load(feed->samples, job->indices[image], &sample));
    pr_random random;
    pr_random_seed(&random, feed->seed, pr_hash_u64(job->first + (uint64_t)image) | 1);
    pr_view view = pr_view_choose(job->augment, sample.width, sample.height, &random);
    int64_t pixels = feed->height * feed->width;
    prune_status status = pr_view_render(
        feed->ctx, &view, feed->rule, &sample, (int32_t)feed->width, (int32_t)feed->height,
        feed->input + image * pixels * 3, feed->depth + image * pixels);
    if (status != PRUNE_OK) status = pr_fail_within(status, "%s", sample.name);
    prune_samples_release(feed->samples, &sample);
    return status;
}

static void load_range(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    load_job *job = arg;
    for (int64_t image = begin; image < end; image++) {
        job->statuses[image] = load_one(job, image);
        /* The message belongs to this thread; the caller waits on another one. */
        if (job->statuses[image] != PRUNE_OK) {
            const char *message = prune_last_error();
            size_t length = strlen(message) < 255 ? strlen(message) : 255;
            memcpy(job->messages[image], message, length);
            job->messages[image][length] = '\0';
        }
    }
}

static prune_status load_batch(pr_feed *feed, const uint64_t *indices, const pr_augment *augment,
                               uint64_t first)
{
    prune_status status = PRUNE_OK;
    size_t images = (size_t)feed->batch;
    load_job job = {feed, indices, augment, first, NULL, NULL};
    PR_GO(pr_new(feed->ctx, (void **)&job.statuses, images, sizeof(prune_status)));
    PR_GO(pr_new(feed->ctx, (void **)&job.messages, images, 256));
    pr_parallel(feed->ctx, feed->batch, 1, load_range, &job);
    for (size_t image = 0; image < images; image++)
        if (job.statuses[image] != PRUNE_OK)
            PR_GO(pr_fail(job.statuses[image], "%s", job.messages[image]));
done:
    pr_free(feed->ctx, job.statuses);
    pr_free(feed->ctx, job.messages);
    return status;
}

prune_status pr_feed_load(pr_feed *feed, uint64_t step)
{
    uint64_t *indices = NULL, first = step * (uint64_t)feed->batch;
    PR_TRY(pr_new(feed->ctx, (void **)&indices, (size_t)feed->batch, sizeof(uint64_t)));
    for (int64_t image = 0; image < feed->batch; image++) {
        uint64_t view = first + (uint64_t)image;
        if (view / feed->count != feed->epoch) shuffle(feed, view / feed->count);
        indices[image] = feed->order[view % feed->count];
    }
    prune_status status = load_batch(feed, indices, feed->augment, first);
    pr_free(feed->ctx, indices);
    return status;
}

prune_status pr_feed_load_plain(pr_feed *feed, uint64_t first)
{
    uint64_t *indices = NULL;
    PR_TRY(pr_new(feed->ctx, (void **)&indices, (size_t)feed->batch, sizeof(uint64_t)));
    for (int64_t image = 0; image < feed->batch; image++) {
        uint64_t at = first + (uint64_t)image;
        indices[image] = feed->indices[at < feed->count ? at : feed->count - 1];
    }
    prune_status status = load_batch(feed, indices, NULL, first);
    pr_free(feed->ctx, indices);
    return status;
}
