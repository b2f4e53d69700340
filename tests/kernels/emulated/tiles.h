/* AMX's tile instructions in plain C, under their intrinsics' names: palette 1 as the Intel SDM
 * (volume 1, chapter 18, and volume 2) says. What the processor answers with a fault ends the test
 * with a message: bad configurations, tiles that do not fit each other, use before configuration.
 * Memory is touched byte by byte exactly as the instructions do, so address sanitizer sees it. */
#ifndef TESTS_KERNELS_EMULATED_TILES_H
#define TESTS_KERNELS_EMULATED_TILES_H

#include <stddef.h>
#include <stdint.h>

void _tile_loadconfig(const void *config);
void _tile_storeconfig(void *config);
void _tile_release(void);
void _tile_zero(int tile);
void _tile_loadd(int tile, const void *base, size_t stride);
void _tile_stream_loadd(int tile, const void *base, size_t stride);
void _tile_stored(int tile, void *base, size_t stride);
/* sum += a * b: bytes in groups of four, bfloat16 in pairs, along a's columns and b's rows. */
void _tile_dpbssd(int sum, int a, int b);
void _tile_dpbusd(int sum, int a, int b);
void _tile_dpbf16ps(int sum, int a, int b);

/* Whether this thread has tiles configured: whoever configured them must have released them. */
int emulated_tiles_in_use(void);

#endif
