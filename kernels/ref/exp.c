// SPDX-License-Identifier: Apache-2.0
#include "kernels/exp.h"

#include "kernels/ref/scalar.h"

void ASSAY_OP(exp)(float *y, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = exp_f32(x[i]);
}

void ASSAY_OP(silu_mul)(float *y, const float *g, const float *u, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = g[i] / (1.0f + exp_f32(-g[i])) * u[i];
}
