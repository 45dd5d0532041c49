// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding, halves convention.
#ifndef ASSAY_KERNELS_ROPE_H
#define ASSAY_KERNELS_ROPE_H

#include <stdint.h>

// Rotates head_count heads of x [head_count][2 * half] in place by one position's table rows
// cos[half], sin[half]: lo' = lo*c - hi*s, hi' = hi*c + lo*s. Spec: N-10.
typedef void assay_rope_fn(float *x, const float *cos, const float *sin, uint32_t head_count,
                           uint32_t half);
assay_rope_fn assay_rope_ref;

#endif
