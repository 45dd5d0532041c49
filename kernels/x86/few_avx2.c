// SPDX-License-Identifier: Apache-2.0
// One to four activation rows: every weight is unfolded in registers, once, and meets them all.
#include "kernels/x86/dot_avx2.h"

// Four weight rows from n on; rows past the part's end stand for its last one.
static ASSAY_INLINE size_t row_of(const assay_gemm_part *part, uint32_t n, int r) {
    uint32_t last = part->n_first + part->n_count - 1;
    return n + (uint32_t)r < last ? n + (uint32_t)r : last;
}

static ASSAY_INLINE void rows_store(const assay_gemm_part *part, uint32_t n, const __m256i *totals,
                                    const float *w_scales, const int m) {
    uint32_t left = part->n_first + part->n_count - n;
    for (int i = 0; i < m; i++)
        dot_store(part, part->m_first + (uint32_t)i, n, left < 4 ? left : 4, totals[i], w_scales);
}

static ASSAY_INLINE void flush(__m256i *totals, __m256i (*sums)[4], const int m) {
    for (int i = 0; i < m; i++)
        totals[i] =
            _mm256_add_epi64(totals[i], dot_flush(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
}

// `step` weight rows at a time, so that their sums and one block of weights stay in registers.
static ASSAY_INLINE void q4_rows(const assay_gemm_part *part, const assay_q4 *w, uint32_t n,
                                 const int m, const int step) {
    const int16_t *x = (const int16_t *)part->x->packed + (size_t)part->m_first * w->k;
    __m256i totals[DOT_FEW] = {0};
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        __m256i sums[DOT_FEW][4] = {0};
        for (int first = 0; first < 4; first += step) {
            for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK)
                for (int r = first; r < first + step; r++) {
                    size_t row = row_of(part, n, r);
                    __m256i u[4];
                    q4_unfold(u, w->codes + row * (w->k / 2) + at / 2,
                              w->ratios[row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
                    for (int i = 0; i < m; i++)
                        for (int v = 0; v < 4; v++)
                            sums[i][r] = dot_add(sums[i][r], u[v],
                                                 dot_load(x + (size_t)i * w->k + at + 16 * v));
                }
        }
        flush(totals, sums, m);
    }
    rows_store(part, n, totals, w->scales, m);
}

static ASSAY_INLINE void q8_rows(const assay_gemm_part *part, const assay_q8 *w, uint32_t n,
                                 const int m, const int step) {
    size_t padded = assay_row_padded_avx2(w->k);
    const int16_t *x = (const int16_t *)part->x->packed + part->m_first * padded;
    __m256i totals[DOT_FEW] = {0};
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        __m256i sums[DOT_FEW][4] = {0};
        for (int first = 0; first < 4; first += step)
            for (uint32_t at = from; at < end; at += 16)
                for (int r = first; r < first + step; r++) {
                    __m256i u = q8_unfold(w->q + row_of(part, n, r) * w->k + at, end - at);
                    for (int i = 0; i < m; i++)
                        sums[i][r] = dot_add(sums[i][r], u, dot_load(x + i * padded + at));
                }
        flush(totals, sums, m);
    }
    rows_store(part, n, totals, w->scales, m);
}

void assay_few_q4_avx2(const assay_gemm_part *part, const assay_q4 *w) {
    for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n += 4)
        switch (part->m_count) {
        case 1:
            q4_rows(part, w, n, 1, 4);
            break;
        case 2:
            q4_rows(part, w, n, 2, 2);
            break;
        case 3:
            q4_rows(part, w, n, 3, 2);
            break;
        default:
            q4_rows(part, w, n, 4, 2);
            break;
        }
}

void assay_few_q8_avx2(const assay_gemm_part *part, const assay_q8 *w) {
    for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n += 4)
        switch (part->m_count) {
        case 1:
            q8_rows(part, w, n, 1, 4);
            break;
        case 2:
            q8_rows(part, w, n, 2, 4);
            break;
        case 3:
            q8_rows(part, w, n, 3, 2);
            break;
        default:
            q8_rows(part, w, n, 4, 2);
            break;
        }
}
