#include <prune/status.h>

const char *prune_version(void)
{
    return PRUNE_VERSION;
}

const char *prune_status_name(prune_status status)
{
    switch (status) {
    case PRUNE_OK:
        return "ok";
    case PRUNE_E_ARGUMENT:
        return "argument";
    case PRUNE_E_IO:
        return "io";
    case PRUNE_E_FORMAT:
        return "format";
    case PRUNE_E_UNSUPPORTED:
        return "unsupported";
    case PRUNE_E_SHAPE:
        return "shape";
    case PRUNE_E_MEMORY:
        return "memory";
    case PRUNE_E_CANCELLED:
        return "cancelled";
    case PRUNE_E_INTERNAL:
        return "internal";
    }
    return "unknown";
}
