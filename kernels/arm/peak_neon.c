// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak.h"

enum { CHAINS = 16, BYTE_PRODUCTS = 16, PLANES = 2 };

// What the registers hold does not matter. A sum waits up to four cycles for itself, and up to four
// may start in each.
#define STEP(sum)         "sdot v" #sum ".4s, v16.16b, v17.16b\n\t"
#define STEPS(a, b, c, d) STEP(a) STEP(b) STEP(c) STEP(d)

uint64_t assay_peak_neon(uint64_t rounds) {
    for (uint64_t round = 0; round < rounds; round++)
        __asm__ volatile(STEPS(0, 1, 2, 3) STEPS(4, 5, 6, 7) STEPS(8, 9, 10, 11)
                             STEPS(12, 13, 14, 15)
                         :
                         :
                         : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
                           "v12", "v13", "v14", "v15");
    return rounds * CHAINS * BYTE_PRODUCTS / PLANES;
}
