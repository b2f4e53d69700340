/* A recipe as data. Made by the YAML reader or by a command line, run by pipelines/run. */
#ifndef PIPELINES_RECIPE_H
#define PIPELINES_RECIPE_H

#include <prune/model.h>
#include <prune/pipeline.h>
#include <prune/recipe.h>

/* Where a recipe takes from. Table: recipe_input_table(). Paths as fopen understands them: the
 * reader has already put the recipe's folder in front of relative ones. NULL: not given. The output
 * folder is loop.output. */
typedef struct recipe_inputs {
    uint32_t struct_size;
    const char *model; /* a path, or "bundled" */
    const char *images, *val, *test;
    const char *data; /* instead of the three: it is split */
} recipe_inputs;
const prune_option_table *recipe_input_table(void);

typedef enum recipe_kind {
    RECIPE_TRIM = 0,
    RECIPE_TUNE = 1,
    RECIPE_QUANTIZE = 2,
    RECIPE_KINDS = 3
} recipe_kind;
const char *recipe_kind_name(recipe_kind kind); /* "trim", as in a recipe */

/* Option structs of a stage. Which of them count: trim, cut and tune (between rounds) for
 * RECIPE_TRIM; tune for RECIPE_TUNE; quant for RECIPE_QUANTIZE. */
enum { RECIPE_PART_TRIM, RECIPE_PART_CUT, RECIPE_PART_TUNE, RECIPE_PART_QUANT, RECIPE_PARTS };

typedef struct recipe_stage {
    recipe_kind kind;
    prune_trim_options trim;
    prune_cut_options cut;
    prune_tune_options tune;
    prune_quant_options quant;
    uint64_t own[RECIPE_PARTS]; /* bit i: the recipe itself gives row i of that part's table */
} recipe_stage;

/* At most one option takes several values, one run each. */
typedef struct recipe_sweep {
    int32_t stage;       /* index of the stage whose option it is; -1: a goal */
    const char *key;     /* option name; NULL: nothing is swept */
    const char **values; /* as text, each already checked against the option's range */
    size_t count;
} recipe_sweep;

typedef struct recipe_string recipe_string;

struct prune_recipe {
    prune_context *ctx;
    const char *name; /* for messages: the file's path, or "command line" */
    recipe_inputs inputs;
    prune_load_options load;
    prune_save_options save;
    /* output, protocol, align, metric, pictures, bench_seconds, seed. Its members trim, tune and
     * quantize are not used: the stages say what runs. The members that are not in its table are
     * for whoever runs the recipe. */
    prune_compress_options loop;
    prune_goal_options goals;
    uint64_t own_inputs, own_load, own_save, own_loop, own_goals; /* as recipe_stage.own */
    recipe_stage *stages;
    size_t count;
    recipe_sweep sweep;
    recipe_string *strings; /* every text above that came from a file or a command line */
};

/* A struct of a recipe together with its table. */
typedef struct recipe_section {
    const prune_option_table *table;
    void *options;
    uint64_t *own;
} recipe_section;
enum { RECIPE_SECTIONS = 5, RECIPE_STAGE_SECTIONS = 3 };
/* inputs, loop, goals, load, save: in this order. */
void recipe_sections(prune_recipe *recipe, recipe_section sections[RECIPE_SECTIONS]);
/* The parts that count for this kind; returns how many. */
size_t recipe_stage_sections(recipe_stage *stage, recipe_section sections[RECIPE_STAGE_SECTIONS]);

/* No stages, all options at their defaults. Free with prune_recipe_free. */
prune_status recipe_create(prune_recipe **out, prune_context *context, const char *name);
/* A stage with default options at the end. *stage (may be NULL) stays valid until the next append.
 * At most 100. */
prune_status recipe_append(prune_recipe *recipe, recipe_kind kind, recipe_stage **stage);
/* A copy of text that lives as long as the recipe, or NULL with a message set. */
const char *recipe_keep(prune_recipe *recipe, const char *text);
/* prune_options_set, with a copy of the text where the option is one (and a look at what it says),
 * and notes it as own. */
prune_status recipe_set(prune_recipe *recipe, const recipe_section *section, const char *name,
                        const char *text);
/* Whether the recipe gives this option: by recipe_set, or because it differs from the default. */
bool recipe_is_own(const recipe_section *section, const char *name);

/* Where an option called key is meant, when nobody says at which stage: a goal (*stage is -1), else
 * the one stage that gives it, else the one stage that could. Fails when several could. */
prune_status recipe_find(prune_recipe *recipe, const char *key, int32_t *stage);
/* The section of that stage (-1: the goals) that has the option. */
prune_status recipe_target(prune_recipe *recipe, int32_t stage, const char *key,
                           recipe_section *out);
enum { RECIPE_MAX_POINTS = 100 };
/* Gives that option several values, checked against its range; replaces another sweep. */
prune_status recipe_set_sweep(prune_recipe *recipe, int32_t stage, const char *key,
                              const char *const *values, size_t count);
/* Whether the option names a file or folder. */
bool recipe_is_path(const prune_option_table *table, const char *name);
/* Why an option of a table has no place in a recipe; NULL: it has one. */
const char *recipe_why_not(const prune_option_table *table, const char *name);
/* Whether the text of a TEXT option means something, for those that have a form (max-drop, ...). */
prune_status recipe_check_text(const prune_option_table *table, const char *name, const char *text);
/* The rules about a recipe as a whole: stages, their order, data against images, val and test. */
prune_status recipe_check(const prune_recipe *recipe);

/* The recipe of a command line that names no file: trim, tune, quantize. */
prune_status recipe_from_command(prune_recipe **out, prune_context *context);
/* One option of a command line, which goes before what the recipe says. It is set in every part and
 * stage that has it; a goal becomes the goal (and the value of the one stage that has its own,
 * where none takes the goal's); the seed is the recipe's, stages with their own keep it; --no-trim,
 * --no-tune, --no-quantize leave stages out. */
prune_status recipe_override(prune_recipe *recipe, const char *name, const char *text);
/* "macs=0.8,0.6,0.4". */
prune_status recipe_override_sweep(prune_recipe *recipe, const char *text);
/* --minutes of a command line is for the tune stage; the rounds of a trim stage share as much. */
prune_status recipe_share_minutes(prune_recipe *recipe);

/* Number of runs: values of the sweep, or 1. */
size_t recipe_points(const prune_recipe *recipe);
/* The recipe of run `index`: the same with that one value and no sweep. */
prune_status recipe_at(prune_recipe **out, const prune_recipe *recipe, size_t index);

/* The stage as it is to be run: what it does not say itself comes from the rest of the recipe.
 *  - its seed from the recipe's seed;
 *  - a trim stage that names no target (macs, params, bytes, heads, neurons) takes those goals;
 *  - a trim stage without max-drop takes the goal's, and so does a quantize stage, as a number;
 *  - a trim stage of one round leaves tuning to the tune stage after it (trim.tune is false).
 * Texts belong to the recipe. */
prune_status recipe_stage_effective(const prune_recipe *recipe, size_t index, recipe_stage *out);

#endif
