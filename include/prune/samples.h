/* Samples: images, with ground truth where there is some, and the metric that judges on them. */
#ifndef PRUNE_SAMPLES_H
#define PRUNE_SAMPLES_H

#include <prune/context.h>
#include <prune/prediction.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One image. The memory belongs to the sample source, until it is released. */
typedef struct prune_sample {
    const char *name;  /* file name without folder and extension, unique in the source */
    const char *group; /* drive or sequence the frame belongs to; "" when unknown */
    int32_t width, height;
    const uint8_t *rgb; /* height x width x 3, tightly packed */
    /* Depth in metres, 0 where there is none; NULL without ground truth. */
    const float *depth; /* depth_height x depth_width */
    int32_t depth_width, depth_height;
} prune_sample;

/* A caller's own source of samples. load may be called from any thread, several at once. */
typedef struct prune_sample_source {
    uint32_t struct_size;
    void *user;
    uint64_t count;
    /* Fills *sample for index < count; release is called with it afterwards. */
    prune_status (*load)(void *user, uint64_t index, prune_sample *sample);
    void (*release)(void *user, prune_sample *sample);
    void (*close)(void *user); /* NULL: nothing to do */
    /* Name and group of a sample without decoding it. */
    prune_status (*identify)(void *user, uint64_t index, const char **name, const char **group);
} prune_sample_source;

typedef struct prune_samples prune_samples;

prune_status prune_samples_create(prune_samples **out, prune_context *context,
                                  const prune_sample_source *source);
/* All PNG and JPEG files of a folder, sorted by name; no ground truth. */
prune_status prune_samples_open(prune_samples **out, prune_context *context, const char *folder);
/* Samples at `indices` of `whole`, which must outlive the result. */
prune_status prune_samples_subset(prune_samples **out, prune_samples *whole,
                                  const uint64_t *indices, uint64_t count);
/* Parts `whole` in two by a hash of each frame's group (drive) where the groups are known and more
 * than one, else of its name: `held` gets about `share` of the frames, whole groups together, and
 * at least one unit (the shortest, where all are longer than twice the share), `kept` the rest. The
 * same seed gives the same parts. *by_group says which rule
 * was used (may be NULL). Needs two frames at least; `whole` must outlive both. */
prune_status prune_samples_split(prune_samples **kept, prune_samples **held, prune_samples *whole,
                                 double share, uint64_t seed, bool *by_group);
void prune_samples_free(prune_samples *samples);

uint64_t prune_samples_count(const prune_samples *samples);
prune_status prune_samples_identify(prune_samples *samples, uint64_t index, const char **name,
                                    const char **group);
/* Drive of a KITTI file name ("2011_09_26_drive_0023_sync_image_02_0000000000" gives
 * "2011_09_26_drive_0023_sync") into group, "" where the name tells none. */
void prune_sample_group(char *group, size_t size, const char *name);
prune_status prune_samples_load(prune_samples *samples, uint64_t index, prune_sample *sample);
void prune_samples_release(prune_samples *samples, prune_sample *sample);

/* A metric over samples; eval and bindings supply them. add is called from one thread. */
typedef struct prune_metric {
    uint32_t struct_size;
    void *user;
    const char *name; /* "abs_rel" */
    bool higher_is_better;
    void (*reset)(void *user);
    prune_status (*add)(void *user, const prune_prediction *prediction, const prune_sample *sample);
    prune_status (*value)(void *user, double *value);
    void (*close)(void *user); /* NULL: nothing to do */
} prune_metric;
/* Calls close and frees; for metrics returned by pointer. Accepts NULL. */
void prune_metric_free(prune_metric *metric);

#ifdef __cplusplus
}
#endif
#endif
