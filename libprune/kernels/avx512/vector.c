/* Everything of this tier that is not a matrix product. */
#include "libprune/kernels/avx512/avx512.h"
#include "libprune/kernels/avx512/lanes.h"

#define PR_ROW(name) pr_avx512_##name
#include "libprune/kernels/rows.h"
