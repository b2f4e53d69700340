/* A fresh network of any size with random weights: where training from scratch begins. */
#include "libprune/base/options.h"
#include "libprune/base/random.h"
#include "libprune/models/families/depth_anything_v2.h"
#include "libprune/models/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(prune_new_options, member)
static const prune_option options_of_new[] = {
    {"architecture", PRUNE_OPTION_CHOICE, FIELD(architecture), "depth_anything_v2", 0, 0,
     "depth_anything_v2", "network family"},
    {"width", PRUNE_OPTION_INT, FIELD(width), "128", 4, 4096, NULL, "embedding width"},
    {"blocks", PRUNE_OPTION_INT, FIELD(blocks), "8", 4, PR_DAV2_MAX_BLOCKS, NULL,
     "transformer blocks"},
    {"heads", PRUNE_OPTION_INT, FIELD(heads), "4", 1, 256, NULL,
     "attention heads; must divide the width"},
    {"hidden", PRUNE_OPTION_INT, FIELD(hidden), "0", 0, 65536, NULL,
     "neurons of each MLP; 0: 4 times the width, gated 8/3 times"},
    {"taps", PRUNE_OPTION_TEXT, FIELD(taps), NULL, 0, 0, NULL,
     "four ascending blocks that feed the head, counted from 0 (default: quarters)"},
    {"neck", PRUNE_OPTION_TEXT, FIELD(neck), "32,48,64,96", 0, 0, NULL,
     "channels of the four reassembled maps, finest first"},
    {"fusion", PRUNE_OPTION_INT, FIELD(fusion), "32", 2, 4096, NULL, "fusion width, even"},
    {"head", PRUNE_OPTION_INT, FIELD(head), "16", 1, 4096, NULL,
     "channels before the output convolution"},
    {"input-height", PRUNE_OPTION_INT, FIELD(input_height), "98", 14, 4200, NULL,
     "input height in pixels, a multiple of 14"},
    {"input-width", PRUNE_OPTION_INT, FIELD(input_width), "322", 14, 4200, NULL,
     "input width in pixels, a multiple of 14"},
    {"grid-height", PRUNE_OPTION_INT, FIELD(grid_height), "0", 0, 300, NULL,
     "rows of the position table; 0: those of the input"},
    {"grid-width", PRUNE_OPTION_INT, FIELD(grid_width), "0", 0, 300, NULL,
     "columns of the position table; 0: those of the input"},
    {"max-depth", PRUNE_OPTION_FLOAT, FIELD(max_depth), "80", 0, 1e6, NULL,
     "largest depth in metres; 0: relative inverse depth"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "1", 0, 1.8446744073709552e19, NULL,
     "of the random weights"},
    {"license", PRUNE_OPTION_TEXT, FIELD(license), NULL, 0, 0, NULL,
     "licence recorded in the model, as an SPDX name"},
    {"mlp", PRUNE_OPTION_CHOICE, FIELD(mlp), "gelu", 0, 0, "gelu|swiglu",
     "MLPs: gelu as in S, B and L, or gated as in the giant configuration"},
};
#undef FIELD

const prune_option_table *prune_new_option_table(void)
{
    static const prune_option_table table = {"new", sizeof(prune_new_options), options_of_new,
                                             sizeof options_of_new / sizeof *options_of_new};
    return &table;
}

void prune_new_options_init(prune_new_options *options)
{
    prune_options_init(prune_new_option_table(), options);
}

/* --- random weights ------------------------------------------------------------------------- */

typedef struct initializer {
    prune_context *ctx;
    const prune_new_options *options;
} initializer;

static bool contains(const char *key, const char *part)
{
    return strstr(key, part) != NULL;
}

static bool ends_with(const char *key, const char *end)
{
    size_t n = strlen(key), m = strlen(end);
    return n >= m && strcmp(key + n - m, end) == 0;
}

/* Value of tensors that start constant; NAN for those that start random. */
static double constant_of(const initializer *init, const char *key)
{
    if (ends_with(key, ".gamma")) return 1.0;
    if (contains(key, "norm") && ends_with(key, ".weight")) return 1.0;
    /* The output starts near a plausible depth: a fifth of the range (logit of 0.2), and for
     * relative models above the point where the last ReLU would pass no gradient. */
    if (ends_with(key, "output_conv2.2.bias")) return init->options->max_depth > 0 ? -1.386294 : 1;
    return ends_with(key, ".bias") ? 0.0 : (double)NAN;
}

/* Standard deviation of a random tensor: tokens as in DINOv2; linear layers and convolutions keep
 * the variance of their input (He et al. 2015: twice that after a ReLU); branches that are added
 * to a trunk start small in proportion to their number (Radford et al. 2019). */
static double deviation_of(const initializer *init, const char *key, const pr_shape *shape)
{
    if (shape->rank == 3) return 0.02;
    if (ends_with(key, "output_conv2.2.weight")) return 0.02;
    double fan_in = (double)(shape->dim[1]);
    if (contains(key, "resize_layers.0") || contains(key, "resize_layers.1"))
        fan_in = (double)shape->dim[0]; /* transposed: [in, out, k, k], outputs do not overlap */
    else if (shape->rank == 4)
        fan_in *= (double)(shape->dim[2] * shape->dim[3]);
    double deviation = sqrt(1.0 / fan_in);
    if (contains(key, "attn.proj") || contains(key, "mlp.fc2") || contains(key, "mlp.w3"))
        deviation /= sqrt(2.0 * init->options->blocks);
    if (contains(key, "resConfUnit"))
        deviation *= contains(key, ".conv1") ? sqrt(2.0) : 0.25 * sqrt(2.0);
    return deviation;
}

/* Every tensor has its own stream, so that its values do not depend on the order of the calls. */
static prune_status random_weight(void *user, const char *key, const pr_shape *shape,
                                  pr_tensor *out)
{
    const initializer *init = user;
    PR_TRY(pr_tensor_create(out, init->ctx, PR_F32, shape));
    float *values = pr_f32(out);
    int64_t count = pr_tensor_count(out);
    double constant = constant_of(init, key), deviation = deviation_of(init, key, shape);
    pr_random random;
    pr_random_seed(&random, init->options->seed, pr_hash_text(key));
    for (int64_t i = 0; i < count; i++) {
        double value = constant;
        if (isnan(constant)) {
            do /* truncated at two deviations */
                value = pr_random_normal(&random);
            while (fabs(value) > 2.0);
            value *= deviation;
        }
        values[i] = (float)value;
    }
    return PRUNE_OK;
}

/* --- options to a configuration ------------------------------------------------------------- */

static prune_status parse_neck(const char *text, int32_t neck[PR_DAV2_TAPS])
{
    const char *at = text;
    for (int32_t k = 0; k < PR_DAV2_TAPS; k++) {
        char *end;
        long value = strtol(at, &end, 10);
        if (end == at || *end != (k + 1 < PR_DAV2_TAPS ? ',' : '\0') || value < 1 || value > 4096)
            return pr_fail(PRUNE_E_ARGUMENT,
                           "--neck %s: give four numbers from 1 to 4096, such as 32,48,64,96",
                           text);
        neck[k] = (int32_t)value;
        at = end + 1;
    }
    return PRUNE_OK;
}

/* DINOv2's rule for gated MLPs: two thirds of the plain width, rounded up to a multiple of 8. */
static int32_t default_hidden(const prune_new_options *o)
{
    int32_t plain = 4 * o->width;
    return o->mlp == 1 ? (plain * 2 / 3 + 7) / 8 * 8 : plain;
}

static prune_status configure(pr_dav2_config *config, const prune_new_options *o)
{
    if (o->width < 1 || o->blocks < 4 || o->blocks > PR_DAV2_MAX_BLOCKS || o->heads < 1 ||
        o->width % o->heads != 0)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "--width %d --blocks %d --heads %d: the heads must divide the width, and "
                       "there must be 4 to %d blocks",
                       o->width, o->blocks, o->heads, PR_DAV2_MAX_BLOCKS);
    if (o->input_height < PR_DAV2_PATCH || o->input_width < PR_DAV2_PATCH ||
        o->input_height % PR_DAV2_PATCH != 0 || o->input_width % PR_DAV2_PATCH != 0)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "--input-height %d --input-width %d: both must be multiples of %d",
                       o->input_height, o->input_width, PR_DAV2_PATCH);
    if (o->fusion < 2 || o->fusion % 2 != 0 || o->head < 1 || o->max_depth < 0)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "--fusion %d --head %d --max-depth %g: fusion must be even, head at least 1,"
                       " the depth not negative",
                       o->fusion, o->head, o->max_depth);
    *config = (pr_dav2_config){.width = o->width,
                               .blocks = o->blocks,
                               .heads = o->heads,
                               .fusion = o->fusion,
                               .half = o->fusion / 2,
                               .head = o->head,
                               .position_rule = PR_POSITION_SIZE,
                               .epsilon = 1e-6f,
                               .metric = o->max_depth > 0,
                               .max_depth = (float)o->max_depth,
                               .preprocess = pr_dav2_preprocess(),
                               .resize_back = PR_FILTER_BILINEAR,
                               .license = o->license};
    config->gated = o->mlp == 1;
    for (int32_t i = 0; i < o->blocks; i++)
        config->hidden[i] = o->hidden ? o->hidden : default_hidden(o);
    config->grid[0] = o->grid_height ? o->grid_height : o->input_height / PR_DAV2_PATCH;
    config->grid[1] = o->grid_width ? o->grid_width : o->input_width / PR_DAV2_PATCH;
    config->preprocess.fit = PR_FIT_EXACT;
    config->preprocess.filter = PR_FILTER_CUBIC_PIL;
    config->preprocess.height = o->input_height;
    config->preprocess.width = o->input_width;
    PR_TRY(parse_neck(o->neck ? o->neck : "32,48,64,96", config->neck));
    pr_dav2_default_taps(o->blocks, config->taps);
    return o->taps ? pr_dav2_parse_taps(o->taps, o->blocks, config->taps) : PRUNE_OK;
}

prune_status prune_model_new(prune_model **out, prune_context *context,
                             const prune_new_options *options)
{
    prune_new_options o;
    if (!out || !context) return pr_fail(PRUNE_E_ARGUMENT, "new: out and context are needed");
    PR_TRY(pr_options_take(prune_new_option_table(), &o, options));
    pr_dav2_config config;
    PR_TRY(configure(&config, &o));
    initializer init = {context, &o};
    pr_weights weights = {.ctx = context, .user = &init, .fetch = random_weight};
    prune_model *model = NULL;
    PR_TRY(pr_dav2_build(&model, context, &config, &weights));
    json_t *fields = json_pack("{s:i, s:i, s:i, s:I}", "width", o.width, "blocks", o.blocks,
                               "heads", o.heads, "seed", (json_int_t)o.seed);
    prune_status status = fields ? pr_model_record(model, "new", fields) : pr_fail_memory(256);
    if (status == PRUNE_OK) status = pr_models_finish(model);
    if (status != PRUNE_OK) {
        pr_model_free(model);
        return status;
    }
    *out = model;
    return PRUNE_OK;
}
