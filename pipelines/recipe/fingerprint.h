/* SHA-256 of what goes into a run, so that a report says what exactly it was made from. Digests are
 * 64 lower-case hexadecimal digits and a 0. */
#ifndef PIPELINES_RECIPE_FINGERPRINT_H
#define PIPELINES_RECIPE_FINGERPRINT_H

#include <prune/samples.h>

/* Of a file: its bytes, as sha256sum prints it. Of a folder (a Hugging Face or RT-MonoDepth
 * checkpoint): of the text that `sha256sum *` prints in it, that is a line "DIGEST  NAME" for each
 * file, sorted by name; folders in it and hidden files do not count. */
prune_status fingerprint_path(prune_context *ctx, const char *path, char digest[65]);

/* Of samples, whatever their order: of the sorted lines
 *   NAME<tab>GROUP<tab>WIDTHxHEIGHT<tab>DIGEST<tab>WIDTHxHEIGHT<tab>DIGEST
 * each ended by a newline; first the picture (its decoded pixels, RGB, 8 bits each), then the depth
 * (float32, metres, little-endian, 0 where there is none), "-" twice without ground truth. Decodes
 * every frame. Errors name the frame that cannot be read. */
prune_status fingerprint_samples(prune_context *ctx, prune_samples *samples, char digest[65]);

#endif
