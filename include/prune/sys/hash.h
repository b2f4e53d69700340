/* Offered to eval and pipelines, with weaker promises than the rest: SHA-256. */
#ifndef PRUNE_SYS_HASH_H
#define PRUNE_SYS_HASH_H

#include <prune/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 64 lower-case hexadecimal digits and a 0. */
void prune_sha256(const void *data, size_t bytes, char digest[65]);
/* Of a file's bytes. PRUNE_E_IO when it cannot be read. */
prune_status prune_sha256_file(const char *path, char digest[65]);

#ifdef __cplusplus
}
#endif
#endif
