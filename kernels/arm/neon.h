// SPDX-License-Identifier: Apache-2.0
// The operations of the set "neon". Internal to kernels/arm.
#ifndef ASSAY_KERNELS_ARM_NEON_H
#define ASSAY_KERNELS_ARM_NEON_H

#include "kernels/table.h"

bool assay_available_neon(void);
assay_packed_size_fn assay_packed_size_neon;
assay_pack_fn assay_pack_neon;
#define X(member) assay_##member##_fn assay_##member##_neon;
ASSAY_KERNEL_LIST(X)
#undef X

#endif
