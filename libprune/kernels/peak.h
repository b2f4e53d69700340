/* The limits of every tier's instructions (peak_... of kernels.h), and their initializers: of the
 * instructions that the tier's panels use. */
#ifndef PR_KERNELS_PEAK_H
#define PR_KERNELS_PEAK_H

#include "libprune/kernels/kernels.h"

uint64_t pr_portable_peak_f32(int64_t rounds);
void pr_portable_peak_read(const void *from, size_t bytes);
uint64_t pr_avx2_peak_f32(int64_t rounds);
uint64_t pr_avx2_peak_i8(int64_t rounds);
void pr_avx2_peak_read(const void *from, size_t bytes);
uint64_t pr_avxvnni_peak_i8(int64_t rounds);
uint64_t pr_avx512_peak_f32(int64_t rounds);
uint64_t pr_avx512_peak_i8(int64_t rounds);
void pr_avx512_peak_read(const void *from, size_t bytes);
uint64_t pr_avx512vnni_peak_i8(int64_t rounds);
uint64_t pr_amx_peak_i8(int64_t rounds);
uint64_t pr_amx_peak_bf16(int64_t rounds);

/* Emulated instructions have no limit worth measuring. */
#if defined(PR_EMULATED)
#define PR_AVX2_PEAKS .peak_f32 = NULL
#define PR_AVXVNNI_PEAKS PR_AVX2_PEAKS
#define PR_AVX512_PEAKS PR_AVX2_PEAKS
#define PR_AVX512VNNI_PEAKS PR_AVX2_PEAKS
#define PR_AMX_PEAKS PR_AVX2_PEAKS
#else
#define PR_PORTABLE_PEAKS .peak_f32 = pr_portable_peak_f32, .peak_read = pr_portable_peak_read
#define PR_AVX2_PEAKS                                                                              \
    .peak_f32 = pr_avx2_peak_f32, .peak_i8 = pr_avx2_peak_i8, .peak_read = pr_avx2_peak_read
#define PR_AVXVNNI_PEAKS                                                                           \
    .peak_f32 = pr_avx2_peak_f32, .peak_i8 = pr_avxvnni_peak_i8, .peak_read = pr_avx2_peak_read
#define PR_AVX512_PEAKS                                                                            \
    .peak_f32 = pr_avx512_peak_f32, .peak_i8 = pr_avx512_peak_i8, .peak_read = pr_avx512_peak_read
#define PR_AVX512VNNI_PEAKS                                                                        \
    .peak_f32 = pr_avx512_peak_f32, .peak_i8 = pr_avx512vnni_peak_i8,                              \
    .peak_read = pr_avx512_peak_read
#define PR_AMX_PEAKS                                                                               \
    .peak_f32 = pr_avx512_peak_f32, .peak_i8 = pr_amx_peak_i8, .peak_bf16 = pr_amx_peak_bf16,      \
    .peak_read = pr_avx512_peak_read
#endif

#endif
