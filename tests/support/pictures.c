#include "tests/support/pictures.h"

#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct pictures {
    int32_t width, height;
    char name[32];
} pictures;

static void paint(const pictures *p, uint64_t index, uint8_t *rgb)
{
    float noise[16];
    test_fill(noise, 16, index + 1);
    for (int32_t y = 0; y < p->height; y++)
        for (int32_t x = 0; x < p->width; x++)
            for (int c = 0; c < 3; c++) {
                const double u = (double)x / p->width, v = (double)y / p->height;
                const bool box = fabs(u - (0.5 + 0.3 * (double)noise[0])) < 0.2 &&
                                 fabs(v - (0.5 + 0.3 * (double)noise[1])) < 0.2;
                const double wave = sin(9 * u * (double)noise[2 + c] + 7 * v + (double)noise[6]);
                const double value = box ? 0.5 + 0.5 * (double)noise[8 + c] : 0.5 + 0.4 * wave;
                rgb[(y * p->width + x) * 3 + c] = (uint8_t)(255 * value);
            }
}

static prune_status load(void *user, uint64_t index, prune_sample *sample)
{
    const pictures *p = user;
    uint8_t *rgb = malloc((size_t)p->width * (size_t)p->height * 3);
    paint(p, index, rgb);
    *sample = (prune_sample){
        .name = "made-up", .group = "", .width = p->width, .height = p->height, .rgb = rgb};
    return PRUNE_OK;
}

static void release(void *user, prune_sample *sample)
{
    (void)user;
    free((void *)(uintptr_t)sample->rgb);
}

static void close_source(void *user)
{
    free(user);
}

static prune_status identify(void *user, uint64_t index, const char **name, const char **group)
{
    pictures *p = user;
    (void)snprintf(p->name, sizeof p->name, "%06llu", (unsigned long long)index);
    *name = p->name;
    *group = "";
    return PRUNE_OK;
}

prune_samples *test_pictures(prune_context *ctx, uint64_t count, int32_t width, int32_t height)
{
    pictures *p = calloc(1, sizeof *p);
    p->width = width;
    p->height = height;
    const prune_sample_source source = {.struct_size = sizeof source,
                                        .user = p,
                                        .count = count,
                                        .load = load,
                                        .release = release,
                                        .close = close_source,
                                        .identify = identify};
    prune_samples *samples = NULL;
    ck_ok(prune_samples_create(&samples, ctx, &source));
    return samples;
}
