// SPDX-License-Identifier: Apache-2.0
// The operations once more, word by word from spec/numerics.md: libm's rounding and square root,
// 64-bit sums, no blocks, no tables, no bit tricks. Slow on purpose.
#ifndef ASSAY_TESTS_CHECKKERNELS_NAIVE_H
#define ASSAY_TESTS_CHECKKERNELS_NAIVE_H

#include "kernels/table.h"

extern const assay_kernels naive_kernels;

#endif
