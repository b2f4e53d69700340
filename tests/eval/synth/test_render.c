#include "eval/synth/render.h"
#include "tests/support/support.h"

#include <stdlib.h>

enum { WIDTH = 200, HEIGHT = 61 };

typedef struct fixture {
    prune_context *context;
    synth_world *world;
    synth_noise *noise;
    uint8_t rgb[WIDTH * HEIGHT * 3];
    float depth[WIDTH * HEIGHT];
} fixture;

static fixture *begin(uint64_t drive)
{
    fixture *f = calloc(1, sizeof *f);
    f->context = test_context(1);
    f->world = calloc(1, sizeof *f->world);
    f->noise = malloc(sizeof *f->noise);
    synth_noise_build(f->noise);
    synth_world_build(f->world, 21, drive, 0, WIDTH, HEIGHT);
    return f;
}

static void draw(fixture *f)
{
    ck_ok(synth_render(f->context, f->world, f->noise, 0, WIDTH, HEIGHT, f->rgb, f->depth));
}

static void end(fixture *f)
{
    prune_context_free(f->context);
    free(f->world);
    free(f->noise);
    free(f);
}

/* Depth of the plane y = level at a pixel: the camera's z of the intersection, in doubles. */
static double plane_depth(const synth_camera *c, int x, int y, double level)
{
    double rx = ((double)x - (double)c->cx) / (double)c->focal;
    double ry = ((double)y - (double)c->cy) / (double)c->focal;
    double dy = (double)c->ahead.y + rx * (double)c->right.y - ry * (double)c->up.y;
    return dy < 0 ? (level - (double)c->origin.y) / dy : 1e9;
}

START_TEST(an_empty_plain_has_exact_depth)
{
    for (uint64_t drive = 0; drive < 5; drive++) {
        fixture *f = begin(drive);
        f->world->objects = 0;
        f->world->road.raised = 0;
        draw(f);
        int known = 0;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                double want = plane_depth(&f->world->camera, x, y, 0);
                double got = (double)f->depth[y * WIDTH + x];
                if (want < 79.99) {
                    ck_assert_double_eq_tol(got, want, 2e-4 * want);
                    known++;
                } else if (want > 80.01) {
                    ck_assert(got == 0);
                }
            }
        ck_assert_int_gt(known, WIDTH * HEIGHT / 3);
        end(f);
    }
}
END_TEST

START_TEST(pavements_lie_between_the_planes)
{
    fixture *f = begin(3);
    f->world->objects = 0;
    f->world->road.raised = 0.12f;
    draw(f);
    int road = 0, raised = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double low = plane_depth(&f->world->camera, x, y, 0);
            double high = plane_depth(&f->world->camera, x, y, (double)0.12f);
            double got = (double)f->depth[y * WIDTH + x];
            if (low > 79) continue;
            ck_assert(got > high - 1e-3 * high && got < low + 1e-3 * low);
            road += fabs(got - low) < 1e-4 * low;
            raised += fabs(got - high) < 1e-4 * low;
        }
    ck_assert_int_gt(road, 300);
    ck_assert_int_gt(raised, 300);
    end(f);
}
END_TEST

START_TEST(a_wall_has_exact_depth)
{
    fixture *f = begin(0);
    synth_world *w = f->world;
    w->objects = 1;
    synth_object *o = &w->object[0];
    memset(o, 0, sizeof *o);
    /* Square to the camera, its near face 12 m ahead; the camera is made level. */
    synth_camera *c = &w->camera;
    c->ahead = v3_make(0, 0, 1), c->right = v3_make(1, 0, 0), c->up = v3_make(0, 1, 0);
    o->x = c->origin.x, o->z = c->origin.z + 13.0f, o->cosine = 1, o->count = 1;
    o->low = v3_make(-4, 0, -1), o->high = v3_make(4, 3, 1);
    w->prim[0] = (synth_prim){.shape = SHAPE_BOX,
                              .material = MATERIAL_PLAIN,
                              .centre = {0, 1.5f, 0},
                              .half = {4, 1.5f, 1}};
    draw(f);
    int met = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) met += fabs((double)f->depth[i] - 12.0) < 1e-4;
    /* 8 m by 3 m at 12 m, less nothing: focal^2 * 24 / 144 pixels. */
    double want = (double)c->focal * (double)c->focal * 24.0 / 144.0;
    ck_assert_double_eq_tol((double)met, want, 0.12 * want);
    end(f);
}
END_TEST

START_TEST(pictures_look_like_kitti)
{
    double median = 0, bottom = 0, sky = 0;
    for (uint64_t drive = 0; drive < 12; drive++) {
        fixture *f = begin(drive);
        draw(f);
        int counts[81] = {0}, known = 0, low = 0, high = 0;
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            if (f->depth[i] > 0) counts[(int)f->depth[i]]++, known++;
            low = f->rgb[i * 3 + 1] < 70 ? low + 1 : low;
            high = f->rgb[i * 3 + 1] > 150 ? high + 1 : high;
        }
        int at = 0, sum = 0;
        while (sum < known / 2) sum += counts[at++];
        median += (double)at / 12;
        bottom += (double)f->depth[(HEIGHT - 1) * WIDTH + WIDTH / 2] / 12;
        sky += (1.0 - (double)known / (WIDTH * HEIGHT)) / 12;
        ck_assert_int_gt(low + high, WIDTH * HEIGHT / 50); /* not one flat grey */
        end(f);
    }
    ck_assert(median > 8 && median < 20);
    ck_assert(bottom > 3.5 && bottom < 8);
    ck_assert(sky > 0.05 && sky < 0.4);
}
END_TEST

TEST_MAIN("eval.synth.render", an_empty_plain_has_exact_depth, pavements_lie_between_the_planes,
          a_wall_has_exact_depth, pictures_look_like_kitti)
