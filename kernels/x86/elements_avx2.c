// SPDX-License-Identifier: Apache-2.0
// The element kernels, vectorised by the compiler for AVX2: nothing in them is summed but integers.
#define ASSAY_SET avx2
#include "kernels/x86/avx2.h"

#include "kernels/ref/add.c"
#include "kernels/ref/exp.c"
#include "kernels/ref/norm.c"
#include "kernels/ref/quantise.c"
#include "kernels/ref/rope.c"
