// SPDX-License-Identifier: Apache-2.0
#define ASSAY_OP(name) assay_##name##_i8mm
#define STEP(sum)      "smmla v" #sum ".4s, v16.16b, v17.16b\n\t"

enum { BYTE_PRODUCTS = 32 };

#include "kernels/arm/peak.h"
