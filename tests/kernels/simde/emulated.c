// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/simde/emulated.h"

#include "kernels/x86/avx512.h"

static bool available(void) {
    return __builtin_cpu_supports("avx2"); // which SIMDe is compiled for, or it takes minutes
}

static const assay_kernels avx512 = {.name = "avx512 (emulated)",
                                     .needs = "a processor with AVX2",
                                     .available = available,
                                     .packed_size = assay_packed_size_avx512,
                                     .pack = assay_pack_avx512,
#define X(member) .member = assay_##member##_avx512,
                                     ASSAY_KERNEL_LIST(X)
#undef X
};

static const assay_kernels *const all_sets[] = {&avx512};

size_t emulated_kernels_list(const assay_kernels *const **sets) {
    *sets = all_sets;
    return sizeof all_sets / sizeof all_sets[0];
}
