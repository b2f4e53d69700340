/* SHA-256 (FIPS 180-4): which model, pictures and files a result came from. */
#ifndef PR_BASE_SHA256_H
#define PR_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct pr_sha256 {
    uint32_t state[8];
    uint64_t bytes; /* so far */
    uint8_t block[64];
} pr_sha256;

void pr_sha256_begin(pr_sha256 *hash);
void pr_sha256_add(pr_sha256 *hash, const void *data, size_t bytes);
/* 64 lower-case hexadecimal digits and a 0. */
void pr_sha256_end(pr_sha256 *hash, char digest[65]);

#endif
