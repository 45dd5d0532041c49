// SPDX-License-Identifier: Apache-2.0
// What goes into tiles and comes out of them: weights, and sums of a plane. Internal to
// kernels/x86.
#ifndef ASSAY_KERNELS_X86_TILE_AMX_H
#define ASSAY_KERNELS_X86_TILE_AMX_H

#include "kernels/x86/amx.h"
#include "kernels/x86/dot_avx512.h"

// Weights of either kind.
typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t k;
} weights;

// Between what is written and tiles that are loaded from there, and the other way round: gcc's
// loads do not say that they read memory.
static ASSAY_INLINE void tiles_fence(void) {
    __asm__ volatile("" ::: "memory");
}

typedef int32_t tile_sums[AMX_ROWS][AMX_ROWS];
_Static_assert(65536ll * 128 * 127 <= INT32_MAX, "the longest row's high plane fits int32");
_Static_assert(65536ll * 255 * 127 <= INT32_MAX, "the longest row's low plane fits int32");

// Sixteen sums of the planes as f32, each rounded once.
static ASSAY_INLINE __m512 sums_float(const int32_t *high, const int32_t *low) {
    __m256 halves[2];
    ASSAY_UNROLL for (int i = 0; i < 2; i++) {
        __m512i wide_high =
            _mm512_cvtepi32_epi64(_mm256_load_si256((const __m256i *)(high + 8 * i)));
        __m512i wide_low = _mm512_cvtepi32_epi64(_mm256_load_si256((const __m256i *)(low + 8 * i)));
        halves[i] = _mm512_cvtepi64_ps(_mm512_add_epi64(_mm512_slli_epi64(wide_high, 8), wide_low));
    }
    return _mm512_insertf32x8(_mm512_castps256_ps512(halves[0]), halves[1], 1);
}

#endif
