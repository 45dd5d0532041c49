// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/peak.h"

enum { CHAINS = 8, LANES = 16 };

// The factors never change: without `asm` the compiler would multiply once and only add.
static __m256i multiply(__m256i a, __m256i b) {
    __m256i out;
    __asm__ volatile("vpmaddwd %2, %1, %0" : "=x"(out) : "x"(a), "x"(b));
    return out;
}

uint64_t assay_peak_avx2(uint64_t rounds) {
    __m256i a = _mm256_set1_epi16(3), b = _mm256_set1_epi16(5), sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm256_setzero_si256();
    for (uint64_t round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm256_add_epi32(sums[i], multiply(a, b));
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "x"(sums[i]));
    return rounds * CHAINS * LANES;
}
