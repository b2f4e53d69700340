/* Texts that the library hands out. */
#include "tests/support/support.h"

#include <prune/model.h>
#include <stdlib.h>

START_TEST(frees_text_and_null)
{
    char *text = malloc(8); /* a leak or a wrong allocator would stop the sanitized build */
    ck_assert_ptr_nonnull(text);
    prune_text_free(text);
    prune_text_free(NULL);
}
END_TEST

TEST_MAIN("base.text", frees_text_and_null)
