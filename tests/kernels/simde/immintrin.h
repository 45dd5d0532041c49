// SPDX-License-Identifier: Apache-2.0
// Stands before the compiler's <immintrin.h>: AVX-512 as SIMDe defines it in portable C, so that
// the sets avx512 and amx run on machines without. A function that neither SIMDe nor lanes.h
// defines stays the compiler's, whose use is an error where AVX-512 is not switched on.
#ifndef ASSAY_TESTS_KERNELS_SIMDE_IMMINTRIN_H
#define ASSAY_TESTS_KERNELS_SIMDE_IMMINTRIN_H

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include "tests/kernels/simde/lanes.h"
#include "tests/kernels/simde/tiles.h"
#endif
