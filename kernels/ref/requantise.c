// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantise.h"
#include "kernels/ref/scalar.h"
#include "kernels/types.h"

bool assay_requantise_q4_ref(uint8_t *codes, uint8_t *ratios, float *scale, const float *absmax,
                             uint32_t k) {
    float max;
    bool fine = range_of(&max, absmax, k / ASSAY_Q4_BLOCK);
    *scale = max / 127.0f;
    for (uint32_t b = 0; b < k / ASSAY_Q4_BLOCK; b++) {
        ratios[b] = (uint8_t)ratio_of(absmax[b], max);
        if (ratios[b] == 0)
            memset(codes + (size_t)b * (ASSAY_Q4_BLOCK / 2), 0x77, ASSAY_Q4_BLOCK / 2);
    }
    return fine;
}
