/* Energy per picture (prune/measure.h): measured by the processor, or estimated. */
#include "libprune/base/context.h"
#include "libprune/base/options.h"
#include "libprune/measure/estimate.h"
#include "libprune/measure/rapl.h"
#include "libprune/measure/runner.h"

#include <jansson.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Each model runs in so many windows, and the machine rests in so many between them. */
enum { WINDOWS = 5, LINE = 512 };

/* Joules of every domain over some seconds. */
typedef struct span {
    double joules[PR_RAPL_DOMAINS];
    double seconds;
    int32_t frames;
} span;

struct prune_energy {
    prune_context *ctx;
    prune_energy_options options;
    int32_t count;
    prune_frame_energy *frames; /* [count] */
    char source[LINE], reason[LINE];
    pr_rapl rapl; /* count 0: not used */
    span idle;
    span *spans; /* [count] */
};

static double counted_joules(const pr_rapl *rapl, const span *s)
{
    double sum = 0;
    for (int32_t d = 0; d < rapl->count; d++)
        if (rapl->domains[d].counted) sum += s->joules[d];
    return sum;
}

/* --- measuring --------------------------------------------------------------------------------*/

/* Nothing runs but the machine's own business; asks for cancellation now and then. */
static prune_status rest(prune_energy *e)
{
    const double start = pr_seconds(), end = start + e->options.idle_seconds / WINDOWS;
    PR_TRY(pr_rapl_read(&e->rapl, NULL));
    for (double now = start; now < end; now = pr_seconds()) {
        const double left = end - now < 0.1 ? end - now : 0.1;
        const struct timespec nap = {0, (long)(1e9 * left)};
        (void)nanosleep(&nap, NULL);
        PR_TRY(pr_check_cancel(e->ctx));
    }
    PR_TRY(pr_rapl_read(&e->rapl, e->idle.joules));
    e->idle.seconds += pr_seconds() - start;
    return PRUNE_OK;
}

static prune_status work(prune_energy *e, pr_runner *runner, span *s)
{
    PR_TRY(pr_rapl_read(&e->rapl, NULL));
    const double start = pr_seconds();
    do {
        PR_TRY(pr_runner_run(runner));
        PR_TRY(pr_check_cancel(e->ctx));
        s->frames++;
    } while (pr_seconds() - start < e->options.seconds / WINDOWS);
    PR_TRY(pr_rapl_read(&e->rapl, s->joules));
    s->seconds += pr_seconds() - start;
    return PRUNE_OK;
}

static prune_status measure(prune_energy *e, pr_runner *runners)
{
    for (int32_t m = 0; m < e->count; m++) PR_TRY(pr_runner_run(&runners[m])); /* warm */
    for (int w = 0; w < WINDOWS; w++) {
        if (e->options.idle_seconds > 0) PR_TRY(rest(e));
        for (int32_t m = 0; m < e->count; m++) PR_TRY(work(e, &runners[m], &e->spans[m]));
    }
    const double idle_watts =
        e->idle.seconds > 0 ? counted_joules(&e->rapl, &e->idle) / e->idle.seconds : 0;
    for (int32_t m = 0; m < e->count; m++) {
        const span *s = &e->spans[m];
        const double joules = counted_joules(&e->rapl, s);
        e->frames[m] = (prune_frame_energy){
            .value = 1e3 * (joules - idle_watts * s->seconds) / s->frames,
            .idle_watts = idle_watts,
            .busy_watts = joules / s->seconds,
            .seconds = s->seconds,
            .frames = s->frames,
        };
    }
    char names[LINE / 2];
    pr_rapl_names(&e->rapl, names, sizeof names);
    if (e->idle.seconds > 0)
        (void)snprintf(e->source, sizeof e->source, "RAPL %s; idle %.3g W subtracted", names,
                       idle_watts);
    else
        (void)snprintf(e->source, sizeof e->source, "RAPL %s; no idle baseline subtracted", names);
    return PRUNE_OK;
}

/* --- estimating -------------------------------------------------------------------------------*/

static prune_status estimate(prune_energy *e, pr_runner *runners)
{
    char table[LINE / 2];
    PR_TRY(pr_energy_table_read(&e->options, table, sizeof table));
    (void)snprintf(e->source, sizeof e->source,
                   "estimate: counted operations and bytes; energy table: %s", table);
    for (int32_t m = 0; m < e->count; m++)
        PR_TRY(pr_energy_estimate(runners[m].session, &e->options, &e->frames[m]));
    return PRUNE_OK;
}

/* JSON and terminals take it whatever a path, a file or a counter is called. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 32 || (unsigned char)*text > 126) *text = '?';
}

/* --- whole ------------------------------------------------------------------------------------*/

/* Leaves rapl.count 0 when it is to be estimated. */
static prune_status choose(prune_energy *e)
{
    if (e->options.method == PRUNE_ENERGY_ESTIMATE) return PRUNE_OK;
    const prune_status status = pr_rapl_open(&e->rapl, e->ctx, e->options.root);
    if (status != PRUNE_E_UNSUPPORTED) return status;
    if (e->options.method == PRUNE_ENERGY_RAPL) return pr_fail_within(status, "energy rapl");
    (void)snprintf(e->reason, sizeof e->reason, "%s", prune_last_error());
    return PRUNE_OK;
}

static prune_status energy_new(prune_energy **out, prune_context *ctx, int32_t count,
                               const prune_energy_options *options)
{
    if (count < 1) return pr_fail(PRUNE_E_ARGUMENT, "energy: at least one model is needed");
    prune_energy *e = pr_calloc(ctx, 1, sizeof *e);
    if (!e) return PRUNE_E_MEMORY;
    *out = e;
    e->ctx = ctx;
    e->count = count;
    PR_TRY(pr_options_take(prune_energy_option_table(), &e->options, options));
    e->frames = pr_calloc(ctx, (size_t)count, sizeof *e->frames);
    e->spans = pr_calloc(ctx, (size_t)count, sizeof *e->spans);
    return e->frames && e->spans ? PRUNE_OK : PRUNE_E_MEMORY;
}

prune_status prune_energy_run(prune_energy **out, prune_context *context,
                              const prune_model *const *models, int32_t count,
                              const prune_energy_options *options)
{
    prune_status status;
    prune_energy *e = NULL;
    pr_runner *runners = NULL;
    PR_GO(energy_new(&e, context, count, options));
    PR_GO(choose(e));
    runners = pr_calloc(context, (size_t)count, sizeof *runners);
    if (!runners) PR_GO(PRUNE_E_MEMORY);
    for (int32_t m = 0; m < count; m++)
        PR_GO(pr_runner_open(&runners[m], context, models[m], e->options.height, e->options.width));
    PR_GO(e->rapl.count > 0 ? measure(e, runners) : estimate(e, runners));
    make_plain(e->source);
    make_plain(e->reason);
    for (int32_t d = 0; d < e->rapl.count; d++) make_plain(e->rapl.domains[d].name);
    for (int32_t m = 0; m < count; m++) {
        e->frames[m].source = e->source;
        e->frames[m].reason = e->reason[0] ? e->reason : NULL;
    }
    *out = e;
    e = NULL;
done:
    for (int32_t m = 0; runners && m < count; m++) pr_runner_close(&runners[m]);
    pr_free(context, runners);
    prune_energy_free(e);
    return status;
}

void prune_energy_free(prune_energy *energy)
{
    if (!energy) return;
    pr_rapl_close(&energy->rapl);
    pr_free(energy->ctx, energy->frames);
    pr_free(energy->ctx, energy->spans);
    pr_free(energy->ctx, energy);
}

static prune_status check_model(const prune_energy *energy, int32_t model)
{
    if (model >= 0 && model < energy->count) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT, "energy: there is no model %d among %d", model, energy->count);
}

prune_status prune_energy_frame(const prune_energy *energy, int32_t model,
                                prune_frame_energy *frame)
{
    PR_TRY(check_model(energy, model));
    const uint32_t size = frame->struct_size;
    memcpy(frame, &energy->frames[model], size < sizeof *frame ? size : sizeof *frame);
    frame->struct_size = size;
    return PRUNE_OK;
}

static json_t *estimate_json(const prune_energy *e, const prune_frame_energy *f)
{
    const prune_energy_options *o = &e->options;
    return json_pack("{s:f, s:b, s:s, s:s?, s:{s:I, s:I, s:I, s:I}, s:{s:f, s:f, s:f, s:f, s:I}}",
                     "value", f->value, "estimated", 1, "source", f->source, "reason", f->reason,
                     "counted", "fp32_macs", (json_int_t)f->fp32_macs, "int8_macs",
                     (json_int_t)f->int8_macs, "cache_bytes", (json_int_t)f->cache_bytes,
                     "dram_bytes", (json_int_t)f->dram_bytes, "table", "fp32-pj", o->fp32_pj,
                     "int8-pj", o->int8_pj, "cache-pj", o->cache_pj, "dram-pj", o->dram_pj,
                     "cache-bytes", (json_int_t)o->cache_bytes);
}

static json_t *measured_json(const prune_energy *e, int32_t model)
{
    const prune_frame_energy *f = &e->frames[model];
    const span *s = &e->spans[model];
    json_t *domains = json_array();
    for (int32_t d = 0; d < e->rapl.count; d++) {
        const double idle =
            e->idle.seconds > 0 ? e->idle.joules[d] / e->idle.seconds * s->seconds : 0;
        (void)json_array_append_new(domains,
                                    json_pack("{s:s, s:f, s:b}", "name", e->rapl.domains[d].name,
                                              "value", 1e3 * (s->joules[d] - idle) / s->frames,
                                              "counted", e->rapl.domains[d].counted));
    }
    return json_pack("{s:f, s:b, s:s, s:f, s:f, s:f, s:i, s:o}", "value", f->value, "estimated", 0,
                     "source", f->source, "idle_watts", f->idle_watts, "busy_watts", f->busy_watts,
                     "seconds", f->seconds, "frames", f->frames, "domains", domains);
}

prune_status prune_energy_json(const prune_energy *energy, int32_t model, char **json)
{
    PR_TRY(check_model(energy, model));
    const prune_frame_energy *f = &energy->frames[model];
    json_t *root = f->estimated ? estimate_json(energy, f) : measured_json(energy, model);
    *json = root ? prune_json_text(root, JSON_COMPACT, prune_json_failures()) : NULL;
    json_decref(root);
    return *json ? PRUNE_OK : pr_fail_memory(1024);
}
