#include "libprune/formats/crc32.h"
#include "tests/support/support.h"

START_TEST(check_value)
{
    /* The check value of the CRC catalogue, and the empty text. */
    ck_assert_uint_eq(pr_crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
    ck_assert_uint_eq(pr_crc32((const uint8_t *)"", 0), 0);
}
END_TEST

TEST_MAIN("formats.crc32", check_value)
