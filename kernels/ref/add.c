// SPDX-License-Identifier: Apache-2.0
#include "kernels/add.h"

#include "kernels/nf4.h"
#include "kernels/ref/scalar.h"

void ASSAY_OP(add)(float *y, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] += x[i];
}

void ASSAY_OP(add_scaled)(float *y, const float *x, float scale, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] += x[i] * scale;
}

void ASSAY_OP(unfold_q8)(float *y, const int8_t *q, float scale, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = (float)q[i] * scale;
}

void ASSAY_OP(unfold_q4)(float *y, const uint8_t *codes, const uint8_t *ratios, float scale,
                         uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t code = codes[i / 2] >> (i % 2 ? 4 : 0) & 15;
        y[i] = (float)assay_nf4_table[ratios[i / 64]][code] * scale;
    }
}
