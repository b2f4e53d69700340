/* Judging sessions and models. */
#include "eval/protocols/protocols.h"

static prune_status predict_with_session(void *user, const prune_sample *sample, float *values,
                                         prune_prediction *prediction)
{
    prune_session *session = user;
    prune_pixels pixels = {sample->rgb, sample->width, sample->height, 0, PRUNE_RGB};
    prune_session_describe(session, prediction);
    return prune_session_predict(session, &pixels, values);
}

prune_status prune_evaluation_run_session(prune_evaluation *evaluation, prune_samples *samples,
                                          prune_session *session)
{
    return prune_evaluation_run(evaluation, samples, predict_with_session, session);
}

prune_status prune_evaluation_run_model(prune_evaluation *evaluation, prune_samples *samples,
                                        const prune_model *model,
                                        const prune_session_options *options)
{
    prune_session *session;
    prune_status status = prune_session_create(&session, model, options);
    if (status != PRUNE_OK) return status;
    status = prune_evaluation_run_session(evaluation, samples, session);
    prune_session_free(session);
    return status;
}
