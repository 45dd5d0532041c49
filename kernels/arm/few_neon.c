// SPDX-License-Identifier: Apache-2.0
// One to four activation rows: every weight is unfolded in registers, once, and meets them all.
#include "kernels/arm/dot_neon.h"

// The sums of four weight rows, lane by lane.
typedef struct {
    int32x4_t hi[DOT_FEW][4], lo[DOT_FEW][4];
    int32x4_t ones[4];
} sums;

// One vector of weight row r meets m activation rows, whose planes are `stride` apart.
static ASSAY_INLINE void sums_add(sums *s, int r, int8x16_t w, const int8_t *x, size_t stride,
                                  const int m) {
    s->ones[r] = vdotq_s32(s->ones[r], w, vdupq_n_s8(1));
    for (int i = 0; i < m; i++) {
        s->hi[i][r] = vdotq_s32(s->hi[i][r], w, vld1q_s8(x + (size_t)i * stride));
        s->lo[i][r] = vdotq_s32(s->lo[i][r], w, vld1q_s8(x + (size_t)i * stride + 16));
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

// `step` weight rows at a time, so that their sums stay in registers.
static ASSAY_INLINE void q4_rows(const assay_gemm_part *part, const assay_q4 *w, uint32_t n,
                                 const int m, const int step) {
    size_t stride = 2 * (size_t)w->k;
    const int8_t *x = (const int8_t *)part->x->packed + part->m_first * stride;
    sums s = {0};
    for (int first = 0; first < 4; first += step)
        for (uint32_t at = 0; at < w->k; at += ASSAY_Q4_BLOCK)
            for (int r = first; r < first + step; r++) {
                size_t row = row_of(part, n, (uint32_t)r);
                int8x16_t u[4];
                q4_unfold(u, w->codes + row * (w->k / 2) + at / 2,
                          w->ratios[row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
                for (int v = 0; v < 4; v++)
                    sums_add(&s, r, u[v], x + 2 * (size_t)at + 32 * v, stride, m);
            }
    sums_store(&s, part, n, w->scales, m);
}

static ASSAY_INLINE void q8_rows(const assay_gemm_part *part, const assay_q8 *w, uint32_t n,
                                 const int m, const int step) {
    size_t stride = 2 * planes_padded(w->k);
    const int8_t *x = (const int8_t *)part->x->packed + part->m_first * stride;
    sums s = {0};
    for (int first = 0; first < 4; first += step)
        for (uint32_t at = 0; at < w->k; at += DOT_STEP)
            for (int r = first; r < first + step; r++) {
                const int8_t *q = w->q + row_of(part, n, (uint32_t)r) * w->k + at;
                sums_add(&s, r, q8_unfold(q, w->k - at), x + 2 * (size_t)at, stride, m);
            }
    sums_store(&s, part, n, w->scales, m);
}

void assay_few_q4_neon(const assay_gemm_part *part, const assay_q4 *w) {
    for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n += 4)
        switch (part->m_count) {
        case 1:
            q4_rows(part, w, n, 1, 4);
            break;
        case 2:
            q4_rows(part, w, n, 2, 4);
            break;
        case 3:
            q4_rows(part, w, n, 3, 2);
            break;
        default:
            q4_rows(part, w, n, 4, 2);
            break;
        }
}

void assay_few_q8_neon(const assay_gemm_part *part, const assay_q8 *w) {
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
