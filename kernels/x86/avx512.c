// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/avx512.h"

// These ask the system for the registers, too.
bool assay_available_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

const assay_kernels assay_kernels_avx512 = {.name = "avx512",
                                            .needs = "a processor with AVX-512 F, BW, DQ, VL, VNNI",
                                            .available = assay_available_avx512,
                                            .packed_size = assay_packed_size_avx512,
                                            .pack = assay_pack_avx512,
#define X(member) .member = assay_##member##_avx512,
                                            ASSAY_KERNEL_LIST(X)
#undef X
};
