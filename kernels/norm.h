// SPDX-License-Identifier: Apache-2.0
// Root-mean-square norm with an exact sum.
#ifndef ASSAY_KERNELS_NORM_H
#define ASSAY_KERNELS_NORM_H

#include <stdbool.h>
#include <stdint.h>

// y[d] = (x * r) * w with r = 1/sqrt(m + eps), m = (f32(sum q^2) * (s*s)) / f32(d), where (q, s) is
// x as x16. y may be x. d < 2^24.
// Returns: false on a fault of the range rule (N-3); y is then all zeros. Spec: N-12.
typedef bool assay_rmsnorm_fn(float *y, const float *x, const float *w, uint32_t d, float eps);
assay_rmsnorm_fn assay_rmsnorm_ref;

#endif
