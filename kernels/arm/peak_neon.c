// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "kernels/peak.h"

enum { CHAINS = 16, PRODUCTS = 16 / 2 };

uint64_t assay_peak_neon(uint64_t rounds) {
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
    int32x4_t sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = vdupq_n_s32(0);
    for (uint64_t round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(sums[i]) : "w"(a), "w"(b));
    return rounds * CHAINS * PRODUCTS;
}
