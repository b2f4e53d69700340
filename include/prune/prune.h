/* Everything of libprune. Evaluation and pipelines stand apart: prune/eval.h, prune/pipeline.h. */
#ifndef PRUNE_PRUNE_H
#define PRUNE_PRUNE_H

#include <prune/context.h>
#include <prune/image.h>
#include <prune/measure.h>
#include <prune/model.h>
#include <prune/options.h>
#include <prune/parameters.h>
#include <prune/prediction.h>
#include <prune/pruning.h>
#include <prune/quant.h>
#include <prune/runtime.h>
#include <prune/samples.h>
#include <prune/session.h>
#include <prune/status.h>
#include <prune/tune.h>

#endif
