#include "libprune/formats/crc32.h"

uint32_t pr_crc32(const uint8_t *data, size_t size)
{
    uint32_t table[256], sum = 0xffffffff;
    for (uint32_t byte = 0; byte < 256; byte++) {
        table[byte] = byte;
        for (int bit = 0; bit < 8; bit++)
            table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < size; i++) sum = sum >> 8 ^ table[(sum ^ data[i]) & 0xff];
    return ~sum;
}
