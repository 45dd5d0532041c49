// SPDX-License-Identifier: Apache-2.0
#include "kernels/arm/i8mm.h"

#include <sys/auxv.h>

static bool available(void) {
    return assay_available_neon() && getauxval(AT_HWCAP2) & HWCAP2_I8MM;
}

const assay_kernels assay_kernels_i8mm = {
    .name = "i8mm",
    .needs = "a processor with NEON's dot products and int8 matrix products",
    .available = available,
    .packed_size = assay_packed_size_neon,
    .pack = assay_pack_neon,
#define X(member) .member = assay_##member##_neon,
    ASSAY_KERNEL_ELEMENT_LIST(X)
#undef X
        .gemm_q4 = assay_gemm_q4_i8mm,
    .gemm_q8 = assay_gemm_q8_i8mm,
    .attention = assay_attention_neon,
};
