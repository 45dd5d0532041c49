// SPDX-License-Identifier: Apache-2.0
// The sets avx512 and amx, built from their very sources with SIMDe in the instructions' place:
// slow, and exact wherever an x86-64 machine has AVX2.
#ifndef ASSAY_TESTS_KERNELS_SIMDE_EMULATED_H
#define ASSAY_TESTS_KERNELS_SIMDE_EMULATED_H

#include "kernels/table.h"

// Best first, as assay_kernels_list. Returns: their number. Lives: for ever.
__attribute__((visibility("default"))) size_t
emulated_kernels_list(const assay_kernels *const **sets);

#endif
