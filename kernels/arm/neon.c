// SPDX-License-Identifier: Apache-2.0
#include "kernels/arm/neon.h"

#include <sys/auxv.h>

bool assay_available_neon(void) {
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
}

const assay_kernels assay_kernels_neon = {.name = "neon",
                                          .needs = "a processor with NEON's dot products",
                                          .available = assay_available_neon,
                                          .packed_size = assay_packed_size_neon,
                                          .pack = assay_pack_neon,
#define X(member) .member = assay_##member##_neon,
                                          ASSAY_KERNEL_LIST(X)
#undef X
};
