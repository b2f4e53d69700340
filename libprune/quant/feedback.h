/* The algebra of rounding.h, on plain matrices. */
#ifndef PR_QUANT_FEEDBACK_H
#define PR_QUANT_FEEDBACK_H

#include "libprune/base/context.h"

/* Factors the symmetric positive definite h [n, n] in place: h = (U + I) D (U + I)^T. Afterwards
 * row p holds U[0..p-1, p] and then D_p; what stands right of it is left over. */
void pr_feedback_factor(prune_context *ctx, double *h, int64_t n);

/* Solves h x = r for m columns with the factor; r [n, m] becomes x. */
void pr_feedback_solve(prune_context *ctx, const double *factor, int64_t n, double *r, int64_t m);

/* Rounds w [n, m] (a column per output; the last row is the bias and stays real) to multiples of
 * step[m], at most 127 of them: w becomes the rounded values. In every column the entry that was
 * largest becomes 127 steps exactly if it was that large, so that the step can be found again. */
prune_status pr_feedback_round(prune_context *ctx, const double *factor, int64_t n, double *w,
                               int64_t m, const double *step);

#endif
