/* The checksum of zip archives: CRC-32 of ISO 3309, as gzip and PNG use it. */
#ifndef PR_FORMATS_CRC32_H
#define PR_FORMATS_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t pr_crc32(const uint8_t *data, size_t size);

#endif
