/* The loop's record: one row per stage that ran, from which every report is made. */
#ifndef PIPELINES_STAGES_H
#define PIPELINES_STAGES_H

#include <prune/pipeline.h>
#include <prune/sys/json.h>

enum { STAGE_BEFORE, STAGE_TRIMMED, STAGE_TUNED, STAGE_INT8, STAGE_COUNT };

typedef struct stage {
    const char *name;   /* "before", "trimmed", ... */
    prune_model *model; /* NULL: this stage did not run */
    prune_model_info info;
    prune_evaluation *evaluation; /* NULL without labelled pairs */
    double score;                 /* by the judge */
    double seconds;               /* that the stage took */
    uint64_t file_bytes;          /* plain safetensors; floats as FP32 */
    uint64_t packed_bytes;        /* zstd-compressed, as it would be shipped */
    prune_latency latency;
} stage;

typedef struct record {
    prune_context *ctx;
    const prune_compress_options *options;
    stage stages[STAGE_COUNT];
    prune_judge *judge;
    prune_samples *shown;    /* pairs that the numbers are about: test, else validation, or NULL */
    const char *shown_role;  /* "test", "validation" */
    json_t *trim, *quantize; /* the stages' own reports, NULL when they did not run */
    json_t *pictures;        /* [{"frame", "rank", "image", "truth", ...}] */
} record;

/* The last stage that ran. */
const stage *record_last(const record *r);

#endif
