// SPDX-License-Identifier: Apache-2.0
// A packed row is its planes, sixteen elements at a time. For q4 weights 32 elements are cut into
// the even and the odd ones first, as nibbles come out of their bytes; for q8 the order stays.
#include "kernels/arm/dot_neon.h"

size_t assay_packed_size_neon(assay_weights_kind kind, uint32_t m, uint32_t k) {
    return m * 2 * planes_padded(k);
}

void assay_pack_neon(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                     uint32_t m_count) {
    for (uint32_t i = m_first; i < m_first + m_count; i++) {
        const int16_t *q = x->q + (size_t)i * x->k;
        int8_t *out = (int8_t *)x->packed + i * 2 * planes_padded(x->k);
        if (kind == ASSAY_WEIGHTS_Q8) {
            planes_split(out, q, x->k);
            continue;
        }
        for (uint32_t at = 0; at < x->k; at += 2 * DOT_STEP) {
            int8x16x4_t bytes = vld4q_s8((const int8_t *)(q + at));
            planes_store(out + 2 * (size_t)at, bytes.val[1], bytes.val[0]);
            planes_store(out + 2 * (size_t)at + 32, bytes.val[3], bytes.val[2]);
        }
    }
}
