// A C++ program on libprune and libprune_eval: writes a few scenes with exact depth.
// program FOLDER FRAMES WIDTH HEIGHT SEED
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <prune/eval.h>
#include <prune/prune.h>
#include <prune/synth.h>

int main(int count, char **arguments)
{
    if (count != 6) return 2;
    prune_context *raw = nullptr;
    if (prune_context_create(&raw, nullptr) != PRUNE_OK) {
        std::fprintf(stderr, "%s\n", prune_last_error());
        return 1;
    }
    std::unique_ptr<prune_context, void (*)(prune_context *)> context(raw, prune_context_free);
    prune_synth_options options;
    prune_synth_options_init(&options);
    options.frames = std::atoi(arguments[2]);
    options.width = std::atoi(arguments[3]);
    options.height = std::atoi(arguments[4]);
    options.seed = std::strtoull(arguments[5], nullptr, 10);
    if (prune_synth_write(context.get(), arguments[1], &options) != PRUNE_OK) {
        std::fprintf(stderr, "%s\n", prune_last_error());
        return 1;
    }
    std::printf("libprune %s from C++: %d scenes\n", prune_version(), options.frames);
    return 0;
}
