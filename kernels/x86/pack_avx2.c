// SPDX-License-Identifier: Apache-2.0
// For q4 weights each block of 64 is cut into its four residues modulo 4, sixteen elements each:
// the order in which nibbles come out of their bytes and bytes out of their words.
#include <immintrin.h>

#include "kernels/x86/avx2.h"
#include "kernels/x86/packed.h"

enum { LANES = 16 };

// Eight vectors of two groups of four become, plane by plane, the first, second ... of the groups.
static void block_split(packed_rows out, const int16_t *q) {
    const __m128i pairs = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    for (int half = 0; half < 2; half++) {
        __m128i row[4];
        for (int i = 0; i < 4; i++)
            row[i] =
                _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(q + 32 * half + 8 * i)), pairs);
        __m128i low01 = _mm_unpacklo_epi32(row[0], row[1]);
        __m128i low23 = _mm_unpacklo_epi32(row[2], row[3]);
        __m128i high01 = _mm_unpackhi_epi32(row[0], row[1]);
        __m128i high23 = _mm_unpackhi_epi32(row[2], row[3]);
        __m128i planes[4] = {_mm_unpacklo_epi64(low01, low23), _mm_unpackhi_epi64(low01, low23),
                             _mm_unpacklo_epi64(high01, high23),
                             _mm_unpackhi_epi64(high01, high23)};
        for (int p = 0; p < 4; p++)
            _mm_storeu_si128((__m128i *)(out.at + out.step * (size_t)p + 8 * half), planes[p]);
    }
}

size_t assay_packed_size_avx2(assay_weights_kind kind, uint32_t m, uint32_t k) {
    return packed_size(m, k, LANES);
}

void assay_pack_avx2(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                     uint32_t m_count) {
    for (uint32_t i = m_first; i < m_first + m_count; i++) {
        if (kind == ASSAY_WEIGHTS_Q8) {
            packed_copy(x, i, LANES);
            continue;
        }
        packed_rows out = packed_rows_at(x, i, LANES);
        const int16_t *q = x->q + (size_t)i * x->k;
        for (uint32_t at = 0; at < x->k; at += ASSAY_Q4_BLOCK, out.at += 4 * out.step)
            block_split(out, q + at);
    }
}
