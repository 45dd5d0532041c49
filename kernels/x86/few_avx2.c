// SPDX-License-Identifier: Apache-2.0
// One to four activation rows: every weight is unfolded in registers, once, and meets them all.
#include "kernels/x86/dot_avx2.h"

// Four weight rows from n on; rows past the part's end stand for its last one.
static ASSAY_INLINE size_t row_of(const assay_gemm_part *part, uint32_t n, int r) {
    uint32_t last = part->n_first + part->n_count - 1;
    return n + (uint32_t)r < last ? n + (uint32_t)r : last;
}

// Four rows are four short streams, which the processor's own prefetching does not follow from one
// four to the next: what is needed two fours later is asked for. Past the end it is for nothing.
enum { AHEAD = 8 };
static ASSAY_INLINE void ahead(const void *row, size_t row_size) {
    _mm_prefetch((const char *)((uintptr_t)row + AHEAD * row_size), _MM_HINT_T0);
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

// Rows first .. first + step - 1 of the four, elements from .. end - 1: their sums and one block of
// weights stay in registers.
static ASSAY_INLINE void q4_group(__m256i (*sums)[4], const assay_gemm_part *part,
                                  const assay_q4 *w, uint32_t n, uint32_t from, uint32_t end,
                                  const int m, const int first, const int step) {
    packed_rows x = packed_rows_avx2(part->x, part->m_first);
    __m256i acc[DOT_FEW][4] = {0};
    x.at += from / 16 * x.step;
    for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, x.at += 4 * x.step)
        ASSAY_UNROLL for (int r = 0; r < step; r++) {
            size_t row = row_of(part, n, first + r);
            const uint8_t *codes = w->codes + row * (w->k / 2) + at / 2;
            __m256i u[4];
            ahead(codes, w->k / 2);
            q4_unfold(u, codes, w->ratios[row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
            ASSAY_UNROLL for (int i = 0; i < m; i++) ASSAY_UNROLL for (int v = 0; v < 4; v++)
                acc[i][r] = dot_add(acc[i][r], u[v], dot_load(x.at + v * x.step + 16 * i));
        }
    ASSAY_UNROLL for (int i = 0; i < m; i++) ASSAY_UNROLL for (int r = 0; r < step; r++)
        sums[i][first + r] = acc[i][r];
}

static ASSAY_INLINE void q8_group(__m256i (*sums)[4], const assay_gemm_part *part,
                                  const assay_q8 *w, uint32_t n, uint32_t from, uint32_t end,
                                  const int m, const int first, const int step) {
    packed_rows x = packed_rows_avx2(part->x, part->m_first);
    __m256i acc[DOT_FEW][4] = {0};
    x.at += from / 16 * x.step;
    for (uint32_t at = from; at < end; at += 16, x.at += x.step)
        ASSAY_UNROLL for (int r = 0; r < step; r++) {
            const int8_t *q = w->q + row_of(part, n, first + r) * w->k + at;
            __m256i u = q8_unfold(q, end - at);
            if (at % 64 == 0) ahead(q, w->k);
            ASSAY_UNROLL for (int i = 0; i < m; i++) acc[i][r] =
                dot_add(acc[i][r], u, dot_load(x.at + 16 * i));
        }
    ASSAY_UNROLL for (int i = 0; i < m; i++) ASSAY_UNROLL for (int r = 0; r < step; r++)
        sums[i][first + r] = acc[i][r];
}

// step: 4 where the sums of four weight rows fit the registers, else 2.
static ASSAY_INLINE void q4_rows(const assay_gemm_part *part, const assay_q4 *w, uint32_t n,
                                 const int m, const int step) {
    __m256i totals[DOT_FEW] = {0};
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        __m256i sums[DOT_FEW][4];
        q4_group(sums, part, w, n, from, end, m, 0, step);
        if (step == 2) q4_group(sums, part, w, n, from, end, m, 2, step);
        flush(totals, sums, m);
    }
    rows_store(part, n, totals, w->scales, m);
}

static ASSAY_INLINE void q8_rows(const assay_gemm_part *part, const assay_q8 *w, uint32_t n,
                                 const int m, const int step) {
    __m256i totals[DOT_FEW] = {0};
    for (uint32_t from = 0; from < w->k; from += DOT_BLOCK) {
        uint32_t end = w->k - from < DOT_BLOCK ? w->k : from + DOT_BLOCK;
        __m256i sums[DOT_FEW][4];
        q8_group(sums, part, w, n, from, end, m, 0, step);
        if (step == 2) q8_group(sums, part, w, n, from, end, m, 2, step);
        flush(totals, sums, m);
    }
    rows_store(part, n, totals, w->scales, m);
}

static void q4_run(const assay_gemm_part *part, const assay_q4 *w) {
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

static void q8_run(const assay_gemm_part *part, const assay_q8 *w) {
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

// The rows of *part that lie in its first tile; *part keeps the others.
static assay_gemm_part tile_take(assay_gemm_part *part) {
    assay_gemm_part first = *part;
    uint32_t left = packed_rows_avx2(part->x, part->m_first).left;
    first.m_count = left < part->m_count ? left : part->m_count;
    part->m_first += first.m_count;
    part->m_count -= first.m_count;
    return first;
}

void assay_few_q4_avx2(const assay_gemm_part *part, const assay_q4 *w) {
    assay_gemm_part rest = *part;
    while (rest.m_count > 0) {
        assay_gemm_part tile = tile_take(&rest);
        q4_run(&tile, w);
    }
}

void assay_few_q8_avx2(const assay_gemm_part *part, const assay_q8 *w) {
    assay_gemm_part rest = *part;
    while (rest.m_count > 0) {
        assay_gemm_part tile = tile_take(&rest);
        q8_run(&tile, w);
    }
}
