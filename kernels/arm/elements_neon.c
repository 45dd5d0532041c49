// SPDX-License-Identifier: Apache-2.0
// The element kernels, vectorised by the compiler for NEON: nothing in them is summed but integers.
#define ASSAY_SET neon
#include "kernels/arm/neon.h"

#include "kernels/ref/add.c"
#include "kernels/ref/exp.c"
#include "kernels/ref/norm.c"
#include "kernels/ref/quantise.c"
#include "kernels/ref/rope.c"
