/* Which objects a part of the picture, or of the ground, has to do with. */
#ifndef EVAL_SYNTH_LISTS_H
#define EVAL_SYNTH_LISTS_H

#include "eval/synth/world.h"

#include <prune/context.h>

enum { SYNTH_TILE = 8 };

/* Cell c of a grid has entries[start[c] .. start[c + 1]). */
typedef struct synth_lists {
    int32_t columns, rows;
    int32_t *start;
    uint16_t *entries;
    float x, z, cell; /* ground grid: corner and cell size, metres */
} synth_lists;

/* Objects by picture tile, nearest first. near[object]: its smallest depth. */
prune_status synth_lists_tiles(synth_lists *out, prune_context *context, const synth_world *world,
                               int32_t width, int32_t height, float *near);
/* Objects by ground cell: those whose shadow or footprint touches the column above the cell. */
prune_status synth_lists_ground(synth_lists *out, prune_context *context, const synth_world *world);
void synth_lists_free(prune_context *context, synth_lists *lists);

/* Entries of the ground cell at (x, z); returns their number. */
static inline int32_t synth_lists_at(const synth_lists *lists, float x, float z,
                                     const uint16_t **entries)
{
    int32_t column = f_floor((x - lists->x) / lists->cell);
    int32_t row = f_floor((z - lists->z) / lists->cell);
    if (column < 0 || row < 0 || column >= lists->columns || row >= lists->rows) return 0;
    int32_t c = row * lists->columns + column;
    *entries = lists->entries + lists->start[c];
    return lists->start[c + 1] - lists->start[c];
}

#endif
