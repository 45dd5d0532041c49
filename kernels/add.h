// SPDX-License-Identifier: Apache-2.0
// Element-wise sums and the look-up that starts a forward pass.
#ifndef ASSAY_KERNELS_ADD_H
#define ASSAY_KERNELS_ADD_H

#include <stdint.h>

// y[i] = y[i] + x[i] for i < n: the residual. Spec: N-15.
typedef void assay_add_fn(float *y, const float *x, uint32_t n);
assay_add_fn assay_add_ref;

// y[i] = y[i] + x[i] * scale for i < n, product and sum each rounded: the low-rank part of a
// linear. Spec: N-9.
typedef void assay_add_scaled_fn(float *y, const float *x, float scale, uint32_t n);
assay_add_scaled_fn assay_add_scaled_ref;

// y[i] = f32(q[i]) * scale for i < n: one row of the embedding. Spec: N-15.
typedef void assay_unfold_q8_fn(float *y, const int8_t *q, float scale, uint32_t n);
assay_unfold_q8_fn assay_unfold_q8_ref;

// y[i] = f32(T[ratios[i / 64]][code i]) * scale for i < n, a multiple of 64: the same of a q4
// embedding. codes[n / 2], element 2j in the low nibble. Spec: N-23.
typedef void assay_unfold_q4_fn(float *y, const uint8_t *codes, const uint8_t *ratios, float scale,
                                uint32_t n);
assay_unfold_q4_fn assay_unfold_q4_ref;

#endif
