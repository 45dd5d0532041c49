// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak.h"

enum { CHAINS = 16, LANES = 32 };

// What the registers hold does not matter. A sum waits five cycles for itself, and two may start in
// each.
#define STEP(sum)         "vpdpwssd %%zmm16, %%zmm17, %%zmm" #sum "\n\t"
#define STEPS(a, b, c, d) STEP(a) STEP(b) STEP(c) STEP(d)

uint64_t assay_peak_avx512(uint64_t rounds) {
    for (uint64_t round = 0; round < rounds; round++)
        __asm__ volatile(STEPS(0, 1, 2, 3) STEPS(4, 5, 6, 7) STEPS(8, 9, 10, 11)
                             STEPS(12, 13, 14, 15)
                         :
                         :
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    __asm__ volatile("vzeroupper");
    return rounds * CHAINS * LANES;
}
