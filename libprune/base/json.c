/* include/prune/sys/json.h: additions that cannot fail unnoticed. */
#include "libprune/base/error.h"

#include <prune/model.h>
#include <prune/sys/json.h>
#include <stdbool.h>
#include <string.h>

static _Thread_local uint64_t failures;

uint64_t prune_json_failures(void)
{
    return failures;
}

void prune_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) failures++;
}

void prune_json_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) failures++;
}

prune_status prune_json_parse_status(const json_error_t *error)
{
    bool memory = error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory;
    return memory ? pr_fail_memory(sizeof(json_t)) : PRUNE_E_FORMAT;
}

char *prune_json_text(const json_t *root, size_t flags, uint64_t since)
{
    char *text = root && failures == since ? json_dumps(root, flags) : NULL;
    /* Where its growing text finds no memory for a key, jansson 2.14 goes on without it: counting
     * what should be there needs no memory for the text. */
    if (text && strlen(text) == json_dumpb(root, NULL, 0, flags)) return text;
    prune_text_free(text);
    (void)pr_fail_memory(sizeof(json_t));
    return NULL;
}
