// SPDX-License-Identifier: Apache-2.0
// The exponential that every node agrees on, and the gate of the feed-forward block.
#ifndef ASSAY_KERNELS_EXP_H
#define ASSAY_KERNELS_EXP_H

#include <stdint.h>

// y[i] = exp(x[i]) for i < n by the polynomial of the rule, 0 below -87 and for NaN, exp(88) above
// 88. y may be x. Spec: N-11.
typedef void assay_exp_fn(float *y, const float *x, uint32_t n);
assay_exp_fn assay_exp_ref;

// y[i] = (g[i] / (1 + exp(-g[i]))) * u[i] for i < n. y may be g or u. Spec: N-11.
typedef void assay_silu_mul_fn(float *y, const float *g, const float *u, uint32_t n);
assay_silu_mul_fn assay_silu_mul_ref;

// rint(e * 2^24) for 0 <= e <= 2, an exponential as an integer: below 2^23 adding 2^23 rounds,
// above every f32 is an integer. Spec: N-13, N-14.
static inline uint32_t assay_unit24(float e) {
    float x = e * 0x1p24f;
    return (uint32_t)(x < 0x1p23f ? (x + 0x1p23f) - 0x1p23f : x);
}

#endif
