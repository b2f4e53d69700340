/* Panels with AMX, for the files that say what is multiplied: PANEL_PRODUCT, the instruction on
 * three tiles; PANEL_VALUES, how many values of k a row of 64 bytes holds; PANEL_SUM, what they add
 * up to; PANEL_FINISH, the epilogue of sixteen columns. 16 x 16 sums per instruction, in blocks of
 * 32 rows x 32 columns in four tiles of sums, so that every tile of a and of b is used twice; the
 * epilogue of a block runs between the products of the next one, on the vector units that tiles
 * leave idle.
 */
#ifndef PR_KERNELS_AMX_PANEL_H
#define PR_KERNELS_AMX_PANEL_H

#include "libprune/kernels/amx/amx.h"
#include "libprune/kernels/amx/tiles.h"
#include "libprune/kernels/avx512/math.h"

enum { ROWS = 32, LANES = 16, BLOCK = 2 * LANES, TILE = 1024 };
/* 32 rows x 768 bytes of a stay in the first-level cache (48 KB) beside the streamed weights; up to
 * 1024 that is cheaper than storing and loading the sums once more. */
enum { MOST_STEPS = 1024 / PR_TILE_BYTES, PART_STEPS = 768 / PR_TILE_BYTES };
/* Weights that are read again for every 32 rows: all of them where they fit a share of the
 * second-level cache (2 MB), else as many columns as this. */
enum { WEIGHTS_BYTES = 1 << 20, CHUNK_BYTES = 320 << 10, SLOTS = 8 };

/* A block whose sums wait for their epilogue: [rows][BLOCK]. */
typedef struct waiting {
    const pr_epilogue *e;
    const PANEL_SUM *sums;
    int64_t row, rows, column, columns;
    int64_t done; /* rows that are finished */
} waiting;

static __attribute__((noinline)) void finish_some(waiting *w, int64_t rows)
{
    int64_t left = w->rows - w->done;
    if (rows > left) rows = left;
    if (rows <= 0) return;
    for (int64_t d = 0; d < w->columns; d += LANES) {
        int64_t columns = w->columns - d < LANES ? w->columns - d : LANES;
        PANEL_FINISH(w->e, w->row + w->done, rows, w->column + d, columns,
                     w->sums + w->done * BLOCK + d, BLOCK);
    }
    w->done += rows;
}

/* One block of the product: a from its first row, b from its first tile, both at the same k. */
typedef struct operands {
    const char *a, *b;
    int64_t lda, steps; /* bytes from row to row; steps of k */
    PANEL_SUM *sums;
} operands;

/* The sums begin where the ones before this part of k ended. */
static inline __attribute__((always_inline)) void open_sums(const operands *o, bool tall, bool wide,
                                                            bool first)
{
    const size_t stride = BLOCK * sizeof(PANEL_SUM);
    if (first) {
        _tile_zero(0);
        if (wide) _tile_zero(1);
        if (tall) _tile_zero(2);
        if (tall && wide) _tile_zero(3);
        return;
    }
    _tile_loadd(0, o->sums, stride);
    if (wide) _tile_loadd(1, o->sums + LANES, stride);
    if (tall) _tile_loadd(2, o->sums + LANES * BLOCK, stride);
    if (tall && wide) _tile_loadd(3, o->sums + LANES * BLOCK + LANES, stride);
}

static inline __attribute__((always_inline)) void store_sums(const operands *o, bool tall,
                                                             bool wide)
{
    const size_t stride = BLOCK * sizeof(PANEL_SUM);
    _tile_stored(0, o->sums, stride);
    if (wide) _tile_stored(1, o->sums + LANES, stride);
    if (tall) _tile_stored(2, o->sums + LANES * BLOCK, stride);
    if (tall && wide) _tile_stored(3, o->sums + LANES * BLOCK + LANES, stride);
}

/* tall: 17 to 32 rows, wide: 32 columns. `w` is finished before the sums are stored: they may take
 * its place. */
static inline __attribute__((always_inline)) void multiply(const operands *o, waiting *w, bool tall,
                                                           bool wide, bool first)
{
    const char *a = o->a, *b = o->b;
    const size_t lda = (size_t)o->lda;
    /* Rows between two steps: four by four, as epilogues take them. */
    const int64_t share = ((w->rows - w->done + o->steps - 1) / o->steps + 3) / 4 * 4;
    open_sums(o, tall, wide, first);
    for (int64_t s = 0; s < o->steps; s++) {
        _tile_loadd(4, a, lda);
        _tile_loadd(6, b, PR_TILE_BYTES);
        PANEL_PRODUCT(0, 4, 6);
        if (wide) {
            _tile_loadd(7, b + TILE, PR_TILE_BYTES);
            PANEL_PRODUCT(1, 4, 7);
        }
        if (tall) {
            _tile_loadd(5, a + PR_TILE_ROWS * o->lda, lda);
            PANEL_PRODUCT(2, 5, 6);
            if (wide) PANEL_PRODUCT(3, 5, 7);
        }
        a += PR_TILE_BYTES;
        b += wide ? 2 * TILE : TILE;
        finish_some(w, share);
    }
    store_sums(o, tall, wide);
}

static void multiply_block(const operands *o, waiting *w, bool tall, bool wide, bool first)
{
    if (tall && wide) {
        multiply(o, w, true, true, first);
    } else if (wide) {
        multiply(o, w, false, true, first);
    } else if (tall) {
        multiply(o, w, true, false, first);
    } else {
        multiply(o, w, false, false, first);
    }
}

/* How k and the columns are cut. */
typedef struct cuts {
    int64_t steps, part; /* of k, in all and per part */
    int64_t chunk;       /* columns */
} cuts;

static cuts cuts_for(const pr_packed *b)
{
    cuts c = {.steps = b->k_padded / PANEL_VALUES, .chunk = b->n + BLOCK};
    c.part = c.steps;
    if (b->bytes > WEIGHTS_BYTES || c.steps > MOST_STEPS) {
        c.chunk = CHUNK_BYTES / (c.steps * PR_TILE_BYTES) / BLOCK * BLOCK;
        if (c.chunk < BLOCK) c.chunk = BLOCK;
    }
    if (c.steps > MOST_STEPS) {
        int64_t parts = (c.steps + PART_STEPS - 1) / PART_STEPS;
        c.part = (c.steps + parts - 1) / parts;
        if (c.chunk > SLOTS * BLOCK) c.chunk = SLOTS * BLOCK;
    }
    return c;
}

typedef struct panel {
    const pr_packed *b;
    const pr_epilogue *e;
    cuts cuts;
    waiting waiting;
    PANEL_SUM (*slots)[ROWS * BLOCK];
    int64_t turn; /* which of two slots is next, where k is in one part */
} panel;

/* Up to 32 rows against the columns [begin, end). */
static void multiply_rows(panel *p, const char *a, int64_t lda, int64_t rows, int64_t row,
                          int64_t begin, int64_t end)
{
    const pr_packed *b = p->b;
    const cuts *cut = &p->cuts;
    for (int64_t k = 0; k < cut->steps; k += cut->part) {
        int64_t left = cut->steps - k, steps = left < cut->part ? left : cut->part;
        for (int64_t c = begin; c < end;) {
            int64_t wide = pr_block_columns(b->n - c, LANES);
            int64_t slot = cut->part < cut->steps ? (c - begin) / BLOCK : p->turn++ & 1;
            operands o = {.a = a + k * PR_TILE_BYTES, .lda = lda, .steps = steps};
            o.b = (const char *)b->data + (c * cut->steps + k * wide) * PR_TILE_BYTES;
            o.sums = p->slots[slot];
            multiply_block(&o, &p->waiting, rows > PR_TILE_ROWS, wide == BLOCK, k == 0);
            if (k + steps == cut->steps) {
                int64_t columns = b->n - c < wide ? b->n - c : wide;
                p->waiting = (waiting){p->e, o.sums, row, rows, c, columns, 0};
            }
            c += wide;
        }
    }
}

/* lda in bytes. */
static void multiply_panel(int64_t m, const char *a, int64_t lda, const pr_packed *b,
                           const pr_epilogue *e, int64_t row)
{
    _Alignas(64) PANEL_SUM slots[SLOTS][ROWS * BLOCK];
    panel p = {.b = b, .e = e, .cuts = cuts_for(b), .slots = slots};
    int64_t configured = 0;
    for (int64_t c = 0; c < b->n; c += p.cuts.chunk) {
        int64_t end = b->n - c < p.cuts.chunk ? b->n : c + p.cuts.chunk;
        for (int64_t i = 0; i < m; i += ROWS) {
            int64_t rows = m - i < ROWS ? m - i : ROWS;
            if (rows != configured) pr_tiles_configure(rows);
            configured = rows;
            multiply_rows(&p, a + i * lda, lda, rows, row + i, c, end);
        }
    }
    finish_some(&p.waiting, ROWS);
    _tile_release();
}

#endif
