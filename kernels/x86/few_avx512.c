// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/dot_avx512.h"

#define FEW_STEP(m) 4
#include "kernels/x86/few.h"
