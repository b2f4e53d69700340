#include "eval/synth/lidar.h"
#include "eval/synth/render.h"

#include <prune/image.h>
#include <prune/synth.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#define AT(member) offsetof(prune_synth_options, member)

static const prune_option table_rows[] = {
    {"frames", PRUNE_OPTION_INT, AT(frames), "100", 1, 10000000, NULL, "number of frames"},
    {"seed", PRUNE_OPTION_UINT64, AT(seed), "1", 0, 1.8446744073709552e19, NULL,
     "which worlds: each seed has its own"},
    {"width", PRUNE_OPTION_INT, AT(width), "644", 16, 8192, NULL, "image width in pixels"},
    {"height", PRUNE_OPTION_INT, AT(height), "196", 16, 8192, NULL, "image height in pixels"},
    {"drive-frames", PRUNE_OPTION_INT, AT(drive_frames), "10", 1, 1000, NULL,
     "consecutive frames per world"},
    {"sparse", PRUNE_OPTION_BOOL, AT(sparse), "false", 0, 1, NULL,
     "ground truth as sparse as a laser scanner's (4-5 % of the pixels)"},
    {"velodyne", PRUNE_OPTION_BOOL, AT(velodyne), "false", 0, 1, NULL,
     "also write sparse depth into velodyne_raw/"},
};

static const prune_option_table table = {"synth", sizeof(prune_synth_options), table_rows,
                                         sizeof table_rows / sizeof table_rows[0]};

const prune_option_table *prune_synth_option_table(void)
{
    return &table;
}

void prune_synth_options_init(prune_synth_options *options)
{
    prune_options_init(&table, options);
}

/* The caller's options, or defaults where it gave none or an older, shorter struct. */
static prune_status checked(prune_synth_options *out, const prune_synth_options *options)
{
    prune_synth_options_init(out);
    if (options) {
        size_t size = options->struct_size < sizeof *out ? options->struct_size : sizeof *out;
        memcpy(out, options, size);
        out->struct_size = (uint32_t)sizeof *out;
    }
    if (out->frames < 1 || out->drive_frames < 1 || out->width < 16 || out->height < 16 ||
        out->width > 8192 || out->height > 8192)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "synth: frames %d, drive-frames %d, size %dx%d: give at least one "
                               "frame and sizes from 16 to 8192",
                               (int)out->frames, (int)out->drive_frames, (int)out->height,
                               (int)out->width);
    return PRUNE_OK;
}

enum { NAME_SIZE = 72 };

typedef struct frame_name {
    char drive[NAME_SIZE];
    char image[NAME_SIZE];
} frame_name;

typedef struct source {
    prune_context *context;
    prune_synth_options options;
    synth_noise noise;
    frame_name *names;
} source;

/* "2011_09_26_drive_0001_sync" and the same with "_<kind>_0000000005_image_02". */
static void name_frame(const prune_synth_options *options, uint64_t index, const char *kind,
                       char *drive, char *name)
{
    uint64_t number = index / (uint64_t)options->drive_frames;
    uint64_t frame = index % (uint64_t)options->drive_frames;
    (void)snprintf(drive, NAME_SIZE, "2011_09_26_drive_%04llu_sync",
                   (unsigned long long)(number + 1) % 10000000);
    (void)snprintf(name, NAME_SIZE, "2011_09_26_drive_%04llu_sync_%s_%010llu_image_02",
                   (unsigned long long)(number + 1) % 10000000, kind,
                   (unsigned long long)frame % 10000000);
}

/* One frame's picture and dense depth. */
static prune_status render_frame(const source *s, uint64_t index, uint8_t *rgb, float *depth,
                                 synth_camera *camera, uint64_t *seed)
{
    const prune_synth_options *o = &s->options;
    synth_world *world = prune_memory_new(s->context, 1, sizeof *world);
    if (!world) return PRUNE_E_MEMORY;
    uint64_t drive = index / (uint64_t)o->drive_frames;
    int32_t frame = (int32_t)(index % (uint64_t)o->drive_frames);
    synth_world_build(world, o->seed, drive, frame, o->width, o->height);
    *camera = world->camera;
    *seed = world->seed ^ rnd_hash((uint64_t)(uint32_t)frame);
    prune_status status =
        synth_render(s->context, world, &s->noise, frame, o->width, o->height, rgb, depth);
    prune_memory_free(s->context, world);
    return status;
}

typedef struct picture {
    uint8_t *rgb;
    float *depth, *sparse;
} picture;

static void picture_free(const source *s, picture *p)
{
    prune_memory_free(s->context, p->rgb);
    prune_memory_free(s->context, p->depth);
    prune_memory_free(s->context, p->sparse);
    *p = (picture){0};
}

static prune_status picture_make(const source *s, uint64_t index, bool sparse, picture *p)
{
    size_t pixels = (size_t)s->options.width * (size_t)s->options.height;
    *p = (picture){.rgb = prune_memory_new(s->context, pixels, 3),
                   .depth = prune_memory_new(s->context, pixels, sizeof(float)),
                   .sparse = sparse ? prune_memory_new(s->context, pixels, sizeof(float)) : NULL};
    prune_status status = p->rgb && p->depth && (!sparse || p->sparse) ? PRUNE_OK : PRUNE_E_MEMORY;
    synth_camera camera;
    uint64_t seed;
    if (status == PRUNE_OK) status = render_frame(s, index, p->rgb, p->depth, &camera, &seed);
    if (status == PRUNE_OK && sparse)
        synth_lidar_sample(&camera, p->depth, s->options.width, s->options.height, seed, p->sparse);
    if (status != PRUNE_OK) picture_free(s, p);
    return status;
}

static prune_status sample_load(void *user, uint64_t index, prune_sample *sample)
{
    const source *s = user;
    picture p;
    prune_status status = picture_make(s, index, s->options.sparse, &p);
    if (status != PRUNE_OK) return status;
    if (p.sparse) {
        prune_memory_free(s->context, p.depth);
        p.depth = p.sparse;
    }
    *sample = (prune_sample){.name = s->names[index].image,
                             .group = s->names[index].drive,
                             .width = s->options.width,
                             .height = s->options.height,
                             .rgb = p.rgb,
                             .depth = p.depth,
                             .depth_width = s->options.width,
                             .depth_height = s->options.height};
    return PRUNE_OK;
}

static void sample_release(void *user, prune_sample *sample)
{
    const source *s = user;
    prune_memory_free(s->context, (void *)(uintptr_t)sample->rgb);
    prune_memory_free(s->context, (void *)(uintptr_t)sample->depth);
    sample->rgb = NULL;
    sample->depth = NULL;
}

static prune_status sample_identify(void *user, uint64_t index, const char **name,
                                    const char **group)
{
    const source *s = user;
    *name = s->names[index].image;
    *group = s->names[index].drive;
    return PRUNE_OK;
}

static void source_close(void *user)
{
    source *s = user;
    prune_memory_free(s->context, s->names);
    prune_memory_free(s->context, s);
}

prune_status prune_synth_samples(prune_samples **out, prune_context *context,
                                 const prune_synth_options *options)
{
    prune_synth_options o;
    prune_status status = checked(&o, options);
    if (status != PRUNE_OK) return status;
    source *s = prune_memory_zero(context, 1, sizeof *s);
    if (!s) return PRUNE_E_MEMORY;
    s->context = context, s->options = o;
    synth_noise_build(&s->noise);
    s->names = prune_memory_new(context, (size_t)o.frames, sizeof *s->names);
    if (!s->names) {
        source_close(s);
        return PRUNE_E_MEMORY;
    }
    for (int32_t i = 0; i < o.frames; i++)
        name_frame(&o, (uint64_t)i, "image", s->names[i].drive, s->names[i].image);
    prune_sample_source rows = {.struct_size = (uint32_t)sizeof rows,
                                .user = s,
                                .count = (uint64_t)o.frames,
                                .load = sample_load,
                                .release = sample_release,
                                .close = source_close,
                                .identify = sample_identify};
    status = prune_samples_create(out, context, &rows);
    if (status != PRUNE_OK) source_close(s);
    return status;
}

typedef struct job {
    source s;
    const char *folder;
    atomic_int failed; /* the first failing status; its message is made again at the end */
    atomic_uint done;
    char message[1024];
} job;

static prune_status write_depth(const job *j, const char *kind, const char *subfolder,
                                uint64_t index, const float *depth)
{
    char drive[NAME_SIZE], name[NAME_SIZE], path[4096];
    name_frame(&j->s.options, index, kind, drive, name);
    (void)snprintf(path, sizeof path, "%s/%s/%s.png", j->folder, subfolder, name);
    return prune_depth_write(j->s.context, path, depth, j->s.options.width, j->s.options.height,
                             256.0);
}

static prune_status write_frame(const job *j, uint64_t index)
{
    const prune_synth_options *o = &j->s.options;
    picture p;
    prune_status status = picture_make(&j->s, index, o->sparse || o->velodyne, &p);
    if (status != PRUNE_OK) return status;
    char drive[NAME_SIZE], name[NAME_SIZE], path[4096];
    name_frame(o, index, "image", drive, name);
    (void)snprintf(path, sizeof path, "%s/image/%s.png", j->folder, name);
    status = prune_image_write_png(j->s.context, path, p.rgb, o->width, o->height);
    if (status == PRUNE_OK)
        status = write_depth(j, "groundtruth_depth", "groundtruth_depth", index,
                             o->sparse ? p.sparse : p.depth);
    if (status == PRUNE_OK && o->velodyne)
        status = write_depth(j, "velodyne_raw", "velodyne_raw", index, p.sparse);
    picture_free(&j->s, &p);
    return status;
}

static void write_frames(void *argument, int64_t begin, int64_t end, int lane)
{
    job *j = argument;
    (void)lane;
    for (int64_t i = begin; i < end && !atomic_load(&j->failed); i++) {
        prune_status status = write_frame(j, (uint64_t)i);
        if (status == PRUNE_OK) status = prune_cancel_check(j->s.context);
        int none = 0;
        if (status != PRUNE_OK && atomic_compare_exchange_strong(&j->failed, &none, (int)status))
            (void)snprintf(j->message, sizeof j->message, "%s", prune_last_error());
        unsigned done = atomic_fetch_add(&j->done, 1) + 1;
        prune_progress_report(j->s.context, "synth", done, (uint64_t)j->s.options.frames);
    }
}

static prune_status make_folders(prune_context *context, const char *folder, bool velodyne)
{
    static const char *const names[] = {"image", "groundtruth_depth", "velodyne_raw"};
    for (int i = 0; i < (velodyne ? 3 : 2); i++) {
        char *path = prune_path_join(context, folder, names[i]);
        if (!path) return PRUNE_E_MEMORY;
        prune_status status = prune_folder_create(path);
        prune_memory_free(context, path);
        if (status != PRUNE_OK) return status;
    }
    return PRUNE_OK;
}

prune_status prune_synth_write(prune_context *context, const char *folder,
                               const prune_synth_options *options)
{
    if (!folder || !*folder || strlen(folder) > 3900)
        return prune_error_set(PRUNE_E_ARGUMENT, "synth: no usable folder: name one to write to");
    prune_synth_options o;
    prune_status status = checked(&o, options);
    if (status == PRUNE_OK) status = make_folders(context, folder, o.velodyne);
    if (status != PRUNE_OK) return status;
    job *j = prune_memory_zero(context, 1, sizeof *j);
    if (!j) return PRUNE_E_MEMORY;
    j->s.context = context, j->s.options = o, j->folder = folder;
    synth_noise_build(&j->s.noise);
    prune_parallel_for(context, o.frames, 1, write_frames, j);
    status = (prune_status)atomic_load(&j->failed);
    if (status != PRUNE_OK) (void)prune_error_set(status, "%s", j->message);
    prune_memory_free(context, j);
    return status;
}
