// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/simde/emulated.h"

#include "kernels/x86/amx.h"
#include "tests/kernels/simde/tiles.h"

_Thread_local emulated_tiles emulated_tile_state;

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

static const assay_kernels amx = {.name = "amx (emulated)",
                                  .needs = "a processor with AVX2",
                                  .available = available,
                                  .packed_size = assay_packed_size_amx,
                                  .pack = assay_pack_amx,
#define X(member) .member = assay_##member##_avx512,
                                  ASSAY_KERNEL_ELEMENT_LIST(X)
#undef X
                                      .gemm_q4 = assay_gemm_q4_amx,
                                  .gemm_q8 = assay_gemm_q8_amx,
                                  .attention = assay_attention_avx512};

static const assay_kernels *const all_sets[] = {&amx, &avx512};

size_t emulated_kernels_list(const assay_kernels *const **sets) {
    *sets = all_sets;
    return sizeof all_sets / sizeof all_sets[0];
}
