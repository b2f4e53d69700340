/* JSON is built whole or the failure is noticed. */
#include "tests/support/support.h"

#include <prune/sys/json.h>
#include <stdlib.h>

START_TEST(what_was_added_is_written)
{
    uint64_t failures = prune_json_failures();
    json_t *root = json_object(), *list = json_array();
    prune_json_append(list, json_integer(1));
    prune_json_set(root, "list", list);
    char *text = prune_json_text(root, JSON_COMPACT, failures);
    ck_assert_str_eq(text, "{\"list\":[1]}");
    free(text);
    json_decref(root);
}
END_TEST

START_TEST(what_is_missing_is_noticed)
{
    uint64_t failures = prune_json_failures();
    json_t *root = json_object();
    prune_json_set(root, "nothing", NULL);
    ck_assert_uint_eq(prune_json_failures(), failures + 1);
    ck_assert_ptr_null(prune_json_text(root, 0, failures));
    ck_assert_ptr_nonnull(strstr(prune_last_error(), "out of memory"));
    prune_json_append(NULL, json_null());
    ck_assert_uint_eq(prune_json_failures(), failures + 2);
    ck_assert_ptr_null(prune_json_text(NULL, 0, prune_json_failures()));
    json_decref(root);
}
END_TEST

START_TEST(bad_text_is_no_lack_of_memory)
{
    json_error_t error;
    ck_assert_ptr_null(json_loads("{", 0, &error));
    ck_assert_int_eq(prune_json_parse_status(&error), PRUNE_E_FORMAT);
    error.text[0] = '\0';
    ck_assert_int_eq(prune_json_parse_status(&error), PRUNE_E_MEMORY);
}
END_TEST

TEST_MAIN("base.json", bad_text_is_no_lack_of_memory, what_was_added_is_written,
          what_is_missing_is_noticed)
