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

// Elements of a packed row for 8-bit weights: whole vectors of 16.
static inline size_t assay_row_padded_avx2(uint32_t k) {
    return ((size_t)k + 15) / 16 * 16;
}

#endif
