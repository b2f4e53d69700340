/* A run of one recipe: what its parts share. engine.c goes through the stages, work.c does what one
 * of them asks for, snapshot.c carries models through files, identity.c knows when a run is the
 * same run. */
#ifndef PIPELINES_ENGINE_H
#define PIPELINES_ENGINE_H

#include "pipelines/recipe/recipe.h"
#include "pipelines/run/directory.h"
#include "pipelines/run/record.h"

enum { ENGINE_NAME_MAX = 96 };

typedef struct engine {
    prune_context *ctx;
    const prune_recipe *recipe;
    prune_compress_options loop; /* the recipe's, with samples and save options filled in */
    run_directory directory;
    record r;
    prune_model *state; /* what the latest stage left: floats kept, nothing rounded yet */
    int32_t index;      /* of the stage in progress: 0 before, else 1 + place in the recipe */
} engine;

/* Runs the recipe's stages from `original` in loop.output and leaves everything there; *report
 * (free with json_decref) is report.json. resume: go on with what is there already. `model` (may be
 * NULL) becomes the result. */
prune_status engine_run(prune_context *ctx, const prune_recipe *recipe,
                        const prune_compress_options *loop, const prune_model *original,
                        bool resume, prune_model *model, json_t **report);

/* recipe.yaml, for people: what this folder is made by. Left out with a warning where a path is not
 * UTF-8. */
prune_status engine_write_recipe(const run_directory *directory, const prune_recipe *recipe);

/* "stages/02-tuned-int8" + suffix. */
void engine_file(const engine *e, const stage *s, const char *suffix, char name[ENGINE_NAME_MAX]);

/* What the stage asks for, done to `model`; *detail becomes the stage's own report. Rounds,
 * decisions and training states are kept in the run directory as they come. */
prune_status engine_work(engine *e, stage *s, const recipe_stage *asked, prune_model *model,
                         json_t **detail);

/* Writes a model without any loss, and takes it back. digest: SHA-256 of the file. */
prune_status snapshot_save(engine *e, const prune_model *model, const char *file, char digest[65]);
prune_status snapshot_load(engine *e, const char *file, const char *digest, prune_model **out);
/* The model as somebody else would load it: rounded and baked as the save options say. packed (may
 * be NULL) becomes the size of the packed file. */
prune_status snapshot_ship(engine *e, const prune_model *state, uint64_t *packed,
                           prune_model **out);
/* Bytes that the model takes as a file; digest (may be NULL) that of the file. */
prune_status snapshot_size(engine *e, const prune_model *model, const prune_save_options *save,
                           uint64_t *bytes, char digest[65]);

/* Everything that decides what a run does and gives, but for the machine's mood: build, instruction
 * set, threads, model, pictures, options. */
prune_status identity_make(engine *e, const char *model_digest, json_t **out);
/* Fails, naming what differs, when the run that is there is another one. */
prune_status identity_compare(const engine *e, const json_t *there, const json_t *now);

#endif
