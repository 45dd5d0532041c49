// SPDX-License-Identifier: Apache-2.0
// The operations of the set "avx2". Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_AVX2_H
#define ASSAY_KERNELS_X86_AVX2_H

#include "kernels/table.h"

assay_packed_size_fn assay_packed_size_avx2;
assay_pack_fn assay_pack_avx2;
#define X(member) assay_##member##_fn assay_##member##_avx2;
ASSAY_KERNEL_LIST(X)
#undef X

#endif
