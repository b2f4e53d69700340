/* Sixteen integers of 16 bits: one register in every tier's lanes.h. */
#ifndef PR_KERNELS_AVX2_WORDS_H
#define PR_KERNELS_AVX2_WORDS_H

#include "libprune/kernels/intrinsics.h"

#include <stdint.h>

typedef __m256i words;

/* Half of each from 0 to 65535, rounded to the nearest, at most 32767. */
static inline words halved(words w)
{
    return _mm256_srli_epi16(_mm256_adds_epu16(w, _mm256_set1_epi16(1)), 1);
}

static inline void store_words(int16_t *to, words w)
{
    _mm256_storeu_si256((__m256i *)(void *)to, w);
}

/* Sums of pairs, of 32 bits. */
typedef struct word_sums {
    __m256i v;
} word_sums;

static inline word_sums no_words(void)
{
    return (word_sums){_mm256_setzero_si256()};
}

static inline word_sums plus_words(word_sums sum, words w)
{
    return (word_sums){_mm256_add_epi32(sum.v, _mm256_madd_epi16(w, _mm256_set1_epi16(1)))};
}

static inline int32_t sum_of_words(word_sums sum)
{
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum.v), _mm256_extracti128_si256(sum.v, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

#endif
