// SPDX-License-Identifier: Apache-2.0
// Weights of either kind, for products that go one way with both. Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_WEIGHTS_H
#define ASSAY_KERNELS_X86_WEIGHTS_H

#include "kernels/types.h"

typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t k;
} weights;

#endif
