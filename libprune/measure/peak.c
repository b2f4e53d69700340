/* The machine's limits (prune/measure.h): arithmetic on registers alone, and reading. */
#include "libprune/base/context.h"
#include "libprune/kernels/kernels.h"
#include "libprune/measure/runner.h"

#include <math.h>
#include <prune/measure.h>
#include <string.h>

enum { SETS = 4, BLOCK = 4096 };

/* A repetition lasts at least so long: short enough that a few fit between two interruptions, long
 * enough that starting the threads does not count. */
static const double target = 1e-3;
enum { REPETITIONS = 15, TRIALS = 3 };

/* One lane's share of the work, and the seconds that this lane needed. Lanes that start late must
 * not count as slow arithmetic, so each one times itself; the slowest counts. */
typedef struct lane {
    double seconds, best; /* of this repetition; work per second in the lane's best one */
    uint64_t done;
    char padding[40]; /* lanes write at the same time */
} lane;

typedef struct job {
    uint64_t (*arithmetic)(int64_t rounds);
    void (*read)(const void *from, size_t bytes);
    int64_t rounds;
    const char *memory;
    size_t bytes; /* of each lane */
    lane *lanes;
} job;

static void work(void *arg, int64_t begin, int64_t end, int thread)
{
    const job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        const double start = pr_seconds();
        if (j->arithmetic) {
            j->lanes[i].done = j->arithmetic(j->rounds);
        } else {
            for (int64_t r = 0; r < j->rounds; r++)
                j->read(j->memory + (size_t)i * j->bytes, j->bytes);
            j->lanes[i].done = (uint64_t)j->rounds * j->bytes;
        }
        j->lanes[i].seconds = pr_seconds() - start;
    }
}

/* Work per second of all lanes together, at the pace of the slowest. */
static double rate(prune_context *ctx, job *j, double *slowest)
{
    uint64_t done = 0;
    *slowest = 0;
    pr_parallel(ctx, ctx->threads, 1, work, j);
    for (int32_t i = 0; i < ctx->threads; i++) {
        lane *l = &j->lanes[i];
        done += l->done;
        if (l->seconds > *slowest) *slowest = l->seconds;
        if (l->seconds > 0) l->best = fmax(l->best, (double)l->done / l->seconds);
    }
    return *slowest > 0 ? (double)done / *slowest : 0;
}

/* The best of a few repetitions: other programs only ever take away. Arithmetic is each lane's own,
 * so each lane's best counts; memory is shared, so it counts what all got at once. */
static double best_rate(prune_context *ctx, job *j)
{
    double together = 0, each = 0, seconds;
    for (j->rounds = 1; j->rounds <= INT64_MAX / 8;) {
        /* The shortest of a few: one that was interrupted lasts long with hardly any work in it. */
        double shortest = HUGE_VAL;
        for (int i = 0; i < TRIALS; i++) {
            (void)rate(ctx, j, &seconds);
            shortest = fmin(shortest, seconds);
        }
        if (shortest >= target) break;
        j->rounds *= shortest < target / 8 ? 8 : 2;
    }
    for (int32_t i = 0; i < ctx->threads; i++) j->lanes[i].best = 0;
    for (int i = 0; i < REPETITIONS; i++) together = fmax(together, rate(ctx, j, &seconds));
    for (int32_t i = 0; i < ctx->threads; i++) each += j->lanes[i].best;
    return j->arithmetic ? each : together;
}

static void measure_arithmetic(prune_peaks *peaks, prune_context *ctx, const pr_kernels *kernels,
                               lane *lanes)
{
    uint64_t (*const list[])(int64_t) = {kernels->peak_f32, kernels->peak_i8, kernels->peak_bf16};
    double *const to[] = {&peaks->fp32, &peaks->int8, &peaks->bf16};
    for (int i = 0; i < 3; i++) {
        job j = {.arithmetic = list[i], .lanes = lanes};
        if (list[i]) *to[i] = 2 * best_rate(ctx, &j);
    }
}

static prune_status measure_reading(prune_peaks *peaks, prune_context *ctx,
                                    const pr_kernels *kernels, lane *lanes)
{
    /* Of one thread: within the first cache, the second, what a core has of the third. The largest
     * is for all threads together. */
    static const size_t sets[SETS] = {16 << 10, 192 << 10, 2 << 20, 64 << 20};
    const size_t threads = (size_t)ctx->threads, most = sets[SETS - 1];
    char *memory = pr_alloc(ctx, most);
    if (!memory) return PRUNE_E_MEMORY;
    memset(memory, 1, most); /* pages that were never written are all the same one */
    for (int i = 0; i < SETS; i++) {
        size_t bytes = i == SETS - 1 || sets[i] * threads > most ? most / threads : sets[i];
        bytes = bytes / BLOCK * BLOCK;
        job j = {.read = kernels->peak_read, .memory = memory, .bytes = bytes, .lanes = lanes};
        peaks->set[i] = bytes * threads;
        peaks->read[i] = best_rate(ctx, &j);
    }
    pr_free(ctx, memory);
    return PRUNE_OK;
}

prune_status prune_peaks_measure(prune_peaks *peaks, prune_context *ctx)
{
    const pr_kernels *kernels = pr_kernels_get(ctx->isa);
    prune_peaks full = {
        .struct_size = peaks->struct_size, .threads = ctx->threads, .isa = prune_context_isa(ctx)};
    lane *lanes = pr_calloc(ctx, (size_t)ctx->threads, sizeof *lanes);
    if (!lanes) return PRUNE_E_MEMORY;
    measure_arithmetic(&full, ctx, kernels, lanes);
    const prune_status status = measure_reading(&full, ctx, kernels, lanes);
    pr_free(ctx, lanes);
    if (status != PRUNE_OK) return status;
    memcpy(peaks, &full, peaks->struct_size < sizeof full ? peaks->struct_size : sizeof full);
    return PRUNE_OK;
}

static double reading_rate(const prune_peaks *peaks, uint64_t bytes)
{
    int i = 0;
    while (i < SETS - 1 && peaks->set[i] < bytes) i++;
    return peaks->read[i];
}

double prune_peaks_seconds(const prune_peaks *peaks, const prune_session_step *step)
{
    const double fp32 = (double)(step->macs - step->int8_macs - step->bf16_macs);
    const double counts[] = {fp32, (double)step->int8_macs, (double)step->bf16_macs};
    /* Without BF16 instructions, kernels multiply rounded operands in FP32. */
    const double bf16 = peaks->bf16 > 0 ? peaks->bf16 : peaks->fp32;
    const double limits[] = {peaks->fp32, peaks->int8, bf16};
    double seconds = 0;
    if (step->macs == 0) {
        const uint64_t bytes = step->weight_bytes + step->read_bytes + step->write_bytes;
        const double limit = reading_rate(peaks, bytes);
        return limit > 0 ? (double)bytes / limit : 0;
    }
    for (int i = 0; i < 3; i++) {
        if (counts[i] > 0 && !(limits[i] > 0)) return 0;
        if (counts[i] > 0) seconds += 2 * counts[i] / limits[i];
    }
    return seconds;
}
