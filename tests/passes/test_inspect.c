#include "tests/support/nets.h"
#include "tests/support/support.h"

START_TEST(shows_layers_spaces_and_history)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    char *text = NULL;
    ck_ok(pr_model_record(model, "test", NULL));
    ck_ok(prune_model_inspect(model, 0, 0, &text));
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "output")), "metric");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "layers")), (size_t)model->n_nodes);
    json_int_t macs = 0;
    size_t i;
    json_t *layer;
    json_array_foreach(json_object_get(root, "layers"), i, layer) macs +=
        json_integer_value(json_object_get(layer, "macs"));
    ck_assert_int_eq(macs, json_integer_value(json_object_get(root, "macs")));
    ck_assert_uint_gt(json_array_size(json_object_get(root, "spaces")), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "history")), 1);
    json_decref(root);
    prune_text_free(text);
    ck_fails(prune_model_inspect(model, 3, 3, &text), PRUNE_E_SHAPE, "patch_embed");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("passes.inspect", shows_layers_spaces_and_history)
