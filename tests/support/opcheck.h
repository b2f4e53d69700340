/* Checks of one operator: shape rule, forward against a plain double-precision restatement,
 * gradients against central differences. */
#ifndef TESTS_OPCHECK_H
#define TESTS_OPCHECK_H

#include "libprune/ops/ops.h"
#include "tests/support/support.h"

typedef struct op_case {
    pr_op_kind op;
    pr_attrs attrs;
    int32_t n_inputs;
    pr_shape in[PR_MAX_INPUTS];
    pr_shape param[PR_MAX_PARAMS]; /* rank 0: not bound */
    float keep_off;                /* inputs with |x| below this are moved away from 0 (kinks) */
    double tolerance;              /* of gradients, relative to the largest one of the tensor */
} op_case;

typedef struct op_fixture {
    prune_context *ctx;
    prune_model *model;
    int32_t node;
    pr_shape out_shape;
    pr_tensor in[PR_MAX_INPUTS], out, saved;
    pr_op_call call;
} op_fixture;

/* Builds inputs, parameters (seeded) and output, and runs forward. */
void op_open(op_fixture *fixture, const op_case *c, int32_t threads);
void op_close(op_fixture *fixture);
/* Forward again with the current inputs. */
void op_forward(op_fixture *fixture);

/* Largest |out - wanted| must stay within tolerance. */
void op_expect(const op_fixture *fixture, const double *wanted, double tolerance);

/* Gradient of sum(weights * out) against central differences, for every input that is read and
 * every parameter; with 1 and 3 threads. */
void op_check_gradients(const op_case *c);

#endif
