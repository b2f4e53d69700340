/* All of it over many frames, and as JSON. Distances and regions pool pixels; edges and flicker are
 * means over frames. */
#include "eval/analysis/analysis.h"

#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <prune/sys/memory.h>
#include <string.h>

struct prune_analysis {
    prune_context *context;
    const pr_protocol *protocol;
    prune_align wish;
    uint64_t frames;
    pr_bins bins;
    uint64_t edge_frames, edge_pairs;
    double f1, precision, recall, truth_step, step;
    double flicker;
    uint64_t flicker_pairs;
    /* The frame before, for flicker. */
    float *previous;
    int32_t width, height;
    char *name, *group;
};

prune_status prune_analysis_create(prune_analysis **out, prune_context *context,
                                   const prune_evaluation_options *options)
{
    prune_evaluation_options defaults;
    int32_t index;
    prune_evaluation_options_init(&defaults);
    if (!options) options = &defaults;
    prune_status status = prune_protocol_find(&index, options->protocol);
    if (status != PRUNE_OK) return status;
    prune_analysis *analysis = prune_memory_zero(context, 1, sizeof *analysis);
    if (!analysis) return PRUNE_E_MEMORY;
    analysis->context = context;
    analysis->protocol = pr_protocol_at(index);
    analysis->wish = (prune_align)options->align;
    *out = analysis;
    return PRUNE_OK;
}

static void forget_frame(prune_analysis *a)
{
    prune_memory_free(a->context, a->previous);
    prune_memory_free(a->context, a->name);
    prune_memory_free(a->context, a->group);
    a->previous = NULL;
    a->name = a->group = NULL;
}

void prune_analysis_free(prune_analysis *analysis)
{
    if (!analysis) return;
    forget_frame(analysis);
    prune_memory_free(analysis->context, analysis);
}

static char *copy_text(prune_context *context, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = prune_memory_new(context, bytes, 1);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

/* The truth where the protocol counts it, 0 elsewhere. */
static prune_status mask_truth(float *out, const pr_protocol *protocol, const prune_sample *sample)
{
    pr_window w;
    const int32_t width = sample->depth_width, height = sample->depth_height;
    memset(out, 0, (size_t)width * (size_t)height * sizeof *out);
    if (!protocol->crop(&w, height, width)) return PRUNE_E_SHAPE; /* was judged before: cannot be */
    for (int32_t y = w.top; y < w.bottom; y++)
        for (int32_t x = w.left; x < w.right; x++) {
            const int64_t i = (int64_t)y * width + x;
            const float g = sample->depth[i];
            if (g > (float)protocol->truth_above && g < (float)protocol->truth_below) out[i] = g;
        }
    return PRUNE_OK;
}

static void take_edges(prune_analysis *a, const pr_maps *maps)
{
    pr_edges e;
    pr_edges_measure(&e, maps);
    if (e.boundaries == 0) return;
    a->edge_frames++;
    a->edge_pairs += e.pairs;
    a->f1 += e.f1;
    a->precision += e.precision;
    a->recall += e.recall;
    a->truth_step += e.truth_step;
    a->step += e.step;
}

static bool is_neighbour(const prune_analysis *a, const prune_sample *sample)
{
    return a->previous && a->width == sample->depth_width && a->height == sample->depth_height &&
           strcmp(a->group, sample->group ? sample->group : "") == 0 &&
           prune_analysis_follows(a->name, sample->name);
}

/* Takes `metres` over. */
static prune_status take_flicker(prune_analysis *a, float *metres, const prune_sample *sample)
{
    const size_t count = (size_t)sample->depth_width * (size_t)sample->depth_height;
    prune_status status = PRUNE_OK;
    if (is_neighbour(a, sample)) {
        double *scratch = prune_memory_new(a->context, count, sizeof *scratch);
        const double value =
            scratch ? pr_flicker(a->previous, metres, count, scratch) : (double)NAN;
        if (!scratch) status = PRUNE_E_MEMORY;
        if (!isnan(value)) a->flicker += value, a->flicker_pairs++;
        prune_memory_free(a->context, scratch);
    }
    forget_frame(a);
    a->previous = metres;
    a->width = sample->depth_width;
    a->height = sample->depth_height;
    a->name = copy_text(a->context, sample->name);
    a->group = copy_text(a->context, sample->group ? sample->group : "");
    if (!a->name || !a->group) {
        forget_frame(a);
        status = PRUNE_E_MEMORY;
    }
    return status;
}

prune_status prune_analysis_add(prune_analysis *analysis, const prune_prediction *prediction,
                                const prune_sample *sample)
{
    const size_t count = (size_t)prediction->width * (size_t)prediction->height;
    float *metres = prune_memory_new(analysis->context, count, sizeof *metres);
    float *truth = NULL;
    prune_status status = metres ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK)
        status = pr_protocol_metres(metres, analysis->context, analysis->protocol, analysis->wish,
                                    prediction, sample);
    if (status == PRUNE_OK) {
        truth = prune_memory_new(analysis->context, count, sizeof *truth);
        status = truth ? mask_truth(truth, analysis->protocol, sample) : PRUNE_E_MEMORY;
    }
    if (status == PRUNE_OK) {
        const pr_maps maps = {truth, metres, prediction->width, prediction->height};
        pr_bins_add(&analysis->bins, &maps);
        take_edges(analysis, &maps);
        analysis->frames++;
        status = take_flicker(analysis, metres, sample);
        metres = NULL;
    }
    prune_memory_free(analysis->context, truth);
    prune_memory_free(analysis->context, metres);
    return status;
}

/* --- JSON ------------------------------------------------------------------------------------*/
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *bin_json(const pr_bin *bin, double all)
{
    return json_pack("{s:I, s:o, s:o, s:o}", "pixels", (json_int_t)bin->pixels, "share",
                     number(all > 0 ? bin->pixels / all : 0), "abs_rel",
                     number(bin->rel / bin->pixels), "rmse",
                     number(sqrt(bin->squared / bin->pixels)));
}

static json_t *distance_json(const pr_bins *bins, double all)
{
    json_t *list = json_array();
    for (int i = 0; i < PR_DISTANCES; i++) {
        json_t *row = bin_json(&bins->distance[i], all);
        const bool open = i + 1 == PR_DISTANCES;
        if (open && bins->distance[i].pixels == 0) {
            json_decref(row);
            continue;
        }
        (void)json_object_set_new(row, "from", json_real(pr_distance_edges[i]));
        (void)json_object_set_new(row, "to",
                                  open ? json_null() : json_real(pr_distance_edges[i + 1]));
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *region_json(const pr_bins *bins, double all)
{
    json_t *list = json_array();
    for (int r = 0; r < PR_REGIONS; r++)
        for (int c = 0; c < PR_REGIONS; c++) {
            json_t *row = bin_json(&bins->region[r][c], all);
            (void)json_object_set_new(row, "row", json_integer(r));
            (void)json_object_set_new(row, "column", json_integer(c));
            (void)json_array_append_new(list, row);
        }
    return list;
}

static json_t *edges_json(const prune_analysis *a)
{
    const double n = (double)a->edge_frames;
    if (a->edge_frames == 0) return json_null();
    return json_pack("{s:f, s:f, s:f, s:o, s:I, s:I}", "f1", a->f1 / n, "precision",
                     a->precision / n, "recall", a->recall / n, "step_share",
                     number(a->step / a->truth_step), "frames", (json_int_t)a->edge_frames, "pairs",
                     (json_int_t)a->edge_pairs);
}

static json_t *flicker_json(const prune_analysis *a)
{
    if (a->flicker_pairs == 0) return json_null();
    return json_pack("{s:f, s:I}", "mean", a->flicker / (double)a->flicker_pairs, "pairs",
                     (json_int_t)a->flicker_pairs);
}

prune_status prune_analysis_json(const prune_analysis *analysis, char **json)
{
    double all = 0;
    for (int i = 0; i < PR_DISTANCES; i++) all += analysis->bins.distance[i].pixels;
    json_t *root =
        json_pack("{s:I, s:o, s:o, s:o, s:o}", "frames", (json_int_t)analysis->frames, "distance",
                  distance_json(&analysis->bins, all), "region", region_json(&analysis->bins, all),
                  "edges", edges_json(analysis), "flicker", flicker_json(analysis));
    char *text = root ? prune_json_text(root, JSON_INDENT(1), prune_json_failures()) : NULL;
    json_decref(root);
    if (!text) return prune_error_set(PRUNE_E_MEMORY, "analysis: out of memory");
    *json = text;
    return PRUNE_OK;
}
