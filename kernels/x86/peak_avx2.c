// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak.h"

enum { CHAINS = 8, LANES = 16 };

// What the registers hold does not matter, so nothing is loaded or kept; a compiler would multiply
// constants once, and spill the sums.
#define STEP(sum)                                                                                  \
    "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #sum ", %%ymm" #sum "\n\t"

uint64_t assay_peak_avx2(uint64_t rounds) {
    for (uint64_t round = 0; round < rounds; round++)
        __asm__ volatile(STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
                         :
                         :
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm13");
    __asm__ volatile("vzeroupper");
    return rounds * CHAINS * LANES;
}
