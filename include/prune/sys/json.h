/* Offered to eval and pipelines, with weaker promises than the rest: JSON, as jansson has it. */
#ifndef PRUNE_SYS_JSON_H
#define PRUNE_SYS_JSON_H

#include <jansson.h>

#endif
