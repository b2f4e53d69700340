#include "tests/pipelines/scene.h"

START_TEST(the_original_agrees_with_itself)
{
    prune_context *ctx = test_context(2);
    prune_samples *images = scene_samples(ctx, 10, 1);
    prune_model *model = net_vit(ctx), *other = net_vit(ctx);
    prune_judge *judge;
    double same, different;
    ck_ok(prune_judge_create(&judge, ctx, model, images, NULL, "eigen", "abs_rel", "default"));
    ck_assert_uint_eq(prune_samples_count(prune_judge_images(judge)) +
                          prune_samples_count(prune_judge_samples(judge)),
                      10);
    ck_assert_ptr_nonnull(strstr(prune_judge_describe(judge), "original network"));
    ck_ok(prune_judge_score(judge, model, &same));
    ck_assert_double_eq_tol(same, 0.0, 1e-6);
    for (int64_t i = 0; i < pr_tensor_count(&other->params[0].tensor); i++)
        pr_f32(&other->params[0].tensor)[i] *= 1.5f;
    ck_ok(prune_judge_score(judge, other, &different));
    ck_assert_double_gt(different, 1e-4);
    ck_ok(prune_judge_score(judge, model, &same)); /* scores do not add up */
    ck_assert_double_eq_tol(same, 0.0, 1e-6);
    prune_judge_free(judge);
    prune_model_free(model), prune_model_free(other);
    prune_samples_free(images);
    prune_context_free(ctx);
}
END_TEST

START_TEST(labelled_pairs_decide_where_given)
{
    prune_context *ctx = test_context(2);
    prune_samples *images = scene_samples(ctx, 4, 1), *pairs = scene_samples(ctx, 4, 2);
    prune_model *model = net_vit(ctx);
    prune_judge *judge;
    double score;
    ck_ok(prune_judge_create(&judge, ctx, model, images, pairs, "eigen", "abs_rel", "none"));
    ck_assert_ptr_eq(prune_judge_images(judge), images);
    ck_assert_ptr_eq(prune_judge_samples(judge), pairs);
    ck_ok(prune_judge_score(judge, model, &score));
    ck_assert_double_gt(score, 0.05); /* random weights cannot know the scene */
    prune_judge_free(judge);
    ck_fails(prune_judge_create(&judge, ctx, model, images, pairs, "nonsense", "abs_rel", "none"),
             PRUNE_E_ARGUMENT, "nonsense");
    prune_model_free(model);
    prune_samples_free(images), prune_samples_free(pairs);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.run.judge", the_original_agrees_with_itself, labelled_pairs_decide_where_given)
