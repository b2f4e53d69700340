/* BF16 for what does not compute in INT8. */
#ifndef PR_QUANT_FLOATS_H
#define PR_QUANT_FLOATS_H

#include "libprune/quant/judge.h"

#include <prune/quant.h>

/* Options floats and precision as the tables list them. */
typedef enum pr_quant_float_choice {
    PR_QUANT_FLOATS_AUTO = 0, /* BF16 where the judge does not object */
    PR_QUANT_FLOATS_F32 = 1,
    PR_QUANT_FLOATS_BF16 = 2
} pr_quant_float_choice;
enum { PR_QUANT_INT8 = 0, PR_QUANT_BF16 = 1 };

/* Decides for attention and for the layers that are not INT8, but for those that the user keeps in
 * FP32. judge NULL: nobody is asked, auto is BF16, whose rounding is far below that of INT8. *drop:
 * what the judge found before, and finds now. */
prune_status pr_quant_choose_floats(prune_model *model, const prune_quant_options *options,
                                    pr_quant_judge *judge, double *drop);

/* The whole model in BF16: integers become floats again, no picture is looked at. */
prune_status pr_quant_to_bf16(prune_model *model, const prune_quant_options *options);

#endif
