// SPDX-License-Identifier: Apache-2.0
// The sixteen NF4 levels of QLoRA and the table T that folds a block's ratio into them.
#ifndef ASSAY_KERNELS_NF4_H
#define ASSAY_KERNELS_NF4_H

#include <stdint.h>

// Ascending; levels[7] is 0. Source: bitsandbytes, the f32 of create_normal_map. Spec: N-4.
extern const float assay_nf4_levels[16];

// T[ratio][code] = round-half-away-from-zero(rint(level * 127 * 16) * ratio / 4080): the weight
// that enters the product is this one int8 and the row's scale. Spec: N-4.
extern const int8_t assay_nf4_table[256][16]; // aligned to 64

#endif
