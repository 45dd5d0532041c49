// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/amx.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// Tiles are 8 KB that a thread may not use before its process has asked for them; the system keeps
// the permission, so asking again costs one call and changes nothing.
static bool tiles_permitted(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static bool available(void) {
    enum { AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25, BOTH = AMX_TILE | AMX_INT8 };
    unsigned a, b, c, d;
    return assay_available_avx512() && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (d & BOTH) == BOTH && tiles_permitted();
}

const assay_kernels assay_kernels_amx = {
    .name = "amx",
    .needs = "a processor with AMX-INT8 and AVX-512 F, BW, DQ, VL, VNNI, and leave to use tiles",
    .available = available,
    .packed_size = assay_packed_size_amx,
    .pack = assay_pack_amx,
#define X(member) .member = assay_##member##_avx512,
    ASSAY_KERNEL_ELEMENT_LIST(X)
#undef X
        .gemm_q4 = assay_gemm_q4_amx,
    .gemm_q8 = assay_gemm_q8_amx,
    .attention = assay_attention_avx512,
};
