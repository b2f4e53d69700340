/* Anything that holds a model, to a model. */
#include "libprune/base/file.h"
#include "libprune/base/options.h"
#include "libprune/formats/container.h"
#include "libprune/models/models.h"

#define FIELD(member) offsetof(prune_load_options, member)
static const prune_option options_of_load[] = {
    {"output", PRUNE_OPTION_CHOICE, FIELD(output), "auto", 0, 0, "auto|relative|metric",
     "what the network predicts, where the file does not say"},
    {"max-depth", PRUNE_OPTION_FLOAT, FIELD(max_depth), "0", 0, 1e6, NULL,
     "largest depth of a metric model in metres; 0: config.json, else 80"},
    {"taps", PRUNE_OPTION_TEXT, FIELD(taps), NULL, 0, 0, NULL,
     "four blocks that feed the head, such as 2,5,8,11 (default: config.json, else V2's)"},
    {"position-rule", PRUNE_OPTION_CHOICE, FIELD(position_rule), "auto", 0, 0, "auto|offset|size",
     "how the position table is resampled: offset is the original release, size Hugging Face"},
    {"preprocess", PRUNE_OPTION_CHOICE, FIELD(preprocess), "auto", 0, 0, "auto|original|hf",
     "how pictures are resized: original (OpenCV) or hf (Pillow)"},
    {"max-bytes", PRUNE_OPTION_UINT64, FIELD(max_bytes), "0", 0, 1.8446744073709552e19, NULL,
     "bound on decompressed bytes; 0: 64 times the file's size"},
    {"heads", PRUNE_OPTION_INT, FIELD(heads), "0", 0, 1024, NULL,
     "attention heads; 0: config.json, else width / 64"},
};
#undef FIELD

const prune_option_table *prune_load_option_table(void)
{
    static const prune_option_table table = {"load", sizeof(prune_load_options), options_of_load,
                                             sizeof options_of_load / sizeof *options_of_load};
    return &table;
}

void prune_load_options_init(prune_load_options *options)
{
    prune_options_init(prune_load_option_table(), options);
}

static prune_status open_file(prune_model **out, prune_context *ctx, const char *path,
                              const prune_load_options *options)
{
    pr_table table;
    PR_TRY(pr_container_read(&table, ctx, path, options->max_bytes));
    prune_status status = pr_packed_probe(&table)
                              ? pr_packed_open(out, ctx, &table)
                              : pr_fail(PRUNE_E_UNSUPPORTED, "no known network");
    pr_table_free(&table);
    return status == PRUNE_OK ? status : pr_fail_within(status, "%s", path);
}

prune_status prune_model_load(prune_model **out, prune_context *context, const char *path,
                              const prune_load_options *options)
{
    prune_load_options o;
    PR_TRY(pr_options_take(prune_load_option_table(), &o, options));
    return open_file(out, context, path, &o);
}
