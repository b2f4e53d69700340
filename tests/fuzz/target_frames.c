/* Lists of frames (--frames @FILE), and names of frames out of a folder. */
#include "eval/datasets/datasets.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const fuzz_bound fuzz_memory = {64, 1 << 16};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    char list[80], name[300];
    pr_dataset dataset = {.context = ctx, .divisor = 256};
    static const char *const names[] = {"2011_09_26_drive_0001_sync_image_02_0000000005",
                                        "2011_09_26_drive_0001_sync_image_03_0000000005", "plain"};
    (void)snprintf(list, sizeof list, "@%s", fuzz_file(data, size));
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        fuzz_require(fuzz_ok(pr_dataset_add(&dataset, names[k], "", "a.png", "b.png")), "no frame");
    fuzz_require(fuzz_ok(pr_dataset_sort(&dataset)), "names repeat");
    if (fuzz_ok(pr_dataset_filter(&dataset, list, "folder")))
        fuzz_require(dataset.count > 0 && dataset.count <= 3, "frames from nowhere");
    pr_dataset_clear(&dataset);
    char *text = malloc(size + 1);
    if (!text) return;
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    (void)pr_dataset_is_picture(text);
    (void)pr_dataset_stem(name, sizeof name, text);
    free(text);
}
