// SPDX-License-Identifier: Apache-2.0
#include "kernels/add.h"

void assay_add_ref(float *y, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] += x[i];
}

void assay_add_scaled_ref(float *y, const float *x, float scale, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] += x[i] * scale;
}

void assay_unfold_q8_ref(float *y, const int8_t *q, float scale, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = (float)q[i] * scale;
}
