/* AMX tiles: how they are configured. Every panel function configures them for itself and releases
 * them before it returns: some 200 cycles beside tens of microseconds, and no caller can forget it,
 * nor leave a thread with tile state that each context switch would save.
 *
 * gcc's tile loads do not say that they read memory. What ordinary code has written just before
 * must be published (PR_PUBLISH) before a tile load reads it; tile stores need nothing. */
#ifndef PR_KERNELS_AMX_TILES_H
#define PR_KERNELS_AMX_TILES_H

#include "libprune/kernels/intrinsics.h"

#include <stdint.h>

enum { PR_TILE_ROWS = 16, PR_TILE_BYTES = 64 };

/* As LDTILECFG reads it: palette 1 has eight tiles of up to 16 rows of 64 bytes. */
typedef struct pr_tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} pr_tile_config;
_Static_assert(sizeof(pr_tile_config) == 64, "as LDTILECFG reads it");

/* All eight tiles with 64 bytes a row: sums in 0 to 3 (two by two), a in 4 and 5, b in 6 and 7. A
 * block of up to 32 rows of a needs no more rows in its tiles than there are. */
static inline void pr_tiles_configure(int64_t rows)
{
    pr_tile_config config = {.palette = 1};
    int64_t upper = rows < PR_TILE_ROWS ? rows : PR_TILE_ROWS;
    int64_t lower = rows > PR_TILE_ROWS ? rows - PR_TILE_ROWS : PR_TILE_ROWS;
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = PR_TILE_BYTES;
        config.rows[i] = PR_TILE_ROWS;
    }
    config.rows[0] = config.rows[1] = config.rows[4] = (uint8_t)upper;
    config.rows[2] = config.rows[3] = config.rows[5] = (uint8_t)lower;
    PR_PUBLISH(&config);
    _tile_loadconfig(&config);
}

#endif
