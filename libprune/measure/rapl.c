#include "libprune/measure/rapl.h"

#include "libprune/base/context.h"
#include "libprune/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One line of a sysfs file, without its newline. Returns 0 or errno. */
static int read_line(const char *path, char *line, size_t size)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno;
    const ssize_t got = read(file, line, size - 1);
    const int problem = got < 0 ? errno : 0;
    (void)close(file);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return problem;
}

static prune_status read_count(const char *path, uint64_t *value)
{
    char line[64], *end;
    const int problem = read_line(path, line, sizeof line);
    if (problem)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "%s: %s; run as root or give read permission on it to measure energy", path,
                       strerror(problem));
    errno = 0;
    *value = strtoull(line, &end, 10);
    if (line[0] < '0' || line[0] > '9' || *end || errno)
        return pr_fail(PRUNE_E_UNSUPPORTED, "%s: '%.40s' is not a count of microjoules", path,
                       line);
    return PRUNE_OK;
}

/* The path of a file of a zone, or NULL with a message set. */
static char *zone_file(prune_context *ctx, const char *root, const char *zone, const char *name)
{
    char *folder = pr_path_join(ctx, root, zone);
    char *path = folder ? pr_path_join(ctx, folder, name) : NULL;
    pr_free(ctx, folder);
    return path;
}

static prune_status add_domain(pr_rapl *rapl, const char *root, const char *zone)
{
    pr_rapl_domain *d = &rapl->domains[rapl->count];
    uint64_t range = 0;
    char *name = zone_file(rapl->ctx, root, zone, "name");
    char *path = zone_file(rapl->ctx, root, zone, "energy_uj");
    char *range_path = zone_file(rapl->ctx, root, zone, "max_energy_range_uj");
    prune_status status = name && path && range_path ? PRUNE_OK : PRUNE_E_MEMORY;
    *d = (pr_rapl_domain){.path = path};
    if (status == PRUNE_OK && read_line(name, d->name, sizeof d->name) != 0) d->name[0] = '\0';
    d->counted = strncmp(d->name, "package", 7) == 0 || strcmp(d->name, "dram") == 0;
    if (status == PRUNE_OK) status = read_count(path, &d->last);
    if (status == PRUNE_OK && read_count(range_path, &range) == PRUNE_OK) d->range = range;
    pr_free(rapl->ctx, name);
    pr_free(rapl->ctx, range_path);
    if (status == PRUNE_OK && d->name[0]) {
        rapl->count++;
        return PRUNE_OK;
    }
    /* What does not count may be missing; half of what counts would be a wrong number. */
    const bool needed = d->counted;
    pr_free(rapl->ctx, path);
    *d = (pr_rapl_domain){0};
    return needed || status == PRUNE_E_MEMORY ? status : PRUNE_OK;
}

prune_status pr_rapl_open(pr_rapl *rapl, prune_context *ctx, const char *root)
{
    prune_status status = PRUNE_OK;
    pr_list zones = {0};
    bool package = false;
    *rapl = (pr_rapl){.ctx = ctx};
    if (!pr_path_is_directory(root))
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "%s: no such folder; this system shows no energy counters (RAPL)", root);
    PR_TRY(pr_path_list(&zones, ctx, root));
    /* "intel-rapl:0:1" but not "intel-rapl-mmio:0", which is the same package once more. */
    for (size_t i = 0; status == PRUNE_OK && i < zones.count; i++)
        if (strncmp(zones.names[i], "intel-rapl:", 11) == 0 && rapl->count < PR_RAPL_DOMAINS)
            status = add_domain(rapl, root, zones.names[i]);
    pr_list_free(ctx, &zones);
    for (int32_t i = 0; i < rapl->count; i++)
        package = package || strncmp(rapl->domains[i].name, "package", 7) == 0;
    if (status == PRUNE_OK && !package)
        status =
            pr_fail(PRUNE_E_UNSUPPORTED, "%s: no intel-rapl zone there is called package", root);
    if (status != PRUNE_OK) pr_rapl_close(rapl);
    return status;
}

void pr_rapl_close(pr_rapl *rapl)
{
    for (int32_t i = 0; i < rapl->count; i++) pr_free(rapl->ctx, rapl->domains[i].path);
    *rapl = (pr_rapl){0};
}

prune_status pr_rapl_read(pr_rapl *rapl, double *joules)
{
    for (int32_t i = 0; i < rapl->count; i++) {
        pr_rapl_domain *d = &rapl->domains[i];
        uint64_t now, used;
        PR_TRY(read_count(d->path, &now));
        if (now >= d->last) {
            used = now - d->last;
        } else if (d->last <= d->range) {
            used = d->range - d->last + now;
        } else {
            return pr_fail(PRUNE_E_UNSUPPORTED,
                           "%s: the counter went from %llu back to %llu, and its range is %llu: it "
                           "cannot be trusted",
                           d->path, (unsigned long long)d->last, (unsigned long long)now,
                           (unsigned long long)d->range);
        }
        d->last = now;
        if (joules) joules[i] += 1e-6 * (double)used;
    }
    return PRUNE_OK;
}

void pr_rapl_names(const pr_rapl *rapl, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < rapl->count && at < size; i++) {
        if (!rapl->domains[i].counted) continue;
        const int length =
            snprintf(text + at, size - at, "%s%s", at ? " + " : "", rapl->domains[i].name);
        at += length > 0 ? (size_t)length : 0;
    }
}
