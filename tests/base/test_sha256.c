#include "libprune/base/sha256.h"
#include "tests/support/support.h"

#include <prune/sys/file.h>
#include <prune/sys/hash.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The examples of FIPS 180-4's companion (NIST's SHA256.pdf), and the empty message. */
START_TEST(the_published_examples_come_out)
{
    char digest[65];
    prune_sha256("", 0, digest);
    ck_assert_str_eq(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    prune_sha256("abc", 3, digest);
    ck_assert_str_eq(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    prune_sha256(two, strlen(two), digest);
    ck_assert_str_eq(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    pr_sha256 hash;
    pr_sha256_begin(&hash);
    for (int i = 0; i < 1000000; i++) pr_sha256_add(&hash, "a", 1);
    pr_sha256_end(&hash, digest);
    ck_assert_str_eq(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* Every length around a block's end, against the sha256sum that the system has. */
START_TEST(every_length_agrees_with_sha256sum)
{
    prune_context *ctx = test_context(1);
    uint8_t bytes[200];
    char digest[65], line[700], wanted[65] = "";
    for (int i = 0; i < 200; i++) bytes[i] = (uint8_t)(i * 37 + 11);
    const char *path = test_path(0, "bytes");
    for (size_t length = 0; length <= 130; length += length < 54 ? 9 : 1) {
        ck_ok(prune_file_write(ctx, path, bytes, length));
        ck_ok(prune_sha256_file(path, digest));
        (void)snprintf(line, sizeof line, "sha256sum %s", path);
        FILE *pipe = popen(line, "r");
        ck_assert_ptr_nonnull(pipe);
        ck_assert_int_eq(fscanf(pipe, "%64s", wanted), 1);
        ck_assert_int_eq(pclose(pipe), 0);
        ck_assert_str_eq(digest, wanted);
    }
    ck_fails(prune_sha256_file("/nowhere/x", digest), PRUNE_E_IO, "/nowhere/x");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("base.sha256", the_published_examples_come_out, every_length_agrees_with_sha256sum)
