/* safetensors: what is written reads back, and what breaks a rule is refused.
 * Covers: safetensors.c, safetensors_write.c, safetensors_pack.c, table.c */
#include "libprune/base/file.h"
#include "libprune/formats/container.h"
#include "libprune/formats/safetensors.h"
#include "tests/formats/bytes.h"
#include "tests/support/support.h"

static void add_filled(pr_table *table, const char *name, pr_dtype dtype, pr_shape shape)
{
    pr_tensor tensor;
    ck_ok(pr_tensor_create(&tensor, table->ctx, dtype, &shape));
    uint8_t *data = tensor.data;
    for (size_t i = 0; i < pr_tensor_bytes(&tensor); i++)
        data[i] = (uint8_t)(i * 7 + (size_t)name[0]);
    ck_ok(pr_table_add(table, name, tensor));
}

static void check_same(const pr_table *a, const pr_table *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const pr_tensor *x = &a->items[i].tensor, *y = pr_table_find(b, a->items[i].name);
        ck_assert_ptr_nonnull(y);
        ck_assert_int_eq(x->dtype, y->dtype);
        ck_assert(pr_shape_equal(&x->shape, &y->shape));
        ck_assert_int_eq(memcmp(x->data, y->data, pr_tensor_bytes(x)), 0);
        ck_assert_uint_eq((uintptr_t)y->data % pr_dtype_size(y->dtype), 0);
    }
}

START_TEST(round_trips)
{
    prune_context *ctx = test_context(2);
    pr_table table, back;
    pr_table_init(&table, ctx);
    add_filled(&table, "z \"quoted\" \\ and \n line", PR_I8, pr_shape2(3, 5));
    add_filled(&table, "a", PR_F32, pr_shape3(2, 3, 4));
    add_filled(&table, "half", PR_F16, pr_shape1(3));
    add_filled(&table, "empty", PR_F32, pr_shape2(0, 4));
    add_filled(&table, "scalar", PR_I64, (pr_shape){0});
    add_filled(&table, "large", PR_F32, pr_shape2(1500, 1000)); /* more than one frame */
    ck_ok(pr_table_note(&table, "note", "{\"x\": \"\xc3\xa4\t\"}"));
    ck_ok(pr_safetensors_write(&table, test_path(0, "t.safetensors")));
    ck_ok(pr_container_read(&back, ctx, test_path(0, "t.safetensors"), 0));
    check_same(&table, &back);
    ck_assert_str_eq(pr_table_noted(&back, "note"), "{\"x\": \"\xc3\xa4\t\"}");
    ck_assert_ptr_null(pr_table_noted(&back, "other"));
    pr_table_free(&back);
    ck_ok(pr_safetensors_pack(&table, test_path(1, "t.zst"), 1));
    ck_ok(pr_container_read(&back, ctx, test_path(1, "t.zst"), UINT64_MAX));
    check_same(&table, &back);
    pr_table_free(&back);
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

/* Tensors outlive the file's table and the file itself. */
START_TEST(tensors_keep_the_mapping)
{
    prune_context *ctx = test_context(1);
    pr_table table, back;
    pr_table_init(&table, ctx);
    add_filled(&table, "a", PR_F32, pr_shape1(1000));
    ck_ok(pr_safetensors_write(&table, test_path(0, "keep.safetensors")));
    ck_ok(pr_container_read(&back, ctx, test_path(0, "keep.safetensors"), 0));
    pr_tensor kept = pr_tensor_share(pr_table_find(&back, "a"));
    pr_table_free(&back);
    ck_assert_int_eq(memcmp(kept.data, table.items[0].tensor.data, 4000), 0);
    ck_ok(pr_tensor_own(&kept, ctx)); /* writing needs a copy of mapped memory */
    pr_f32(&kept)[0] = 1.0f;
    pr_tensor_release(&kept);
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

START_TEST(names_are_unique)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    pr_table_init(&table, ctx);
    add_filled(&table, "twice", PR_F32, pr_shape1(1));
    add_filled(&table, "twice", PR_F32, pr_shape1(1));
    ck_fails(pr_table_sort(&table), PRUNE_E_FORMAT, "'twice'");
    ck_fails(pr_safetensors_write(&table, test_path(0, "t.safetensors")), PRUNE_E_INTERNAL,
             "'twice'");
    ck_assert(!pr_path_exists(test_path(0, "never.safetensors")));
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

START_TEST(every_rule)
{
    static const struct {
        const char *header;
        size_t data;
        const char *part; /* of the message; NULL: it is fine */
    } cases[] = {
        {"{}", 0, NULL},
        {"{\"a\":" T("F32", "2", "0,8") "}   ", 8, NULL},
        {"{ \"a\" : " T("F32", "", "0,4") " , \"b\":" T("I8", "0,3", "4,4") "}", 4, NULL},
        {"{\"__metadata__\":{\"k\":\"v\"},\"\\u00e4\\ud83d\\ude00\":" T("U8", "1", "0,1") "}", 1,
         NULL},
        {"{\"b\":" T("U8", "1", "1,2") ",\"a\":" T("U8", "1", "0,1") "}", 2, NULL},
        {" {}", 0, "does not begin"},
        {"{\"a\":" T("F32", "2", "0,8") "}", 9, "belong to no tensor"},
        {"{\"a\":" T("F32", "2", "0,8") "}", 7, "truncated"},
        {"{\"a\":" T("F32", "2", "1,9") "}", 9, "must begin at 0"},
        {"{\"a\":" T("F32", "2", "0,8") ",\"b\":" T("F32", "2", "4,12") "}", 12, "must begin at 8"},
        {"{\"a\":" T("F32", "2", "0,8") ",\"b\":" T("F32", "1", "12,16") "}", 16, "must begin"},
        {"{\"a\":" T("F32", "2", "8,0") "}", 8, "must begin"},
        {"{\"a\":" T("F32", "3", "0,8") "}", 8, "do not make the 8 bytes"},
        {"{\"a\":" T("F32", "4294967296,4294967296", "0,8") "}", 8, "do not make"},
        {"{\"a\":" T("F32", "0,18446744073709551615", "0,0") "}", 0, "huge"},
        {"{\"a\":" T("F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, "more than 8 axes"},
        {"{\"a\":" T("F4", "2", "0,1") "}", 1, "dtype F4"},
        {"{\"a\":" T("F32", "-2", "0,8") "}", 8, "non-negative"},
        {"{\"a\":" T("F32", "2.0", "0,8") "}", 8, "without fraction"},
        {"{\"a\":" T("F32", "2e0", "0,8") "}", 8, "without fraction"},
        {"{\"a\":" T("F32", "02", "0,8") "}", 8, "leading zero"},
        {"{\"a\":" T("F32", "99999999999999999999", "0,8") "}", 8, "too large"},
        {"{\"a\":" T("U8", "1", "0,1") ",\"a\":" T("U8", "1", "1,2") "}", 2, "named 'a'"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "are all needed"},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 1, "repeated header field"},
        {"{\"a\":{\"dtype\":\"U8\",\"extra\":[1]}}", 1, "unknown header field"},
        {"{\"a\":[[[[[[1]]]]]]}", 1, "expected"},
        {"{\"\":" T("U8", "1", "0,1") "}", 1, "empty or overlong"},
        {"{\"a\\u0000\":" T("U8", "1", "0,1") "}", 1, "bad escape"},
        {"{\"\\ud83d\":" T("U8", "1", "0,1") "}", 1, "bad escape"},
        {"{\"a\\q\":" T("U8", "1", "0,1") "}", 1, "bad escape"},
        {"{\"\xff\":" T("U8", "1", "0,1") "}", 1, "UTF-8"},
        {"{\"\xc0\xaf\":" T("U8", "1", "0,1") "}", 1, "UTF-8"},
        {"{\"a\":" T("U8", "1", "0,1") "} x", 1, "after the closing"},
        {"{\"a\":" T("U8", "1", "0,1"), 1, "'}' expected"},
        {"{\"a", 1, "unterminated"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "expected"},
        {"{\"__metadata__\":{\"k\":\"v\",\"k\":\"w\"}}", 0, "repeated key"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "appears twice"},
    };
    prune_context *ctx = test_context(1);
    static bytes file;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        pr_table table;
        pr_buffer *buffer;
        file.size = 0;
        add_number(&file, strlen(cases[k].header), 8);
        add_text(&file, cases[k].header);
        for (size_t i = 0; i < cases[k].data; i++) add_number(&file, i, 1);
        ck_ok(pr_formats_buffer(&buffer, ctx, file.data, NULL, NULL));
        buffer->references = 1000; /* static memory: nobody frees it */
        prune_status status = pr_safetensors_read(&table, ctx, buffer, buffer->data, file.size);
        if (!cases[k].part) {
            ck_assert_msg(status == PRUNE_OK, "%s: %s", cases[k].header, prune_last_error());
            pr_table_free(&table);
        } else {
            ck_assert_msg(status != PRUNE_OK, "accepted: %s", cases[k].header);
            ck_assert_msg(strstr(prune_last_error(), cases[k].part) != NULL, "%s: \"%s\" lacks %s",
                          cases[k].header, prune_last_error(), cases[k].part);
        }
        pr_free(ctx, buffer);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(header_length_lies)
{
    static const uint64_t lengths[] = {0, 1, 100, 100000001, UINT64_MAX, UINT64_MAX - 7};
    prune_context *ctx = test_context(1);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        bytes file = {.size = 0};
        add_number(&file, lengths[k], 8);
        add_text(&file, "{}");
        ck_assert(!pr_safetensors_probe(file.data, file.size));
    }
    prune_context_free(ctx);
}
END_TEST

static float wide(const pr_tensor *stored, int64_t i)
{
    const uint16_t bits = ((const uint16_t *)stored->data)[i];
    return stored->dtype == PR_F16 ? pr_f16_to_f32(bits) : pr_bf16_to_f32(bits);
}

/* Halves as the floats that they stand for, all else as it was. */
static void check_widened(const pr_table *stored, const pr_table *table)
{
    for (size_t k = 0; k < stored->count; k++) {
        const pr_tensor *x = &stored->items[k].tensor;
        const pr_named *item = pr_table_item(table, stored->items[k].name);
        ck_assert_int_eq(item->stored, x->dtype);
        ck_assert_uint_eq((uintptr_t)item->tensor.data % pr_dtype_size(item->tensor.dtype), 0);
        if (x->dtype != PR_F16 && x->dtype != PR_BF16) {
            ck_assert_int_eq(item->tensor.dtype, x->dtype);
            ck_assert_int_eq(memcmp(item->tensor.data, x->data, pr_tensor_bytes(x)), 0);
            continue;
        }
        ck_assert_int_eq(item->tensor.dtype, PR_F32);
        int64_t wrong = 0; /* one check for all of them: checks are slow */
        for (int64_t i = 0; i < pr_tensor_count(x); i++) {
            const float wanted = wide(x, i);
            wrong += memcmp(&pr_f32(&item->tensor)[i], &wanted, sizeof wanted) != 0;
        }
        ck_assert_int_eq(wrong, 0);
    }
}

/* A file's content is widened where it was decompressed, whatever its tensors' sizes are. */
START_TEST(halves_widen_where_they_lie)
{
    static const int64_t counts[] = {1, 3, 2047, 2048, 2049, 70001, 2500000};
    prune_context *ctx = test_context(2);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        pr_table table, back;
        pr_table_init(&table, ctx);
        add_filled(&table, "half", PR_F16, pr_shape1(counts[k]));
        add_filled(&table, "brain", PR_BF16, pr_shape1(k < 5 ? 4097 : 11));
        if (k % 2) add_filled(&table, "float", PR_F32, pr_shape1(100000));
        if (k % 3) add_filled(&table, "integers", PR_I8, pr_shape1(333333));
        ck_ok(pr_safetensors_pack(&table, test_path(0, "t.zst"), 1));
        ck_ok(pr_container_read(&back, ctx, test_path(0, "t.zst"), UINT64_MAX));
        check_same(&table, &back);
        ck_ok(pr_table_widen(&back));
        check_widened(&table, &back);
        ck_ok(pr_table_widen(&back)); /* nothing is left to do */
        check_widened(&table, &back);
        pr_table_free(&back);
        pr_table_free(&table);
    }
    prune_context_free(ctx);
}
END_TEST

/* Tensors in any order with gaps between them; without room they stay what they are. */
START_TEST(widening_needs_room)
{
    enum { COUNT = 3001, BEFORE = 64 };
    static const pr_dtype dtypes[3] = {PR_I8, PR_F16, PR_BF16};
    prune_context *ctx = test_context(2);
    for (int spare = -1; spare <= 1; spare++) {
        pr_table stored, table;
        pr_buffer *buffer;
        /* integers and three bytes to the next float, then the floats end where the halves end */
        const int64_t room = BEFORE + 4 * COUNT + spare * 4;
        uint8_t *memory = pr_alloc(ctx, (size_t)room + 8 * COUNT), *at = memory + room;
        pr_table_init(&stored, ctx);
        pr_table_init(&table, ctx);
        ck_ok(pr_formats_buffer(&buffer, ctx, memory, NULL, NULL));
        for (int i = 0; i < 3; i++) {
            const char name[2] = {(char)('c' - i), 0};
            const pr_shape shape = pr_shape1(COUNT);
            pr_tensor view;
            add_filled(&stored, name, dtypes[i], shape);
            const size_t size = pr_tensor_bytes(&stored.items[i].tensor);
            memcpy(at, stored.items[i].tensor.data, size);
            ck_ok(pr_formats_view(&view, ctx, buffer, at, dtypes[i], &shape));
            ck_ok(pr_table_add(&table, name, view));
            at += (size + 3) / 4 * 4;
        }
        pr_formats_drop(buffer);
        ck_ok(pr_table_sort(&table));
        ck_ok(pr_table_widen(&table));
        if (spare < 0) {
            check_same(&stored, &table);
        } else {
            check_widened(&stored, &table);
        }
        pr_table_free(&stored);
        pr_table_free(&table);
    }
    prune_context_free(ctx);
}
END_TEST

/* Memory of a mapping is not to be written. */
START_TEST(mapped_halves_stay)
{
    prune_context *ctx = test_context(1);
    pr_table table, back;
    pr_table_init(&table, ctx);
    add_filled(&table, "half", PR_F16, pr_shape1(1000));
    ck_ok(pr_safetensors_write(&table, test_path(0, "mapped.safetensors")));
    ck_ok(pr_container_read(&back, ctx, test_path(0, "mapped.safetensors"), 0));
    ck_ok(pr_table_widen(&back));
    check_same(&table, &back);
    pr_table_free(&back);
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("formats/safetensors", halves_widen_where_they_lie, widening_needs_room,
          mapped_halves_stay, round_trips, tensors_keep_the_mapping, names_are_unique, every_rule,
          header_length_lies)
