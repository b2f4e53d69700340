/* Runs a fuzz target over files and folders of inputs, without libFuzzer: what the tests do. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int replay(const char *path);

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;
    const struct dirent *entry;
    if (!folder) return 0;
    while ((entry = readdir(folder)) != NULL) {
        char inner[4096];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        count += replay(inner);
    }
    (void)closedir(folder);
    return count;
}

/* Number of inputs that were run. */
static int replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return 0;
    if (S_ISDIR(info.st_mode)) return replay_folder(path);
    FILE *file = fopen(path, "rb");
    /* No slack behind the input: address sanitizer then sees the first byte that is read too far.
     */
    uint8_t *data = malloc((size_t)info.st_size + (info.st_size == 0));
    size_t size = file && data ? fread(data, 1, (size_t)info.st_size, file) : 0;
    if (file) (void)fclose(file);
    (void)printf("%s\n", path);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, size);
    /* Every shorter input too: truncation is the commonest damage. */
    for (size_t cut = 1; cut < size && size <= 2048; cut += 1 + size / 64) {
        uint8_t *copy = malloc(cut);
        if (!copy) break;
        memcpy(copy, data, cut);
        (void)LLVMFuzzerTestOneInput(copy, cut);
        free(copy);
    }
    free(data);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) count += replay(argv[i]);
    (void)printf("%d inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
