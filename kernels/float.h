// SPDX-License-Identifier: Apache-2.0
// The floating-point environment of this thread: nearest-even, subnormals kept, no traps.
#ifndef ASSAY_KERNELS_FLOAT_H
#define ASSAY_KERNELS_FLOAT_H

#include <stdint.h>

// Any shared library built with -ffast-math may have left flush-to-zero on, so whoever calls
// kernels enters first: on x86-64 MXCSR becomes 0x1F80, on AArch64 FPCR becomes 0.
// Returns: the former setting, for assay_float_leave. Cost: a few ns. Spec: N-2.
uint64_t assay_float_enter(void);
void assay_float_leave(uint64_t former);

#endif
