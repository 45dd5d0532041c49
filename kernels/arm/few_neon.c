// SPDX-License-Identifier: Apache-2.0
// One to four activation rows: every weight is unfolded in registers, once, and meets them all.
#include "kernels/arm/dot_neon.h"

// The sums of four weight rows, lane by lane.
typedef struct {
    int32x4_t hi[DOT_FEW][4], lo[DOT_FEW][4];
    int32x4_t ones[4];
} sums;

// A vector of each of `step` weight rows from `first` on meets m activation rows, whose planes are
// `stride` apart.
static ASSAY_INLINE void sums_add(sums *s, const int8x16_t *w, const int first, const int step,
                                  const int8_t *x, size_t stride, const int m) {
    for (int r = first; r < first + step; r++)
        s->ones[r] = vdotq_s32(s->ones[r], w[r], vdupq_n_s8(1));
    for (int i = 0; i < m; i++) {
        int8x16_t hi = vld1q_s8(x + (size_t)i * stride), lo = vld1q_s8(x + (size_t)i * stride + 16);
        for (int r = first; r < first + step; r++) {
            s->hi[i][r] = vdotq_s32(s->hi[i][r], w[r], hi);
            s->lo[i][r] = vdotq_s32(s->lo[i][r], w[r], lo);
        }
    }
}

static ASSAY_INLINE void sums_store(const sums *s, const assay_gemm_part *part, uint32_t n,
                                    const float *w_scales, const int m) {
    uint32_t left = part->n_first + part->n_count - n;
    for (int i = 0; i < m; i++)
        dot_store(part, part->m_first + (uint32_t)i, n, left < 4 ? left : 4,
                  dot_float(lanes_sum(s->hi[i]), lanes_sum(s->lo[i]), lanes_sum(s->ones)),
                  w_scales);
}

// Weight rows first .. first + step - 1 of the four from n on, whose sums stay in registers.
static ASSAY_INLINE void q4_some(sums *s, const assay_gemm_part *part, const assay_q4 *w,
                                 uint32_t n, const int first, const int step, const int m) {
    size_t stride = 2 * (size_t)w->k;
    const int8_t *x = (const int8_t *)part->x->packed + part->m_first * stride;
    for (uint32_t at = 0; at < w->k; at += ASSAY_Q4_BLOCK) {
        int8x16_t u[4][4], column[4];
        for (int r = first; r < first + step; r++) {
            size_t row = row_of(part, n, (uint32_t)r);
            q4_unfold(u[r], w->codes + row * (w->k / 2) + at / 2,
                      w->ratios[row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
        }
        for (int v = 0; v < 4; v++) {
            for (int r = first; r < first + step; r++)
                column[r] = u[r][v];
            sums_add(s, column, first, step, x + 2 * (size_t)at + 32 * v, stride, m);
        }
    }
}

static ASSAY_INLINE void q8_some(sums *s, const assay_gemm_part *part, const assay_q8 *w,
                                 uint32_t n, const int first, const int step, const int m) {
    size_t stride = 2 * planes_padded(w->k);
    const int8_t *x = (const int8_t *)part->x->packed + part->m_first * stride;
    const int8_t *rows[4];
    int8x16_t column[4];
    for (uint32_t r = 0; r < 4; r++)
        rows[r] = w->q + row_of(part, n, r) * w->k;
    uint32_t at = 0;
    for (; at + DOT_STEP <= w->k; at += DOT_STEP) {
        for (int r = first; r < first + step; r++)
            column[r] = vld1q_s8(rows[r] + at);
        sums_add(s, column, first, step, x + 2 * (size_t)at, stride, m);
    }
    if (at == w->k) return;
    for (int r = first; r < first + step; r++)
        column[r] = q8_unfold(rows[r] + at, w->k - at);
    sums_add(s, column, first, step, x + 2 * (size_t)at, stride, m);
}

// m activation rows by four weight rows: all at once, or two and two where sums are many.
#define ROWS(kind, m)                                                                              \
    do {                                                                                           \
        sums s = {0};                                                                              \
        kind##_some(&s, part, w, n, 0, (m) <= 2 ? 4 : 2, m);                                       \
        if ((m) > 2) kind##_some(&s, part, w, n, 2, 2, m);                                         \
        sums_store(&s, part, n, w->scales, m);                                                     \
    } while (0)
#define FEW(kind)                                                                                  \
    for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n += 4)                    \
        switch (part->m_count) {                                                                   \
        case 1:                                                                                    \
            ROWS(kind, 1);                                                                         \
            break;                                                                                 \
        case 2:                                                                                    \
            ROWS(kind, 2);                                                                         \
            break;                                                                                 \
        case 3:                                                                                    \
            ROWS(kind, 3);                                                                         \
            break;                                                                                 \
        default:                                                                                   \
            ROWS(kind, 4);                                                                         \
            break;                                                                                 \
        }

void assay_few_q4_neon(const assay_gemm_part *part, const assay_q4 *w) {
    FEW(q4)
}

void assay_few_q8_neon(const assay_gemm_part *part, const assay_q8 *w) {
    FEW(q8)
}
