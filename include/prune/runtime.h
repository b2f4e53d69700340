/* What a deployed program needs, and all that a runtime build has (docs/deploy.md): models,
 * pictures, sessions. <prune/prune.h> is more: everything of libprune. */
#ifndef PRUNE_RUNTIME_H
#define PRUNE_RUNTIME_H

#include <prune/context.h>
#include <prune/image.h>
#include <prune/model.h>
#include <prune/options.h>
#include <prune/parameters.h>
#include <prune/prediction.h>
#include <prune/session.h>
#include <prune/status.h>

#endif
