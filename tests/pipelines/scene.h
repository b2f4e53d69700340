/* A tiny network and a handful of rendered frames: enough to send through every stage. */
#ifndef TESTS_PIPELINES_SCENE_H
#define TESTS_PIPELINES_SCENE_H

#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <prune/pipeline.h>
#include <prune/synth.h>

static inline prune_samples *scene_samples(prune_context *ctx, int32_t frames, uint64_t seed)
{
    prune_samples *samples = NULL;
    prune_synth_options options;
    prune_synth_options_init(&options);
    options.frames = frames;
    options.seed = seed;
    options.width = 96;
    options.height = 48;
    ck_ok(prune_synth_samples(&samples, ctx, &options));
    return samples;
}

/* All options of the loop, at sizes that take a second or two. */
typedef struct scene_options {
    prune_compress_options compress;
    prune_trim_options trim;
    prune_cut_options cut;
    prune_tune_options tune;
    prune_quant_options quant;
    prune_save_options save;
} scene_options;

static inline void scene_options_init(scene_options *o)
{
    prune_compress_options_init(&o->compress);
    prune_trim_options_init(&o->trim);
    prune_cut_options_init(&o->cut);
    prune_tune_options_init(&o->tune);
    prune_quant_options_init(&o->quant);
    prune_save_options_init(&o->save);
    o->trim.macs = 0.8;
    o->trim.rounds = 1;
    o->cut.images = 4;
    o->cut.views = 2;
    o->cut.judges = 2;
    o->cut.positions = 40;
    o->tune.steps = 3;
    o->tune.batch = 2;
    o->tune.warmup = 1;
    o->quant.views = 4;
    o->quant.scan_images = 2;
    o->compress.bench_seconds = 0.1;
    o->compress.align = "none";
    o->compress.trim_options = &o->trim;
    o->compress.cut_options = &o->cut;
    o->compress.tune_options = &o->tune;
    o->compress.quant_options = &o->quant;
    o->compress.save_options = &o->save;
}

#endif
