// SPDX-License-Identifier: Apache-2.0
// The loop of a set's peak. Included with STEP(sum), the text of the instruction that adds to
// vector register `sum` out of v16 and v17, and the name and BYTE_PRODUCTS of one. What the
// registers hold does not matter. A sum waits up to four cycles for itself, and up to four may
// start in each.
#include "kernels/peak.h"

enum { CHAINS = 16, PLANES = 2 };

#define ASSAY_STEPS(a, b, c, d) STEP(a) STEP(b) STEP(c) STEP(d)

uint64_t ASSAY_OP(peak)(uint64_t rounds) {
    for (uint64_t round = 0; round < rounds; round++)
        __asm__ volatile(ASSAY_STEPS(0, 1, 2, 3) ASSAY_STEPS(4, 5, 6, 7) ASSAY_STEPS(8, 9, 10, 11)
                             ASSAY_STEPS(12, 13, 14, 15)
                         :
                         :
                         : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
                           "v12", "v13", "v14", "v15");
    return rounds * CHAINS * BYTE_PRODUCTS / PLANES;
}
