// SPDX-License-Identifier: Apache-2.0
#include "kernels/exp.h"

#include "kernels/ref/scalar.h"

void assay_exp_ref(float *y, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = exp_f32(x[i]);
}

void assay_silu_mul_ref(float *y, const float *g, const float *u, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        y[i] = g[i] / (1.0f + exp_f32(-g[i])) * u[i];
}
