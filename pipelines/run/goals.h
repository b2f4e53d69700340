/* Goals: what was asked for, against what came out. */
#ifndef PIPELINES_GOALS_H
#define PIPELINES_GOALS_H

#include "pipelines/run/engine.h"

/* Adds "goals" and "stopped_by" to the record, by the last stage's numbers. */
prune_status goals_judge(engine *e);

#endif
