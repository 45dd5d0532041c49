// SPDX-License-Identifier: Apache-2.0
// Products by sdot. The canonical weights are read where they lie. Many rows meet a panel of
// weights that was unfolded once for all of them, and laid out so that a lane is a weight row: four
// elements of four rows a vector, which meet four elements of an activation row by its lane.
#include "kernels/arm/dot_neon.h"

enum {
    PANEL = 8,    // weight rows that are unfolded together, two vectors
    TILE_M = 4,   // rows by eight weight rows: 16 sums, 8 planes and 2 weights of 32 registers
    ROWS = 2048,  // rows that share one unfolding
    BLOCK = 1024, // elements of a panel: it and a tile's rows stay in the first cache
};
_Static_assert(BLOCK % ASSAY_Q4_BLOCK == 0, "blocks hold whole ratio blocks");

// What a thread works in.
typedef struct {
    int8_t panel[BLOCK / 4][PANEL][4];
    int32_t sums[ROWS][2][PANEL]; // of the hi and of the lo bytes
    int32_t ones[PANEL];          // of the weights themselves
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Weights of either kind.
typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t k;
    size_t x_stride; // bytes of a packed row
} weights;

// Four rows' vectors into the panel, from element `at` of the block and row `r` on.
static ASSAY_INLINE void panel_put(workspace *work, uint32_t at, uint32_t r,
                                   const int8x16_t *rows) {
    int32x4_t v[4], ones = vld1q_s32(work->ones + r);
    for (int i = 0; i < 4; i++)
        v[i] = vreinterpretq_s32_s8(rows[i]);
    int64x2_t low01 = vreinterpretq_s64_s32(vtrn1q_s32(v[0], v[1]));
    int64x2_t low23 = vreinterpretq_s64_s32(vtrn1q_s32(v[2], v[3]));
    int64x2_t high01 = vreinterpretq_s64_s32(vtrn2q_s32(v[0], v[1]));
    int64x2_t high23 = vreinterpretq_s64_s32(vtrn2q_s32(v[2], v[3]));
    int8x16_t out[4] = {vreinterpretq_s8_s64(vtrn1q_s64(low01, low23)),
                        vreinterpretq_s8_s64(vtrn1q_s64(high01, high23)),
                        vreinterpretq_s8_s64(vtrn2q_s64(low01, low23)),
                        vreinterpretq_s8_s64(vtrn2q_s64(high01, high23))};
    for (uint32_t i = 0; i < 4; i++) {
        vst1q_s8(work->panel[at / 4 + i][r], out[i]);
        ones = vdotq_s32(ones, out[i], vdupq_n_s8(1));
    }
    vst1q_s32(work->ones + r, ones);
}

// Elements from .. end - 1 of weight rows n + r .. n + r + 3.
static void panel_unfold(workspace *work, const assay_gemm_part *part, const weights *w, uint32_t n,
                         uint32_t r, uint32_t from, uint32_t end) {
    size_t rows[4];
    for (uint32_t i = 0; i < 4; i++)
        rows[i] = row_of(part, n, r + i);
    if (w->q8) {
        for (uint32_t at = from; at < end; at += DOT_STEP) {
            int8x16_t u[4];
            for (int i = 0; i < 4; i++)
                u[i] = q8_unfold(w->q8->q + rows[i] * w->k + at, end - at);
            panel_put(work, at - from, r, u);
        }
        return;
    }
    for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK) {
        int8x16_t u[4][4];
        for (int i = 0; i < 4; i++)
            q4_unfold(u[i], w->q4->codes + rows[i] * (w->k / 2) + at / 2,
                      w->q4->ratios[rows[i] * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
        for (uint32_t v = 0; v < 4; v++) {
            int8x16_t column[4] = {u[0][v], u[1][v], u[2][v], u[3][v]};
            panel_put(work, at - from + DOT_STEP * v, r, column);
        }
    }
}

// Four elements of the m rows, in lane c of their vectors, by the panel's eight weight rows.
#define FOUR(c)                                                                                    \
    {                                                                                              \
        int8x16_t w0 = vld1q_s8(w + 2 * 16 * (c)), w1 = vld1q_s8(w + 2 * 16 * (c) + 16);           \
        for (int i = 0; i < m; i++) {                                                              \
            acc[i][0] = vdotq_laneq_s32(acc[i][0], w0, hi[i], c);                                  \
            acc[i][1] = vdotq_laneq_s32(acc[i][1], w1, hi[i], c);                                  \
            acc[i][2] = vdotq_laneq_s32(acc[i][2], w0, lo[i], c);                                  \
            acc[i][3] = vdotq_laneq_s32(acc[i][3], w1, lo[i], c);                                  \
        }                                                                                          \
    }

// m rows by the panel over one block, added to their sums.
static ASSAY_INLINE void tile(int32_t (*sums)[2][PANEL], const int8_t *x, size_t x_stride,
                              const int8_t *w, uint32_t count, const int m) {
    int32x4_t acc[TILE_M][4];
    for (int i = 0; i < m; i++)
        for (int v = 0; v < 4; v++)
            acc[i][v] = vld1q_s32(&sums[i][0][0] + 4 * v);
    for (uint32_t at = 0; at < count; at += DOT_STEP, x += 2 * DOT_STEP, w += DOT_STEP * PANEL) {
        int8x16_t hi[TILE_M], lo[TILE_M];
        for (int i = 0; i < m; i++) {
            hi[i] = vld1q_s8(x + (size_t)i * x_stride);
            lo[i] = vld1q_s8(x + (size_t)i * x_stride + 16);
        }
        FOUR(0)
        FOUR(1)
        FOUR(2)
        FOUR(3)
    }
    for (int i = 0; i < m; i++)
        for (int v = 0; v < 4; v++)
            vst1q_s32(&sums[i][0][0] + 4 * v, acc[i][v]);
}
#undef FOUR

static void tile_rows(int32_t (*sums)[2][PANEL], const int8_t *x, size_t x_stride, const int8_t *w,
                      uint32_t count, uint32_t rows) {
    switch (rows) {
    case 1:
        tile(sums, x, x_stride, w, count, 1);
        break;
    case 2:
        tile(sums, x, x_stride, w, count, 2);
        break;
    case 3:
        tile(sums, x, x_stride, w, count, 3);
        break;
    default:
        tile(sums, x, x_stride, w, count, TILE_M);
        break;
    }
}

// Rows m .. m + rows - 1 by weight rows n .. n + count - 1.
static void panel_run(const assay_gemm_part *part, const weights *w, uint32_t m, uint32_t rows,
                      uint32_t n, uint32_t count) {
    workspace *work = part->scratch;
    const int8_t *x = (const int8_t *)part->x->packed + m * w->x_stride;
    memset(work->ones, 0, sizeof work->ones);
    memset(work->sums, 0, rows * sizeof *work->sums);
    for (uint32_t from = 0; from < w->k; from += BLOCK) {
        uint32_t end = w->k - from < BLOCK ? w->k : from + BLOCK;
        for (uint32_t r = 0; r < PANEL; r += 4)
            panel_unfold(work, part, w, n, r, from, end);
        for (uint32_t i = 0; i < rows; i += TILE_M)
            tile_rows(work->sums + i, x + i * w->x_stride + 2 * (size_t)from, w->x_stride,
                      &work->panel[0][0][0], end - from, rows - i < TILE_M ? rows - i : TILE_M);
    }
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t r = 0; r < count; r += 4)
            dot_store(part, m + i, n + r, count - r < 4 ? count - r : 4,
                      dot_float(vld1q_s32(work->sums[i][0] + r), vld1q_s32(work->sums[i][1] + r),
                                vld1q_s32(work->ones + r)),
                      w->scales);
}

static void many(const assay_gemm_part *part, const weights *w) {
    uint32_t m_end = part->m_first + part->m_count, n_end = part->n_first + part->n_count;
    for (uint32_t m = part->m_first; m < m_end; m += ROWS)
        for (uint32_t n = part->n_first; n < n_end; n += PANEL)
            panel_run(part, w, m, m_end - m < ROWS ? m_end - m : ROWS, n,
                      n_end - n < PANEL ? n_end - n : PANEL);
}

void assay_gemm_q4_neon(const assay_gemm_part *part, const assay_q4 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q4_neon(part, w);
    else
        many(part,
             &(weights){.q4 = w, .scales = w->scales, .k = w->k, .x_stride = 2 * (size_t)w->k});
}

void assay_gemm_q8_neon(const assay_gemm_part *part, const assay_q8 *w) {
    if (part->m_count <= DOT_FEW)
        assay_few_q8_neon(part, w);
    else
        many(part,
             &(weights){
                 .q8 = w, .scales = w->scales, .k = w->k, .x_stride = 2 * planes_padded(w->k)});
}
