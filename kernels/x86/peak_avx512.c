// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/peak.h"

enum { CHAINS = 16, LANES = 32 };

uint64_t assay_peak_avx512(uint64_t rounds) {
    __m512i a = _mm512_set1_epi16(3), b = _mm512_set1_epi16(5), sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm512_setzero_si512();
    for (uint64_t round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            __asm__ volatile("vpdpwssd %2, %1, %0" : "+v"(sums[i]) : "v"(a), "v"(b));
    return rounds * CHAINS * LANES;
}
