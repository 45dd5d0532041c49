// SPDX-License-Identifier: Apache-2.0
// A matrix of 16 by 16 words turned over. Internal to kernels/x86.
#ifndef ASSAY_KERNELS_X86_TURN_AVX512_H
#define ASSAY_KERNELS_X86_TURN_AVX512_H

#include "kernels/x86/dot_avx512.h"

typedef uint32_t words[16][16]; // aligned to 64

// Rows `row`, row + 4, row + 8 and row + 12 from column `at` on, four words each. Lanes are put
// together on their way from memory, which leaves half of the shuffles of a transposition.
static ASSAY_INLINE __m512i quads_load(const words in, int row, int at) {
    __m512i four = _mm512_castsi128_si512(_mm_load_si128((const __m128i *)&in[row][at]));
    four = _mm512_inserti32x4(four, _mm_load_si128((const __m128i *)&in[row + 4][at]), 1);
    four = _mm512_inserti32x4(four, _mm_load_si128((const __m128i *)&in[row + 8][at]), 2);
    return _mm512_inserti32x4(four, _mm_load_si128((const __m128i *)&in[row + 12][at]), 3);
}

// Columns at .. at + 3 become rows.
static ASSAY_INLINE void columns_turn(words out, const words in, int at) {
    __m512i a = quads_load(in, 0, at), b = quads_load(in, 1, at);
    __m512i c = quads_load(in, 2, at), d = quads_load(in, 3, at);
    __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    _mm512_store_si512(out[at], _mm512_unpacklo_epi64(ab_low, cd_low));
    _mm512_store_si512(out[at + 1], _mm512_unpackhi_epi64(ab_low, cd_low));
    _mm512_store_si512(out[at + 2], _mm512_unpacklo_epi64(ab_high, cd_high));
    _mm512_store_si512(out[at + 3], _mm512_unpackhi_epi64(ab_high, cd_high));
}

static ASSAY_INLINE void words_turn(words out, const words in) {
    for (int column = 0; column < 16; column += 4)
        columns_turn(out, in, column);
}

#endif
