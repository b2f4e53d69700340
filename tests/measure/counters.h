/* A made-up /sys/class/powercap whose counters the test moves. */
#ifndef TESTS_MEASURE_COUNTERS_H
#define TESTS_MEASURE_COUNTERS_H

#include "tests/support/support.h"

#include <prune/sys/file.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void counters_write(const char *root, const char *zone, const char *file,
                                  const char *text)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", root, zone);
    ck_ok(prune_folder_create(path));
    (void)snprintf(path, sizeof path, "%s/%s/%s", root, zone, file);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void counters_set(const char *root, const char *zone, unsigned long long microjoules)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%llu\n", microjoules);
    counters_write(root, zone, "energy_uj", text);
}

static inline void counters_add(const char *root, const char *zone, const char *name,
                                unsigned long long range, unsigned long long microjoules)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s\n", name);
    counters_write(root, zone, "name", text);
    (void)snprintf(text, sizeof text, "%llu\n", range);
    counters_write(root, zone, "max_energy_range_uj", text);
    counters_set(root, zone, microjoules);
}

/* What a server shows: the control type's own folder, one package with cores and memory, the
 * machine as a whole, and the package once more through another door. */
static inline void counters_server(const char *root)
{
    counters_write(root, "intel-rapl", "enabled", "1\n");
    counters_add(root, "intel-rapl:0", "package-0", 262143328850ULL, 1000);
    counters_add(root, "intel-rapl:0:0", "core", 262143328850ULL, 100);
    counters_add(root, "intel-rapl:0:1", "dram", 65712999613ULL, 10);
    counters_add(root, "intel-rapl:1", "psys", 262143328850ULL, 5000);
    counters_add(root, "intel-rapl-mmio:0", "package-0", 262143328850ULL, 1000);
}

#endif
