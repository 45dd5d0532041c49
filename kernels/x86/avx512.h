// SPDX-License-Identifier: Apache-2.0
// The operations of the set "avx512"; the set "amx" takes what it does not do better itself.
// Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_AVX512_H
#define ASSAY_KERNELS_X86_AVX512_H

#include "kernels/table.h"

assay_packed_size_fn assay_packed_size_avx512;
assay_pack_fn assay_pack_avx512;
#define X(member) assay_##member##_fn assay_##member##_avx512;
ASSAY_KERNEL_LIST(X)
#undef X

// Whether this machine and system have what the set needs.
bool assay_available_avx512(void);

#endif
