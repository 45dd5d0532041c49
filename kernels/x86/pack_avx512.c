// SPDX-License-Identifier: Apache-2.0
// For q4 weights each block of 64 is cut into its four residues modulo 4, sixteen elements each:
// the order in which nibbles come out of their bytes and bytes out of their words.
#include <immintrin.h>

#include "kernels/x86/avx512.h"
#include "kernels/x86/packed.h"

enum { LANES = 32 };

// Elements 4i, then 4i + 1, of a block; two more give 4i + 2 and 4i + 3.
_Alignas(64) static const int16_t residues[32] = {0,  4,  8,  12, 16, 20, 24, 28, 32, 36, 40,
                                                  44, 48, 52, 56, 60, 1,  5,  9,  13, 17, 21,
                                                  25, 29, 33, 37, 41, 45, 49, 53, 57, 61};

size_t assay_packed_size_avx512(assay_weights_kind kind, uint32_t m, uint32_t k) {
    return packed_size(m, k, LANES);
}

void assay_pack_avx512(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                       uint32_t m_count) {
    const __m512i low = _mm512_load_si512(residues);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(2));
    for (uint32_t i = m_first; i < m_first + m_count; i++) {
        if (kind == ASSAY_WEIGHTS_Q8) {
            packed_copy(x, i, LANES);
            continue;
        }
        packed_rows out = packed_rows_at(x, i, LANES);
        const int16_t *q = x->q + (size_t)i * x->k;
        for (uint32_t at = 0; at < x->k; at += ASSAY_Q4_BLOCK, out.at += 2 * out.step) {
            __m512i first = _mm512_loadu_si512(q + at), second = _mm512_loadu_si512(q + at + 32);
            _mm512_store_si512(out.at, _mm512_permutex2var_epi16(first, low, second));
            _mm512_store_si512(out.at + out.step, _mm512_permutex2var_epi16(first, high, second));
        }
    }
}
