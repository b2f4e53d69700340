/* The loop's record: one row per stage that ran, from which every report is made. */
#ifndef PIPELINES_RECORD_H
#define PIPELINES_RECORD_H

#include <prune/pipeline.h>
#include <prune/sys/json.h>

typedef enum stage_kind { STAGE_BEFORE, STAGE_TRIM, STAGE_TUNE, STAGE_QUANTIZE } stage_kind;

typedef struct stage {
    stage_kind kind;
    char name[40]; /* "before", "trimmed", "tuned", "trimmed 2", "int8", "tuned int8": unique */
    prune_model *model;
    prune_model_info info;
    prune_evaluation *evaluation; /* NULL without labelled pairs */
    double score;                 /* by the judge */
    double seconds;               /* that the stage took */
    uint64_t file_bytes;          /* plain safetensors; floats as FP32 */
    uint64_t packed_bytes;        /* zstd-compressed, as it would be shipped */
    prune_latency latency;
    json_t *measured; /* {"latency_ms", "energy_mj"}: see run/measured.h; NULL until measured */
    json_t *detail;   /* the stage's own report as members of its object in the JSON; may be NULL */
} stage;

typedef struct record {
    prune_context *ctx;
    const prune_compress_options *options;
    stage **stages; /* in the order in which they ran; the first is what came in */
    int32_t count;
    prune_judge *judge;
    prune_samples *shown;   /* pairs that the numbers are about: test, else validation, or NULL */
    const char *shown_role; /* "test", "validation" */
    json_t *more;           /* further members of the whole JSON; may be NULL */
} record;

/* Appends an empty stage with a name that no other one has. */
prune_status record_add(record *r, stage_kind kind, stage **out);
stage *record_first(const record *r);
stage *record_last(const record *r);
/* The whole record as JSON: what every other form is made from. NULL when memory runs out. */
json_t *record_json(const record *r);
/* Frees what the record holds, not the record. */
void record_close(record *r);

const char *stage_kind_name(stage_kind kind); /* "before", "trim", "tune", "quantize" */

#endif
