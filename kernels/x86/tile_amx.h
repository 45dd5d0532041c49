// SPDX-License-Identifier: Apache-2.0
// What packing and products share: a matrix of 16 by 16 words turned over.
#ifndef ASSAY_KERNELS_X86_TILE_AMX_H
#define ASSAY_KERNELS_X86_TILE_AMX_H

#include "kernels/x86/amx.h"
#include "kernels/x86/dot_avx512.h"

// Rows `row`, row + 4, row + 8 and row + 12 from column `at` on, four words each. Lanes are put
// together on their way from memory, which leaves half of the shuffles of a transposition.
static ASSAY_INLINE __m512i quads_load(const uint32_t (*in)[16], int row, int at) {
    __m512i four = _mm512_castsi128_si512(_mm_load_si128((const __m128i *)&in[row][at]));
    four = _mm512_inserti32x4(four, _mm_load_si128((const __m128i *)&in[row + 4][at]), 1);
    four = _mm512_inserti32x4(four, _mm_load_si128((const __m128i *)&in[row + 8][at]), 2);
    return _mm512_inserti32x4(four, _mm_load_si128((const __m128i *)&in[row + 12][at]), 3);
}

// Columns at .. at + 3, 16 words each; `in` is aligned to 64.
static ASSAY_INLINE void columns_load(__m512i *columns, const uint32_t (*in)[16], int at) {
    __m512i a = quads_load(in, 0, at), b = quads_load(in, 1, at);
    __m512i c = quads_load(in, 2, at), d = quads_load(in, 3, at);
    __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    columns[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    columns[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    columns[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    columns[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

#endif
