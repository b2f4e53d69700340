/* The table of protocols as help texts and reports see it. */
#include "tests/eval/golden.h"

START_TEST(rows_are_complete)
{
    static const char *const wanted[] = {"kitti-devkit", "eigen", "eigen-benchmark", "affine"};
    for (int i = 0; i < 4; i++) {
        int32_t index;
        ck_ok(prune_protocol_find(&index, wanted[i]));
        prune_protocol_info info = {.struct_size = sizeof info};
        ck_ok(prune_protocol_describe(index, &info));
        ck_assert_str_eq(info.name, wanted[i]);
        ck_assert(info.help && info.mask && info.crop && info.cap);
        ck_assert_int_eq(info.metrics, 9);
        for (int32_t m = 0; m < info.metrics; m++)
            ck_assert_ptr_nonnull(prune_protocol_metric_name(index, m));
        ck_assert_ptr_null(prune_protocol_metric_name(index, info.metrics));
    }
    prune_protocol_info info = {.struct_size = sizeof info};
    int32_t index;
    ck_fails(prune_protocol_describe(prune_protocols(), &info), PRUNE_E_ARGUMENT, "no protocol");
    ck_fails(prune_protocol_find(&index, "eigen2"), PRUNE_E_ARGUMENT, "eigen-benchmark");
}
END_TEST

TEST_MAIN("eval.table", rows_are_complete)
