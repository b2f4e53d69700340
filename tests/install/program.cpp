// Every public header must compile as C++ and link.
#include <cstdio>
#include <memory>
#include <prune/prune.h>

int main()
{
    prune_context *raw = nullptr;
    if (prune_context_create(&raw, nullptr) != PRUNE_OK) {
        std::fprintf(stderr, "%s\n", prune_last_error());
        return 1;
    }
    std::unique_ptr<prune_context, void (*)(prune_context *)> context(raw, prune_context_free);
    std::printf("libprune %s from C++\n", prune_version());
    return prune_context_threads(context.get()) >= 1 ? 0 : 1;
}
