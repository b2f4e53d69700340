/* Street scenes with exact depth, rendered on demand: a world to train and demonstrate on.
 *
 * A drive is a few consecutive frames through one world, as a car with KITTI's camera sees it:
 * 1.65 m above the road, 721.5 pixels of focal length at 1242 x 375, scaled with the width. A frame
 * depends on nothing but the seed, its number, the size and drive_frames: the same bytes on every
 * machine and with any number of threads; another seed is another set of worlds. */
#ifndef PRUNE_SYNTH_H
#define PRUNE_SYNTH_H

#include <prune/options.h>
#include <prune/samples.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct prune_synth_options {
    uint32_t struct_size;
    int32_t frames;
    uint64_t seed;
    int32_t width, height;
    int32_t drive_frames; /* frames per drive */
    bool sparse;          /* ground truth as a laser scanner would give it */
    bool velodyne;        /* prune_synth_write: the sparse depth too, in velodyne_raw/ */
} prune_synth_options;

const prune_option_table *prune_synth_option_table(void);
void prune_synth_options_init(prune_synth_options *options);

/* A source that renders a frame whenever it is loaded; options NULL means defaults. Depth is in
 * metres along the optical axis, 0 in the sky and beyond 80 m. Free with prune_samples_free. */
prune_status prune_synth_samples(prune_samples **out, prune_context *context,
                                 const prune_synth_options *options);

/* Writes the frames in the layout of KITTI's depth selection: folder/image/,
 * folder/groundtruth_depth/ (16 bit, metres * 256) and, where asked for, folder/velodyne_raw/. */
prune_status prune_synth_write(prune_context *context, const char *folder,
                               const prune_synth_options *options);

#ifdef __cplusplus
}
#endif
#endif
