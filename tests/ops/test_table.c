#include "tests/support/opcheck.h"

START_TEST(every_operator_has_a_row)
{
    for (int op = 0; op < PR_OP_COUNT; op++) {
        const pr_op_info *row = pr_op_get((pr_op_kind)op);
        ck_assert_msg(row != NULL && row->infer != NULL, "%s", pr_op_name((pr_op_kind)op));
        ck_assert_int_eq(pr_op_find(pr_op_name((pr_op_kind)op)), op);
        if (op == PR_OP_INPUT) continue;
        ck_assert(row->forward != NULL && row->backward != NULL);
        ck_assert_int_ge(row->max_inputs, row->min_inputs);
        /* Parameters mean surgery when channels go. */
        if (pr_op_slot((pr_op_kind)op, 0)) ck_assert(row->cut != NULL);
    }
    ck_assert_int_eq(pr_op_find("no such operator"), PR_OP_COUNT);
    ck_assert_ptr_null(pr_op_get(PR_OP_COUNT));
}
END_TEST

START_TEST(errors_name_the_node)
{
    pr_node node = {.op = PR_OP_CONV, .name = (char[]){"decoder.3"}};
    ck_fails(pr_op_shape_error(&node, "it is %d wide", 7), PRUNE_E_SHAPE,
             "node 'decoder.3' (conv): it is 7 wide");
}
END_TEST

TEST_MAIN("ops.table", every_operator_has_a_row, errors_name_the_node)
