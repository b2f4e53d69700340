/* Depth Anything V2 from its release (.pth) or from a Hugging Face folder: what the tensors'
 * shapes tell, then what config.json tells, then the options, then documented defaults. */
#include "libprune/models/families/depth_anything_v2.h"

#include "libprune/models/families/families.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEY = 160, HEAD_WIDTH = 64 };

typedef struct reader {
    pr_checkpoint *checkpoint;
    const prune_load_options *options;
    pr_dav2_config *config;
} reader;

/* --- sizes, from shapes --------------------------------------------------------------------- */

/* Axis 0 of a weight whose name depends on the layout. */
static prune_status rows(const reader *r, const char *original, const char *port, int32_t rank,
                         int32_t *out)
{
    return pr_checkpoint_axis(r->checkpoint, r->config->hugging_face ? port : original, rank, 0,
                              out);
}

/* First layer of block i's MLP. */
static const char *mlp_key(const pr_dav2_config *c, char key[MAX_KEY])
{
    const char *layer = c->hugging_face ? c->gated ? "weights_in" : "fc1"
                        : c->gated      ? "w12"
                                        : "fc1";
    (void)snprintf(key, MAX_KEY, "%s.%d.mlp.%s.weight",
                   c->hugging_face ? "backbone.encoder.layer" : "pretrained.blocks", c->blocks,
                   layer);
    return key;
}

/* One more than the largest number of a block that any tensor belongs to. */
static int32_t present_blocks(const reader *r)
{
    const char *prefix = r->config->hugging_face ? "backbone.encoder.layer." : "pretrained.blocks.";
    size_t length = strlen(prefix);
    long present = 0;
    for (size_t i = 0; i < r->checkpoint->table.count; i++) {
        const char *name = r->checkpoint->table.items[i].name;
        if (strncmp(name, prefix, length) != 0) continue;
        long number = strtol(name + length, NULL, 10);
        if (number >= present && number < INT32_MAX) present = number + 1;
    }
    return (int32_t)present;
}

static prune_status read_blocks(const reader *r)
{
    pr_dav2_config *c = r->config;
    char key[MAX_KEY];
    c->gated = true;
    c->gated = pr_checkpoint_find(r->checkpoint, mlp_key(c, key)) != NULL;
    for (c->blocks = 0; pr_checkpoint_find(r->checkpoint, mlp_key(c, key)); c->blocks++) {
        if (c->blocks == PR_DAV2_MAX_BLOCKS)
            return pr_fail(PRUNE_E_UNSUPPORTED, "more than %d transformer blocks",
                           PR_DAV2_MAX_BLOCKS);
        int32_t *hidden = &c->hidden[c->blocks];
        PR_TRY(pr_checkpoint_axis(r->checkpoint, key, 2, 0, hidden));
        if (c->gated && *hidden % 2 != 0)
            return pr_fail(PRUNE_E_FORMAT, "tensor '%s' has %d rows, expected two equal halves",
                           key, *hidden);
        if (c->gated) *hidden /= 2;
    }
    int32_t present = present_blocks(r);
    if (present > c->blocks)
        return pr_fail(
            PRUNE_E_FORMAT,
            "tensor '%s' is missing, but the checkpoint has %d transformer blocks; is it "
            "whole?",
            key, present);
    if (c->blocks >= PR_DAV2_TAPS) return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT,
                   "only %d transformer blocks, expected at least %d; is the checkpoint whole?",
                   c->blocks, PR_DAV2_TAPS);
}

/* The position table is square: 1 + side * side rows. */
static prune_status read_grid(const reader *r)
{
    int32_t count;
    const char *key = r->config->hugging_face ? "backbone.embeddings.position_embeddings"
                                              : "pretrained.pos_embed";
    PR_TRY(pr_checkpoint_axis(r->checkpoint, key, 3, 1, &count));
    int32_t side = (int32_t)lround(sqrt((double)(count - 1)));
    if (side < 1 || side * side != count - 1)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s' has %d positions, expected 1 + a square", key,
                       count);
    r->config->grid[0] = r->config->grid[1] = side;
    return PRUNE_OK;
}

static prune_status read_sizes(const reader *r)
{
    pr_dav2_config *c = r->config;
    PR_TRY(rows(r, "pretrained.patch_embed.proj.weight",
                "backbone.embeddings.patch_embeddings.projection.weight", 4, &c->width));
    PR_TRY(read_blocks(r));
    PR_TRY(read_grid(r));
    for (int32_t l = 0; l < PR_DAV2_TAPS; l++) {
        char original[MAX_KEY], port[MAX_KEY];
        (void)snprintf(original, MAX_KEY, "depth_head.projects.%d.weight", l);
        (void)snprintf(port, MAX_KEY, "neck.reassemble_stage.layers.%d.projection.weight", l);
        PR_TRY(rows(r, original, port, 4, &c->neck[l]));
    }
    PR_TRY(rows(r, "depth_head.scratch.layer1_rn.weight", "neck.convs.0.weight", 4, &c->fusion));
    PR_TRY(rows(r, "depth_head.scratch.output_conv1.weight", "head.conv1.weight", 4, &c->half));
    return rows(r, "depth_head.scratch.output_conv2.0.weight", "head.conv2.weight", 4, &c->head);
}

/* --- what shapes cannot tell ---------------------------------------------------------------- */

static void defaulted(const reader *r, const char *what)
{
    if (r->checkpoint->survey) return; /* said before */
    pr_log(r->checkpoint->ctx, PRUNE_LOG_INFO, "%s: the file does not say: %s", r->checkpoint->path,
           what);
}

static const json_t *backbone(const reader *r)
{
    return json_object_get(r->checkpoint->config, "backbone_config");
}

static prune_status choose_heads(const reader *r)
{
    pr_dav2_config *c = r->config;
    const json_t *told = json_object_get(backbone(r), "num_attention_heads");
    c->heads = r->options->heads ? r->options->heads : (int32_t)json_integer_value(told);
    if (c->heads == 0 && c->width % HEAD_WIDTH == 0) c->heads = c->width / HEAD_WIDTH;
    if (c->heads >= 1 && c->heads <= c->width && c->width % c->heads == 0) return PRUNE_OK;
    return pr_fail(
        PRUNE_E_ARGUMENT,
        "a width of %d cannot have %d attention heads; say how many with --attention-heads",
        c->width, c->heads);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* out_indices counts from 1 (0 is the embedding); out_features says "stage3". */
static prune_status configured_taps(const reader *r, bool *found)
{
    const json_t *indices = json_object_get(backbone(r), "out_indices");
    const json_t *features = json_object_get(backbone(r), "out_features");
    *found = json_is_array(indices) || json_is_array(features);
    int32_t previous = -1;
    for (size_t k = 0; *found && k < PR_DAV2_TAPS; k++) {
        const char *stage = json_string_value(json_array_get(features, k));
        json_int_t value = json_is_array(indices) ? json_integer_value(json_array_get(indices, k))
                           : stage && strncmp(stage, "stage", 5) == 0 ? strtol(stage + 5, NULL, 10)
                                                                      : 0;
        if (value <= (json_int_t)previous + 1 || value > r->config->blocks ||
            json_array_size(json_is_array(indices) ? indices : features) != PR_DAV2_TAPS)
            return pr_fail(PRUNE_E_FORMAT,
                           "config.json: out_indices must be four ascending numbers from 1 to %d",
                           r->config->blocks);
        r->config->taps[k] = previous = (int32_t)value - 1;
    }
    return PRUNE_OK;
}

static prune_status choose_taps(const reader *r)
{
    pr_dav2_config *c = r->config;
    bool found = false;
    if (r->options->taps) return pr_dav2_parse_taps(r->options->taps, c->blocks, c->taps);
    PR_TRY(configured_taps(r, &found));
    if (found) return PRUNE_OK;
    /* Version 1 has the same tensors, but feeds its head from the last four blocks. */
    bool first = strncmp(base_name(r->checkpoint->path), "depth_anything_vit", 18) == 0;
    pr_dav2_default_taps(c->blocks, c->taps);
    for (int32_t k = 0; first && k < PR_DAV2_TAPS; k++) c->taps[k] = c->blocks - PR_DAV2_TAPS + k;
    char line[128];
    (void)snprintf(line, sizeof line, "taking version %d's taps %d,%d,%d,%d (--taps changes them)",
                   first ? 1 : 2, c->taps[0], c->taps[1], c->taps[2], c->taps[3]);
    defaulted(r, line);
    return PRUNE_OK;
}

/* The release tells the output only by the file's name: depth_anything_v2_metric_hypersim_vits. */
static double depth_by_name(const char *path)
{
    const char *name = base_name(path);
    return strstr(name, "metric_hypersim") ? 20.0 : strstr(name, "metric_vkitti") ? 80.0 : 0.0;
}

static prune_status choose_output(const reader *r)
{
    pr_dav2_config *c = r->config;
    const json_t *config = r->checkpoint->config;
    const char *kind = json_string_value(json_object_get(config, "depth_estimation_type"));
    double depth = r->options->max_depth, named = depth_by_name(r->checkpoint->path);
    if (kind && strcmp(kind, "metric") != 0 && strcmp(kind, "relative") != 0)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "config.json: depth_estimation_type '%s', expected relative or metric",
                       kind);
    if (r->options->output != 0)
        c->metric = r->options->output == 2;
    else if (config)
        c->metric = kind && strcmp(kind, "metric") == 0;
    else
        c->metric = depth > 0 || named > 0;
    if (r->options->output == 0 && !config)
        defaulted(r, c->metric ? "taking metric depth (--output-kind relative changes it)"
                               : "taking relative inverse depth (--output-kind metric changes it)");
    if (!c->metric) return PRUNE_OK;
    if (depth <= 0) depth = json_number_value(json_object_get(config, "max_depth"));
    if (depth <= 0) depth = named;
    if (depth <= 0) {
        depth = 80.0;
        defaulted(r, "taking a largest depth of 80 metres (--max-depth changes it)");
    }
    if (!(depth <= 1e6))
        return pr_fail(PRUNE_E_FORMAT, "config.json: max_depth must be at most a million metres");
    c->max_depth = (float)depth;
    return PRUNE_OK;
}

/* --- preprocessing -------------------------------------------------------------------------- */

static prune_status read_size(const json_t *json, const char *key, int32_t *out)
{
    const json_t *value = json_object_get(json, key);
    if (!value) return PRUNE_OK;
    json_int_t size = json_integer_value(value);
    if (size < 1 || size > 8192)
        return pr_fail(PRUNE_E_FORMAT, "preprocessor_config.json: %s must be from 1 to 8192", key);
    *out = (int32_t)size;
    return PRUNE_OK;
}

static prune_status read_triple(const json_t *json, const char *key, float out[3])
{
    const json_t *list = json_object_get(json, key);
    if (!list) return PRUNE_OK;
    for (size_t k = 0; k < 3; k++) {
        const json_t *value = json_array_get(list, k);
        double number = json_number_value(value);
        out[k] = fabs(number) <= 1e6 ? (float)number : NAN;
        if (!json_is_number(value) || !isfinite(out[k]) || (key[6] == 's' && out[k] <= 0.0f))
            return pr_fail(PRUNE_E_FORMAT, "preprocessor_config.json: %s must be three numbers",
                           key);
    }
    return PRUNE_OK;
}

static prune_status read_preprocessor(const reader *r)
{
    const json_t *json = r->checkpoint->preprocessor;
    pr_preprocess *p = &r->config->preprocess;
    PR_TRY(read_size(json_object_get(json, "size"), "height", &p->height));
    PR_TRY(read_size(json_object_get(json, "size"), "width", &p->width));
    PR_TRY(read_size(json, "ensure_multiple_of", &p->multiple));
    PR_TRY(read_triple(json, "image_mean", p->mean));
    PR_TRY(read_triple(json, "image_std", p->std));
    if (p->multiple % PR_DAV2_PATCH != 0)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "preprocessor_config.json: ensure_multiple_of %d is not a multiple of %d",
                       p->multiple, PR_DAV2_PATCH);
    if (json_is_false(json_object_get(json, "keep_aspect_ratio"))) p->fit = PR_FIT_EXACT;
    const json_t *resample = json_object_get(json, "resample");
    if (resample && json_integer_value(resample) == 1)
        p->filter = PR_FILTER_LANCZOS_PIL;
    else if (resample && json_integer_value(resample) != 3)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "preprocessor_config.json: resample must be 3 (bicubic) or 1 (Lanczos)");
    return PRUNE_OK;
}

static prune_status choose_preprocess(const reader *r)
{
    pr_dav2_config *c = r->config;
    int32_t choice = r->options->preprocess;
    bool port = choice == 0 ? c->hugging_face : choice == 2;
    c->preprocess = pr_dav2_preprocess();
    c->resize_back = port ? PR_FILTER_CUBIC_TORCH : PR_FILTER_BILINEAR_CORNERS;
    if (port) {
        c->preprocess.fit = PR_FIT_MINIMAL;
        c->preprocess.filter = PR_FILTER_CUBIC_PIL;
    }
    return port && r->checkpoint->preprocessor ? read_preprocessor(r) : PRUNE_OK;
}

/* --- whole ---------------------------------------------------------------------------------- */

static const struct {
    int32_t width, blocks, fusion;
    const char *name, *license;
} released[] = {{384, 12, 64, "vits", "Apache-2.0"},
                {768, 12, 128, "vitb", "CC-BY-NC-4.0"},
                {1024, 24, 256, "vitl", "CC-BY-NC-4.0"},
                {1536, 40, 384, "vitg", "CC-BY-NC-4.0"}};

static prune_status configure(const reader *r)
{
    pr_dav2_config *c = r->config;
    int32_t rule = r->options->position_rule;
    PR_TRY(read_sizes(r));
    PR_TRY(choose_heads(r));
    PR_TRY(choose_taps(r));
    PR_TRY(choose_output(r));
    PR_TRY(choose_preprocess(r));
    /* Class defaults of old ports (1e-12) are not what these models were trained with. */
    c->epsilon = 1e-6f;
    c->position_rule = rule == 0   ? (c->hugging_face ? PR_POSITION_SIZE : PR_POSITION_OFFSET)
                       : rule == 1 ? PR_POSITION_OFFSET
                                   : PR_POSITION_SIZE;
    for (size_t k = 0; k < sizeof released / sizeof *released; k++)
        if (released[k].width == c->width && released[k].blocks == c->blocks &&
            released[k].fusion == c->fusion) {
            c->variant = released[k].name;
            c->license = released[k].license;
        }
    return PRUNE_OK;
}

prune_status pr_dav2_open(prune_model **out, pr_checkpoint *checkpoint, const char *probe,
                          const prune_load_options *options)
{
    prune_context *ctx = checkpoint->ctx;
    pr_dav2_config *config = pr_calloc(ctx, 1, sizeof *config);
    if (!config) return PRUNE_E_MEMORY;
    config->hugging_face = strncmp(probe, "backbone.", 9) == 0;
    const reader r = {checkpoint, options, config};
    pr_weights weights = {ctx, checkpoint, pr_checkpoint_fetch};
    prune_status status = configure(&r);
    if (status == PRUNE_OK) status = pr_dav2_build(out, ctx, config, &weights);
    if (status == PRUNE_OK) {
        bool port = config->hugging_face;
        pr_checkpoint_dead(checkpoint,
                           port ? "backbone.embeddings.mask_token" : "pretrained.mask_token");
        pr_checkpoint_dead(checkpoint, port ? "neck.fusion_stage.layers.0.residual_layer1."
                                            : "depth_head.scratch.refinenet4.resConfUnit1.");
    }
    pr_free(ctx, config);
    return status;
}
