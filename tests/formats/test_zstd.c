/* zstd files: reproducible, parallel, bounded, checked. */
#include "libprune/base/file.h"
#include "libprune/formats/zstd.h"
#include "tests/formats/bytes.h"
#include "tests/support/support.h"

#include <zstd.h>

static prune_status read_file(pr_zstd_content *out, prune_context *ctx, const char *path,
                              uint64_t limit)
{
    pr_mapped file;
    ck_ok(pr_file_map(&file, path));
    prune_status status = pr_zstd_read(out, ctx, file.data, file.size, limit, NULL);
    pr_file_unmap(&file);
    return status;
}

START_TEST(pieces_come_back_in_order)
{
    prune_context *one = test_context(1), *two = test_context(2);
    static uint8_t data[300000];
    pr_zstd_piece pieces[31];
    size_t at = 0;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i >> 9);
    for (size_t k = 0; k < 31; k++) {
        pieces[k] = (pr_zstd_piece){data + at, k == 30 ? sizeof data - at : k * 611};
        at += pieces[k].bytes;
    }
    ck_ok(pr_zstd_write(one, test_path(0, "a.zst"), pieces, 31, 5));
    ck_ok(pr_zstd_write(two, test_path(1, "b.zst"), pieces, 31, 5));
    pr_mapped a, b;
    ck_ok(pr_file_map(&a, test_path(0, "a.zst")));
    ck_ok(pr_file_map(&b, test_path(1, "b.zst")));
    ck_assert(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    pr_zstd_content content;
    ck_ok(pr_zstd_read(&content, two, a.data, a.size, sizeof data, NULL));
    ck_assert_uint_eq(content.bytes, sizeof data);
    ck_assert(memcmp(content.data, data, sizeof data) == 0);
    pr_formats_drop(content.buffer);
    /* what `zstd -d` does: the whole file as one stream, skippable frames left out */
    static uint8_t plain[sizeof data + 1];
    ck_assert_uint_eq(ZSTD_decompress(plain, sizeof plain, a.data, a.size), sizeof data);
    ck_assert(memcmp(plain, data, sizeof data) == 0);
    pr_file_unmap(&a);
    pr_file_unmap(&b);
    prune_context_free(one);
    prune_context_free(two);
}
END_TEST

START_TEST(bombs_are_bounded)
{
    prune_context *ctx = test_context(1);
    static uint8_t zeros[1 << 20];
    pr_zstd_piece pieces[8];
    pr_zstd_content content;
    for (int k = 0; k < 8; k++) pieces[k] = (pr_zstd_piece){zeros, sizeof zeros};
    ck_ok(pr_zstd_write(ctx, test_path(0, "bomb.zst"), pieces, 8, 19));
    ck_fails(read_file(&content, ctx, test_path(0, "bomb.zst"), 64 << 10), PRUNE_E_MEMORY,
             "more than 65536 bytes");
    ck_fails(read_file(&content, ctx, test_path(0, "bomb.zst"), (8 << 20) - 1), PRUNE_E_MEMORY,
             "--max-bytes");
    ck_ok(read_file(&content, ctx, test_path(0, "bomb.zst"), 8 << 20));
    ck_assert_uint_eq(content.bytes, 8 << 20);
    pr_formats_drop(content.buffer);
    prune_context_free(ctx);
}
END_TEST

START_TEST(contradictions_are_refused)
{
    prune_context *ctx = test_context(1);
    pr_zstd_content content;
    pr_zstd_piece pieces[2] = {{"abcdefgh", 8}, {"ijkl", 4}};
    ck_ok(pr_zstd_write(ctx, test_path(0, "a.zst"), pieces, 2, 3));
    pr_mapped file;
    ck_ok(pr_file_map(&file, test_path(0, "a.zst")));
    static bytes bad;
    /* frames, descriptor and sizes of the seek table at the end */
    static const int back[] = {9, 5, 13, 17, 21, 25, 29};
    for (size_t k = 0; k < sizeof back / sizeof *back; k++) {
        bad.size = 0;
        add(&bad, file.data, file.size);
        bad.data[bad.size - (size_t)back[k]] ^= 0x81;
        ck_fails(pr_zstd_read(&content, ctx, bad.data, bad.size, 1000, NULL), PRUNE_E_FORMAT,
                 "damaged");
    }
    for (size_t cut = 1; cut < file.size; cut++) {
        prune_status status = pr_zstd_read(&content, ctx, file.data, cut, 1000, NULL);
        if (status == PRUNE_OK) { /* whole frames without the seek table are a zstd file too */
            ck_assert_uint_le(content.bytes, 12);
            pr_formats_drop(content.buffer);
        }
    }
    pr_file_unmap(&file);
    prune_context_free(ctx);
}
END_TEST

START_TEST(unknown_sizes_get_advice)
{
    prune_context *ctx = test_context(1);
    pr_zstd_content content;
    uint8_t out[256];
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_inBuffer in = {"hello", 5, 0};
    ZSTD_outBuffer to = {out, sizeof out, 0};
    (void)ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_continue);
    ck_assert_uint_eq(ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_end), 0);
    ck_fails(pr_zstd_read(&content, ctx, out, to.pos, 1000, NULL), PRUNE_E_UNSUPPORTED, "pipe");
    (void)ZSTD_freeCCtx(zstd);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("formats/zstd", pieces_come_back_in_order, bombs_are_bounded, contradictions_are_refused,
          unknown_sizes_get_advice)
