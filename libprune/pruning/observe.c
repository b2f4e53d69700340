/* What the plan looks at: pictures, and the statistics of the values inside the network. */
#include "libprune/kernels/dense.h"
#include "libprune/pruning/planner.h"
#include "libprune/pruning/probe.h"
#include "libprune/samples/augment.h"

#include <string.h>

/* Strong enough that the refit sees more than the few pictures; see compression-algorithms. */
static const pr_augment augmentation = {
    .flip = true, .crop = 0.6, .exposure = 0.5, .colour = 0.1, .noise = 0.01};

prune_status pr_planner_render(pr_planner *planner, uint64_t index, pr_random *random, float *input)
{
    prune_sample sample;
    PR_TRY(prune_samples_load(planner->samples, index, &sample));
    const pr_view view =
        pr_view_choose(random ? &augmentation : NULL, sample.width, sample.height, random);
    const prune_status status =
        pr_view_render(planner->ctx, &view, &planner->work->meta.preprocess, &sample,
                       planner->width, planner->height, input, NULL);
    prune_samples_release(planner->samples, &sample);
    return status;
}

prune_status pr_planner_pictures(pr_planner *planner)
{
    const uint64_t count = prune_samples_count(planner->samples);
    const uint64_t limit = (uint64_t)planner->options.images;
    if (count == 0)
        return pr_fail(PRUNE_E_ARGUMENT, "there are no pictures to plan on: give at least one");
    planner->n_pictures = (int32_t)(count < limit ? count : limit);
    PR_TRY(pr_new(planner->ctx, (void **)&planner->pictures, (size_t)planner->n_pictures,
                  sizeof *planner->pictures));
    for (int32_t i = 0; i < planner->n_pictures; i++)
        planner->pictures[i] = (uint64_t)i * count / (uint64_t)planner->n_pictures;
    planner->height = planner->options.height;
    planner->width = planner->options.width;
    if (planner->height > 0 && planner->width > 0) return PRUNE_OK;
    prune_sample sample;
    PR_TRY(prune_samples_load(planner->samples, planner->pictures[0], &sample));
    pr_image_network_size(&planner->work->meta.preprocess, sample.width, sample.height,
                          &planner->width, &planner->height);
    prune_samples_release(planner->samples, &sample);
    return PRUNE_OK;
}

/* --- one view -------------------------------------------------------------------------------- */

typedef struct watcher {
    pr_planner *planner;
    pr_run *run;
    const uint8_t *read; /* [n_nodes] values that panels read */
    double *sums;        /* scratch, widest value */
    uint64_t seed;
} watcher;

static prune_status watch_gradient(void *user, int32_t node, const pr_tensor *gradient)
{
    watcher *w = user;
    pr_planner *p = w->planner;
    PR_TRY(pr_panels_observe_gradient(&p->panels, p->work, node, gradient, w->seed));
    if (!w->read[node]) return PRUNE_OK;
    const float *value = pr_f32(pr_run_value(w->run, node));
    const int64_t channels = pr_shape_last(&gradient->shape);
    const int64_t sites = pr_tensor_count(gradient) / channels;
    memset(w->sums, 0, (size_t)channels * sizeof *w->sums);
    for (int64_t i = 0; i < sites; i++)
        for (int64_t c = 0; c < channels; c++)
            w->sums[c] +=
                (double)value[i * channels + c] * (double)pr_f32(gradient)[i * channels + c];
    for (int64_t c = 0; c < channels; c++)
        p->taylor[p->spaces.slots[node] + c] += w->sums[c] * w->sums[c];
    return PRUNE_OK;
}

/* Mean squares of the q and k of every attention. */
static void add_energy(const watcher *w, int32_t value)
{
    const pr_tensor *tensor = pr_run_value(w->run, value);
    const int64_t channels = pr_shape_last(&tensor->shape);
    const int64_t sites = pr_tensor_count(tensor) / channels;
    double *energy = w->planner->energy + w->planner->spaces.slots[value];
    for (int64_t i = 0; i < sites; i++)
        for (int64_t c = 0; c < channels; c++) {
            const double x = (double)pr_f32(tensor)[i * channels + c];
            energy[c] += x * x / (double)sites;
        }
}

static prune_status observe_view(watcher *w, const float *input, bool backward, float *gradient)
{
    pr_planner *p = w->planner;
    PR_TRY(pr_run_forward(w->run, input));
    pr_panels_observe(&p->panels, p->work, w->run, w->seed);
    for (int32_t v = 0; v < p->work->n_nodes; v++) {
        if (p->work->nodes[v].op != PR_OP_ATTENTION) continue;
        add_energy(w, p->work->nodes[v].inputs[0]);
        add_energy(w, p->work->nodes[v].inputs[1]);
    }
    if (!backward) return PRUNE_OK;
    const pr_tensor *output = pr_run_output(w->run);
    const pr_decode decode = pr_decode_of(&p->work->meta);
    pr_random random;
    pr_random_seed(&random, w->seed, 1);
    PR_TRY(pr_probe_fill(p->ctx, &decode, pr_f32(output), output->shape.dim[1],
                         output->shape.dim[2], &random, gradient));
    return pr_run_backward(w->run, gradient, NULL, watch_gradient, w);
}

static prune_status observe_all(watcher *w, float *input, float *gradient)
{
    pr_planner *p = w->planner;
    const bool gradients = pr_saliency_get(p->options.saliency)->gradients;
    const int32_t total = p->n_pictures + p->options.views;
    for (int32_t i = 0; i < total; i++) {
        pr_random random;
        PR_TRY(pr_check_cancel(p->ctx));
        pr_progress(p->ctx, "observe", (uint64_t)i, (uint64_t)total);
        pr_random_seed(&random, p->options.seed, (uint64_t)i + 100);
        uint64_t picture = p->pictures[i % p->n_pictures];
        if (i >= p->n_pictures)
            picture = p->pictures[pr_random_below(&random, (uint32_t)p->n_pictures)];
        PR_TRY(pr_planner_render(p, picture, i < p->n_pictures ? NULL : &random, input));
        w->seed = pr_hash_u64(p->options.seed ^ (uint64_t)(i + 1));
        PR_TRY(observe_view(w, input, gradients && i % 2 == 0, gradient));
    }
    pr_progress(p->ctx, "observe", (uint64_t)total, (uint64_t)total);
    return PRUNE_OK;
}

/* The consumers of eligible spaces, and the values that they read. */
static void mark_wanted(const pr_planner *p, uint8_t *wanted, uint8_t *read)
{
    for (int32_t i = 0; i < p->spaces.count; i++) {
        const pr_space *space = &p->spaces.items[i];
        for (int32_t c = 0; p->eligible[i] && c < space->n_consumers; c++) {
            wanted[space->consumers[c]] = 1;
            read[p->work->nodes[space->consumers[c]].inputs[0]] = 1;
        }
    }
}

prune_status pr_planner_observe(pr_planner *p)
{
    const bool gradients = pr_saliency_get(p->options.saliency)->gradients;
    const size_t n = (size_t)p->work->n_nodes, slots = (size_t)p->spaces.slots[n];
    const pr_run_options keep = {.keep = true};
    watcher w = {.planner = p};
    uint8_t *wanted = NULL, *read = NULL;
    float *input = NULL, *gradient = NULL;
    prune_status status = PRUNE_OK;
    wanted = pr_calloc(p->ctx, n, 1);
    read = pr_calloc(p->ctx, n, 1);
    p->energy = pr_calloc(p->ctx, slots, sizeof *p->energy);
    p->taylor = pr_calloc(p->ctx, slots, sizeof *p->taylor);
    if (!wanted || !read || !p->energy || !p->taylor) PR_GO(PRUNE_E_MEMORY);
    mark_wanted(p, wanted, read);
    w.read = read;
    PR_GO(pr_panels_create(&p->panels, p->work, wanted, p->options.positions, gradients));
    PR_GO(pr_new(p->ctx, (void **)&w.sums, slots, sizeof *w.sums));
    PR_GO(pr_run_create(&w.run, p->work, 1, p->height, p->width, &keep));
    PR_GO(pr_new(p->ctx, (void **)&input, (size_t)p->height * (size_t)p->width * 3, sizeof *input));
    const pr_shape *out = pr_run_shape(w.run, p->work->outputs[0].node);
    PR_GO(pr_new(p->ctx, (void **)&gradient, (size_t)pr_shape_count(out), sizeof *gradient));
    PR_GO(observe_all(&w, input, gradient));
    pr_panels_finish(&p->panels, p->options.ridge);
done:
    pr_run_free(w.run);
    pr_free(p->ctx, w.sums);
    pr_free(p->ctx, gradient);
    pr_free(p->ctx, input);
    pr_free(p->ctx, read);
    pr_free(p->ctx, wanted);
    return status;
}

/* --- orders ---------------------------------------------------------------------------------- */

typedef struct ordering {
    pr_planner *planner;
    pr_evidence evidence;
    const int32_t *queue; /* eligible spaces */
    prune_status *status;
} ordering;

static void order_spaces(void *arg, int64_t begin, int64_t end, int lane)
{
    ordering *o = arg;
    pr_planner *p = o->planner;
    const pr_saliency_info *saliency = pr_saliency_get(p->options.saliency);
    (void)lane;
    for (int64_t i = begin; i < end; i++) {
        const int32_t s = o->queue[i];
        o->status[i] = saliency->order(&o->evidence, &p->spaces.items[s], &p->orders[s]);
    }
}

/* Something always stays: one head, a sixteenth of anything else. */
static int32_t limit_of(const pr_space *space)
{
    const int32_t width = space->n_units / space->groups;
    const int32_t least = space->kind == PR_SPACE_HEAD || width < 16 ? 1 : width / 16;
    return width - least;
}

prune_status pr_planner_order(pr_planner *p)
{
    ordering o = {.planner = p};
    int32_t *queue = NULL, n = 0;
    prune_status status = PRUNE_OK;
    o.evidence =
        (pr_evidence){p->work, &p->spaces, &p->panels, p->energy, p->taylor, p->options.seed};
    PR_GO(pr_new(p->ctx, (void **)&queue, (size_t)p->spaces.count, sizeof *queue));
    PR_GO(pr_new(p->ctx, (void **)&o.status, (size_t)p->spaces.count, sizeof *o.status));
    for (int32_t i = 0; i < p->spaces.count; i++) {
        if (!p->eligible[i]) continue;
        p->orders[i].limit = limit_of(&p->spaces.items[i]);
        PR_GO(pr_new(p->ctx, (void **)&p->orders[i].order, (size_t)p->spaces.items[i].n_units,
                     sizeof(int32_t)));
        queue[n++] = i;
    }
    o.queue = queue;
    /* A few at a time, so that cancelling is quick and progress is seen. */
    for (int32_t begin = 0; begin < n; begin += p->ctx->threads) {
        const int32_t end = begin + p->ctx->threads < n ? begin + p->ctx->threads : n;
        PR_GO(pr_check_cancel(p->ctx));
        pr_progress(p->ctx, "order", (uint64_t)begin, (uint64_t)n);
        o.queue = queue + begin;
        pr_parallel(p->ctx, end - begin, 1, order_spaces, &o);
        for (int32_t i = 0; i < end - begin; i++)
            if (o.status[i] == PRUNE_E_MEMORY)
                PR_GO(pr_fail(PRUNE_E_MEMORY, "out of memory while ordering '%s'",
                              p->spaces.items[o.queue[i]].name));
            else if (o.status[i] != PRUNE_OK)
                PR_GO(pr_fail(o.status[i], "'%s' has inputs without a stable fit: raise ridge",
                              p->spaces.items[o.queue[i]].name));
    }
done:
    pr_free(p->ctx, o.status);
    pr_free(p->ctx, queue);
    return status;
}
