#include "tests/support/opcheck.h"

START_TEST(its_shape_must_be_given)
{
    pr_node node = {.op = PR_OP_INPUT, .name = (char[]){"image"}};
    pr_shape out;
    ck_fails(pr_op_input.infer(NULL, &node, NULL, &out), PRUNE_E_SHAPE, "image");
}
END_TEST

TEST_MAIN("ops.input", its_shape_must_be_given)
