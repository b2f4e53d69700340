#include "libprune/kernels/avx512/avx512.h"
#include "libprune/kernels/avx512/itile.h"

/* With these tiles: */
#include "libprune/kernels/avx2/winograd.h"

size_t pr_avx512_i8_winograd_bytes(const pr_conv *conv)
{
    return winograd_bytes(conv);
}

void pr_avx512_i8_winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                           void *memory)
{
    winograd(conv, e, begin, end, memory);
}
