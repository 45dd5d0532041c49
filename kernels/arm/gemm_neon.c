// SPDX-License-Identifier: Apache-2.0
// Products by sdot. In the panel a lane is a weight row: four elements of four rows a vector, which
// meet four elements of an activation row by its lane.
#include "kernels/arm/dot_neon.h"

#define ASSAY_OP(name) assay_##name##_neon
#include "kernels/arm/panel.h"

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
        vst1q_s8(work->panel + (at + 4 * i) * PANEL + 4 * r, out[i]);
        ones = vdotq_s32(ones, out[i], vdupq_n_s8(1));
    }
    vst1q_s32(work->ones + r, ones);
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
