// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/avx2.h"

static bool available(void) {
    return __builtin_cpu_supports("avx2"); // asks the system for the registers, too
}

const assay_kernels assay_kernels_avx2 = {.name = "avx2",
                                          .needs = "a processor with AVX2",
                                          .available = available,
                                          .packed_size = assay_packed_size_avx2,
                                          .pack = assay_pack_avx2,
#define X(member) .member = assay_##member##_avx2,
                                          ASSAY_KERNEL_LIST(X)
#undef X
};
