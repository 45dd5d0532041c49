// SPDX-License-Identifier: Apache-2.0
#include "kernels/rope.h"

#include "kernels/ref/scalar.h"

void ASSAY_OP(rope)(float *x, const float *cos, const float *sin, uint32_t head_count,
                    uint32_t half) {
    for (uint32_t h = 0; h < head_count; h++) {
        float *low = x + 2 * half * h;
        float *high = low + half;
        for (uint32_t i = 0; i < half; i++) {
            float a = low[i], b = high[i];
            low[i] = a * cos[i] - b * sin[i];
            high[i] = b * cos[i] + a * sin[i];
        }
    }
}
