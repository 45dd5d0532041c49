// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/dot_avx512.h"

#include "kernels/x86/few.h"
