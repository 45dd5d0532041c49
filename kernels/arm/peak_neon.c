// SPDX-License-Identifier: Apache-2.0
#define ASSAY_OP(name) assay_##name##_neon
#define STEP(sum)      "sdot v" #sum ".4s, v16.16b, v17.16b\n\t"

enum { BYTE_PRODUCTS = 16 };

#include "kernels/arm/peak.h"
