/* A world: one street with everything that stands on it, as plain data for the renderer.
 *
 * Axes: x right, y up, z along the road at its beginning, metres. An object has a local frame that
 * is turned by a heading: z ahead, x to its right, origin on the ground below its middle. */
#ifndef EVAL_SYNTH_WORLD_H
#define EVAL_SYNTH_WORLD_H

#include "eval/synth/vec.h"

/* Beyond this depth (camera z) there is no ground truth, as beyond a laser scanner's reach. */
#define SYNTH_MAX_DEPTH 80.0f
/* Nothing is drawn beyond. */
#define SYNTH_FAR 190.0f

typedef enum synth_shape {
    SHAPE_BOX, /* less what its cuts take away */
    SHAPE_ELLIPSOID,
    SHAPE_POST, /* vertical cylinder */
    SHAPE_WHEEL /* cylinder across, axis x */
} synth_shape;

typedef enum synth_material {
    MATERIAL_FACADE, /* walls with windows; parameters in the object */
    MATERIAL_ROOF,
    MATERIAL_BODY,  /* car below the windows */
    MATERIAL_CABIN, /* car above */
    MATERIAL_CARGO, /* truck box */
    MATERIAL_WHEEL,
    MATERIAL_LEAVES, /* ragged: rays pass between the leaves */
    MATERIAL_HEDGE,
    MATERIAL_BARK,
    MATERIAL_PLAIN, /* the primitive's colour */
    MATERIAL_METAL,
    MATERIAL_CLOTH,
    MATERIAL_FENCE, /* upright bars with gaps */
    MATERIAL_BRICK,
    MATERIAL_CONCRETE,
    MATERIAL_SIGN, /* plate with a seeded sign on its face */
    MATERIAL_LAMPS /* traffic light */
} synth_material;

enum { SYNTH_CUTS = 7, SYNTH_OBJECTS = 900, SYNTH_PRIMS = 5200 };

/* Keeps the points with n . p <= k (local frame). */
typedef struct synth_cut {
    v3 n;
    float k;
} synth_cut;

typedef struct synth_prim {
    uint8_t shape, material, cuts;
    uint32_t seed;
    v3 centre, half; /* local */
    v3 inverse;      /* 1 / half */
    v3 colour;
    synth_cut cut[SYNTH_CUTS];
} synth_prim;

typedef struct synth_object {
    float x, y, z;        /* origin in the world */
    float cosine, sine;   /* of the heading; ahead = (sine, 0, cosine) */
    v3 low, high;         /* bounds, local */
    int32_t first, count; /* primitives */
    bool shadow;          /* casts one */
    bool contact;         /* darkens the ground around its footprint */
    uint32_t seed;
    v3 colour, trim; /* main and second colour */
    float size[6];   /* meaning by kind of object, see models.c */
} synth_object;

typedef struct synth_road {
    float bend, bend_start;        /* centre line: x = bend / 2 * max(0, z - bend_start)^2 */
    float lane;                    /* width of one lane */
    int32_t lanes[2];              /* left, right of the centre line */
    float parking[2];              /* width of parking lanes, 0: none */
    float kerb[2];                 /* distance of the kerb from the centre line */
    float pavement[2];             /* width behind the kerb */
    float raised;                  /* height of pavements: 0 in the country */
    float side_z[2], side_half[2]; /* a side street: middle and half width; 0: none */
    float zebra_z;                 /* pedestrian crossing, negative: none */
    bool centre_line, edge_lines;
    v3 asphalt, paving, grass, behind[2]; /* colours; behind: ground behind the pavement */
    uint8_t behind_kind[2];               /* 0 grass, 1 paved */
    float wear;                           /* 0 new .. 1 cracked and patched */
    uint32_t seed;
} synth_road;

typedef struct synth_light {
    v3 sun_direction; /* towards the sun */
    v3 sun, ambient;  /* light, linear RGB */
    v3 haze, zenith, horizon;
    float haze_rate; /* per metre */
    float clouds;    /* cover, 0..1 */
    float cloud_x, cloud_z;
    float exposure;
    float vignette; /* loss at the corners, 0..0.5 */
    float noise;    /* sensor noise, 8-bit steps */
    float blur;     /* share of light that leaks to the neighbours */
    v3 tint;        /* white balance */
    float hills;    /* height of the far skyline, radians */
    v3 hill_colour;
} synth_light;

typedef struct synth_camera {
    v3 origin, right, up, ahead;
    float focal, cx, cy; /* pixels; (0, 0) is the middle of the first pixel */
} synth_camera;

typedef struct synth_world {
    uint64_t seed;
    synth_road road;
    synth_light light;
    synth_camera camera;
    int32_t objects, prims;
    synth_object object[SYNTH_OBJECTS];
    synth_prim prim[SYNTH_PRIMS];
} synth_world;

/* Fills the world number `drive` of `seed` as frame `frame` of its drive sees it, with a camera for
 * images of this size. */
void synth_world_build(synth_world *world, uint64_t seed, uint64_t drive, int32_t frame,
                       int32_t width, int32_t height);

/* Centre line: x at z, and the slope dx/dz there. */
static inline float synth_road_centre(const synth_road *road, float z)
{
    float d = f_max(z - road->bend_start, 0.0f);
    return 0.5f * road->bend * d * d;
}

static inline float synth_road_slope(const synth_road *road, float z)
{
    return road->bend * f_max(z - road->bend_start, 0.0f);
}

/* Direction of the ray through pixel (px, py), scaled so that its parameter is the depth. */
static inline v3 synth_camera_ray(const synth_camera *camera, float px, float py)
{
    v3 d = v3_along(camera->ahead, camera->right, (px - camera->cx) / camera->focal);
    return v3_along(d, camera->up, -(py - camera->cy) / camera->focal);
}

#endif
