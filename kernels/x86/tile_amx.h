// SPDX-License-Identifier: Apache-2.0
// Which products go through tiles, and what comes out of these. Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_TILE_AMX_H
#define ASSAY_KERNELS_X86_TILE_AMX_H

#include "kernels/x86/amx.h"
#include "kernels/x86/dot_avx512.h"
#include "kernels/x86/weights.h"

// How a product of m rows of k elements goes.
typedef enum {
    AMX_NOT,  // the set avx512 is faster: it reads weights as they come, and knows short rows
    AMX_FEW,  // one tile of activation rows
    AMX_MANY, // several
} amx_way;

static inline amx_way amx_way_of(assay_weights_kind kind, uint32_t m, uint32_t k) {
    enum { ONES = 4 };
    if (m <= ONES || (kind == ASSAY_WEIGHTS_Q8 && k <= DOT_SHORT)) return AMX_NOT;
    return m <= AMX_ROWS ? AMX_FEW : AMX_MANY;
}

// Up to 64 weights of a row, zeros behind them.
static ASSAY_INLINE __m512i q8_bytes(const int8_t *q, uint32_t count) {
    uint64_t mask = count >= AMX_STEP ? ~0ull : (1ull << count) - 1;
    return _mm512_maskz_loadu_epi8(mask, q);
}

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
