/* Reading the golden numbers of eval. */
#ifndef TESTS_EVAL_GOLDEN_H
#define TESTS_EVAL_GOLDEN_H

#include "eval/protocols/protocols.h"
#include "tests/support/support.h"

#include <jansson.h>
#include <math.h>
#include <prune/image.h>
#include <stdio.h>
#include <stdlib.h>

/* "nan" and "inf" are strings in the files. */
static inline double golden_number(const json_t *value)
{
    ck_assert_ptr_nonnull(value);
    if (json_is_string(value))
        return strcmp(json_string_value(value), "nan") == 0 ? (double)NAN : (double)INFINITY;
    return json_number_value(value);
}

static inline json_t *golden_load(const char *root)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/expected.json", root);
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", path, error.text);
    return json;
}

static inline void golden_close(double got, double wanted, double relative, const char *what)
{
    if (isnan(wanted)) {
        ck_assert_msg(isnan(got), "%s: %.10g, not NaN", what, got);
        return;
    }
    ck_assert_msg(fabs(got - wanted) <= relative * fabs(wanted) + 1e-12, "%s: %.12g, not %.12g",
                  what, got, wanted);
}

/* A judgement against {"abs_rel": ..., ...}: every metric of the protocol that the object has;
 * shares of pixels may differ by two pixels. Returns how many were compared. */
static inline int golden_compare(const pr_judgement *got, const pr_metric_set *metrics,
                                 const json_t *wanted, double relative, const char *what)
{
    static const char *const other[][2] = {{"d1", "a1"}, {"d2", "a2"}, {"d3", "a3"}};
    int compared = 0;
    for (int32_t m = 0; m < metrics->count; m++) {
        const char *name = metrics->rows[m].name;
        const json_t *value = json_object_get(wanted, name);
        for (int k = 0; k < 3 && !value; k++)
            if (strcmp(name, other[k][0]) == 0) value = json_object_get(wanted, other[k][1]);
        if (!value) continue;
        char label[200];
        (void)snprintf(label, sizeof label, "%s %s", what, name);
        compared++;
        if (metrics->rows[m].higher_is_better)
            ck_assert_msg(fabs(got->values[m] - golden_number(value)) <=
                              2.0 / (double)got->pixels + 1e-7,
                          "%s", label);
        else
            golden_close(got->values[m], golden_number(value), relative, label);
    }
    return compared;
}

/* A raw float32 map; NULL when the file is missing. */
static inline float *golden_map(const char *path, size_t count)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    float *values = malloc(count * sizeof *values);
    ck_assert_uint_eq(fread(values, sizeof *values, count, file), count);
    (void)fclose(file);
    return values;
}

static inline prune_sample golden_sample(const char *name, const prune_depth_map *truth)
{
    return (prune_sample){.name = name,
                          .group = "",
                          .width = truth->width,
                          .height = truth->height,
                          .depth = truth->values,
                          .depth_width = truth->width,
                          .depth_height = truth->height};
}

static inline const pr_protocol *golden_protocol(const char *name)
{
    int32_t index;
    ck_ok(prune_protocol_find(&index, name));
    return pr_protocol_at(index);
}

#endif
