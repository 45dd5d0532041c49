// SPDX-License-Identifier: Apache-2.0
#include "kernels/float.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

uint64_t assay_float_enter(void) {
    unsigned former = _mm_getcsr();
    _mm_setcsr(0x1F80);
    return former;
}

void assay_float_leave(uint64_t former) {
    _mm_setcsr((unsigned)former);
}
#elif defined(__aarch64__)
uint64_t assay_float_enter(void) {
    uint64_t former = __builtin_aarch64_get_fpcr64();
    __builtin_aarch64_set_fpcr64(0);
    return former;
}

void assay_float_leave(uint64_t former) {
    __builtin_aarch64_set_fpcr64(former);
}
#else
#error "assay knows the floating-point environment of x86-64 and AArch64 only"
#endif
