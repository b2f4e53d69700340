/* Tables of attacks: each row makes a file, and says the status and the exact text of the error it
 * must give. Every row is also bounded in memory and in the number of allocations, which stands for
 * time: work that grows faster than the file shows there. */
#ifndef TESTS_FORMATS_HOSTILE_H
#define TESTS_FORMATS_HOSTILE_H

#include "libprune/base/file.h"
#include "libprune/formats/container.h"
#include "tests/formats/bytes.h"
#include "tests/support/meter.h"
#include "tests/support/support.h"

typedef struct attack {
    const char *name;
    void (*make)(bytes *file); /* or else: */
    const char *literal;
    size_t size;
    prune_status status;
    const char *message; /* all of it, behind "PATH: " */
} attack;

/* Bytes above what the file's own size allows: tables that are small whatever the file. */
enum { ATTACK_BASE = 64 << 10 };

/* Memory as it is bounded, 2.5 times what is announced (here: what there is) and what the file's
 * directory may take beside it: 256 times the bytes of a pickle, whose every byte can be an object,
 * 4 times those of a safetensors header. And no more allocations than bytes. */
static inline void check_cost(const char *name, const meter *m, const meter *before, uint64_t size,
                              uint64_t directory)
{
    uint64_t peak = m->peak - before->held, calls = m->calls - before->calls;
    ck_assert_msg(peak <= size * 5 / 2 + directory + ATTACK_BASE,
                  "%s: %llu bytes of memory for %llu", name, (unsigned long long)peak,
                  (unsigned long long)size);
    ck_assert_msg(calls <= size + 64, "%s: %llu allocations for %llu bytes", name,
                  (unsigned long long)calls, (unsigned long long)size);
    ck_assert_msg(m->open == before->open, "%s: memory is left allocated", name);
}

static inline void check_message(const char *name, prune_status got, prune_status wanted,
                                 const char *path, const char *message)
{
    char whole[2048];
    if (got == PRUNE_OK && wanted == PRUNE_OK) return;
    (void)snprintf(whole, sizeof whole, "%s: %s", path, message);
    ck_assert_msg(got == wanted && strcmp(prune_last_error(), whole) == 0,
                  "%s: got %s \"%s\", wanted %s \"%s\"", name, prune_status_name(got),
                  prune_last_error(), prune_status_name(wanted), whole);
}

/* A path below test_path whose text every machine has: messages contain it. */
static inline const char *attack_path(const char *name)
{
    return test_path(0, name);
}

/* Runs every row through pr_container_read. With PRUNE_HOSTILE_PRINT it prints what it got instead
 * of failing: how rows are made. */
static inline void run_attacks(const attack *rows, size_t count)
{
    static bytes file;
    meter m;
    prune_context *ctx = NULL;
    ck_ok(meter_context(&ctx, &m));
    for (size_t k = 0; k < count; k++) {
        const attack *a = &rows[k];
        file.size = 0;
        if (a->make)
            a->make(&file);
        else
            add(&file, a->literal, a->size);
        const char *path = attack_path("attack");
        ck_ok(pr_file_write(ctx, path, file.data, file.size));
        pr_table table;
        meter before = m;
        m.peak = m.held;
        prune_status status = pr_container_read(&table, ctx, path, 0);
        if (status == PRUNE_OK) pr_table_free(&table);
        if (getenv("PRUNE_HOSTILE_PRINT")) {
            const char *text = prune_last_error();
            (void)printf("%s\t%s\t%s\n", a->name, prune_status_name(status),
                         status == PRUNE_OK ? "" : text + strlen(path) + 2);
            continue;
        }
        check_message(a->name, status, a->status, path, a->message);
        check_cost(a->name, &m, &before, file.size, 0);
    }
    prune_context_free(ctx);
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])
#define LITERAL(text) NULL, text, sizeof(text) - 1
#define MAKER(function) function, NULL, 0

#endif
