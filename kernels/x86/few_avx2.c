// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/dot_avx2.h"

#define FEW_STEP(m) ((m) == 1 ? 4 : 2)
#include "kernels/x86/few.h"
