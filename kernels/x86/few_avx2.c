// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/dot_avx2.h"

#include "kernels/x86/few.h"
