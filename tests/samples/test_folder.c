/* A folder of pictures as samples. */
#include "libprune/samples/samples.h"
#include "tests/support/faults.h"
#include "tests/support/support.h"

#include <sys/stat.h>
#include <unistd.h>

static void put(prune_context *ctx, const char *folder, const char *name, uint8_t shade)
{
    uint8_t rgb[12];
    memset(rgb, shade, sizeof rgb);
    char *path = pr_path_join(ctx, folder, name);
    ck_ok(prune_image_write_png(ctx, path, rgb, 2, 2));
    pr_free(ctx, path);
}

START_TEST(lists_sorted_pictures)
{
    prune_context *ctx = test_context(1);
    const char *folder = test_path(0, "photos");
    (void)mkdir(folder, 0777);
    put(ctx, folder, "b.png", 20);
    put(ctx, folder, "2011_09_26_drive_0023_sync_image_02_0000000000.PNG", 10);
    put(ctx, folder, "c.d.jpeg", 30); /* content decides, not the name */
    char *notes = pr_path_join(ctx, folder, "notes.txt");
    ck_ok(pr_file_write(ctx, notes, "x", 1));
    pr_free(ctx, notes);
    prune_samples *samples;
    ck_ok(prune_samples_open(&samples, ctx, folder));
    ck_assert_uint_eq(prune_samples_count(samples), 3);
    static const char *const expected[] = {"2011_09_26_drive_0023_sync_image_02_0000000000", "b",
                                           "c.d"};
    for (uint64_t i = 0; i < 3; i++) {
        const char *name, *group;
        ck_ok(prune_samples_identify(samples, i, &name, &group));
        ck_assert_str_eq(name, expected[i]);
        ck_assert_str_eq(group, i == 0 ? "2011_09_26_drive_0023_sync" : "");
        prune_sample sample;
        ck_ok(prune_samples_load(samples, i, &sample));
        ck_assert_int_eq(sample.rgb[0], (int)(10 * (i + 1)));
        ck_assert_ptr_null(sample.depth);
        prune_samples_release(samples, &sample);
    }
    prune_samples_free(samples);
    put(ctx, folder, "b.jpg", 40);
    ck_fails(prune_samples_open(&samples, ctx, folder), PRUNE_E_ARGUMENT, "b.jpg and b.png");
    prune_context_free(ctx);
}
END_TEST

START_TEST(names_what_is_missing)
{
    prune_context *ctx = test_context(1);
    prune_samples *samples;
    const char *empty = test_path(1, "empty");
    (void)mkdir(empty, 0777);
    ck_fails(prune_samples_open(&samples, ctx, empty), PRUNE_E_ARGUMENT, "no PNG or JPEG");
    ck_fails(prune_samples_open(&samples, ctx, "/nonexistent"), PRUNE_E_IO, "/nonexistent");
    char group[40];
    prune_sample_group(group, sizeof group, "2011_09_26_drive_23_sync");
    ck_assert_str_eq(group, "");
    prune_sample_group(group, 8, "2011_09_26_drive_0023_sync_1");
    ck_assert_str_eq(group, "");
    prune_context_free(ctx);
}
END_TEST

static prune_status open_and_split(prune_context *ctx)
{
    prune_samples *samples, *kept, *held;
    prune_status status = prune_samples_open(&samples, ctx, "tests/image/golden");
    if (status != PRUNE_OK) return status;
    status = prune_samples_split(&kept, &held, samples, 0.5, 1, NULL);
    if (status == PRUNE_OK) {
        prune_sample sample;
        status = prune_samples_load(held, 0, &sample);
        if (status == PRUNE_OK) prune_samples_release(held, &sample);
        prune_samples_free(kept);
        prune_samples_free(held);
    }
    prune_samples_free(samples);
    return status;
}

START_TEST(out_of_memory_is_an_error)
{
    fault_walk(open_and_split, false);
}
END_TEST

TEST_MAIN("samples.folder", lists_sorted_pictures, names_what_is_missing, out_of_memory_is_an_error)
