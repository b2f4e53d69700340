/* Offered to eval and pipelines, with weaker promises than the rest: JSON, as jansson has it, built
 * so that a failing allocation cannot leave a part out unnoticed. */
#ifndef PRUNE_SYS_JSON_H
#define PRUNE_SYS_JSON_H

#include <jansson.h>
#include <prune/status.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Number of additions that have failed on this thread so far. Whoever builds JSON notes it first
 * and compares at the end. */
uint64_t prune_json_failures(void);
/* Put value (taking it over; NULL counts as a failure) into an object, or at the end of an array.
 */
void prune_json_set(json_t *object, const char *key, json_t *value);
void prune_json_append(json_t *array, json_t *value);
/* The text of root, or NULL with a message set (PRUNE_E_MEMORY) when root is NULL, when an addition
 * has failed since `failures` was noted, or when there is no memory. Free with prune_text_free. */
char *prune_json_text(const json_t *root, size_t flags, uint64_t failures);
/* Status of a failed parse: PRUNE_E_MEMORY, with a message set, when memory ended it (jansson
 * leaves no text then), else PRUNE_E_FORMAT, and the caller says what is wrong. */
prune_status prune_json_parse_status(const json_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
