// SPDX-License-Identifier: Apache-2.0
// Products by smmla, which multiplies eight elements of two rows by eight of two weight rows: in
// the panel a vector is that of two weight rows, and two activation rows are put beside each other
// as they are read.
#include "kernels/arm/dot_neon.h"
#include "kernels/arm/i8mm.h"

#define ASSAY_OP(name) assay_##name##_i8mm
#include "kernels/arm/panel.h"

enum { HALF = DOT_STEP / 2, PAIRS = PANEL / 2, TILE_PAIRS = TILE_M / 2 };

// The halves of two vectors: the first eight elements of both, or the last.
static ASSAY_INLINE int8x16_t pair(int8x16_t a, int8x16_t b, const int half) {
    int64x2_t u = vreinterpretq_s64_s8(a), v = vreinterpretq_s64_s8(b);
    return vreinterpretq_s8_s64(half ? vzip2q_s64(u, v) : vzip1q_s64(u, v));
}

static ASSAY_INLINE void panel_put(workspace *work, uint32_t at, uint32_t r,
                                   const int8x16_t *rows) {
    int8_t *out = work->panel + at * PANEL + r * HALF;
    for (int half = 0; half < 2; half++, out += PANEL * HALF)
        for (int i = 0; i < 4; i += 2)
            vst1q_s8(out + i * HALF, pair(rows[i], rows[i + 1], half));
    int32x4_t sums[4];
    for (int i = 0; i < 4; i++)
        sums[i] = vdotq_s32(vdupq_n_s32(0), rows[i], vdupq_n_s8(1));
    vst1q_s32(work->ones + r, vaddq_s32(vld1q_s32(work->ones + r), lanes_sum(sums)));
}

// Sums of a pair: row i's by two weight rows, then row i + 1's; the second of a lone row is
// nobody's.
static ASSAY_INLINE int32x4_t sums_load(int32_t (*sums)[2][PANEL], const int plane, const int p,
                                        const bool both) {
    int32x2_t first = vld1_s32(sums[0][plane] + 2 * p);
    return vcombine_s32(first, both ? vld1_s32(sums[1][plane] + 2 * p) : first);
}

static ASSAY_INLINE void sums_store(int32_t (*sums)[2][PANEL], const int plane, const int p,
                                    const bool both, int32x4_t pair) {
    vst1_s32(sums[0][plane] + 2 * p, vget_low_s32(pair));
    if (both) vst1_s32(sums[1][plane] + 2 * p, vget_high_s32(pair));
}

static ASSAY_INLINE void tile(int32_t (*sums)[2][PANEL], const int8_t *x, size_t x_stride,
                              const int8_t *w, uint32_t count, const int m) {
    int32x4_t acc[TILE_PAIRS][2][PAIRS];
    const int pairs = (m + 1) / 2;
    for (int i = 0; i < pairs; i++)
        for (int plane = 0; plane < 2; plane++)
            for (int p = 0; p < PAIRS; p++)
                acc[i][plane][p] = sums_load(sums + 2 * i, plane, p, 2 * i + 1 < m);
    for (uint32_t at = 0; at < count; at += DOT_STEP, x += 2 * DOT_STEP, w += DOT_STEP * PANEL) {
        int8x16_t rows[TILE_PAIRS][2][2]; // of a pair: hi and lo, by halves
        for (int i = 0; i < pairs; i++)
            for (int plane = 0; plane < 2; plane++) {
                const int8_t *from = x + 2 * (size_t)i * x_stride + DOT_STEP * plane;
                int8x16_t a = vld1q_s8(from), b = 2 * i + 1 < m ? vld1q_s8(from + x_stride) : a;
                rows[i][plane][0] = pair(a, b, 0);
                rows[i][plane][1] = pair(a, b, 1);
            }
        for (int half = 0; half < 2; half++)
            for (int p = 0; p < PAIRS; p++) {
                int8x16_t v = vld1q_s8(w + half * PANEL * HALF + p * DOT_STEP);
                for (int i = 0; i < pairs; i++)
                    for (int plane = 0; plane < 2; plane++)
                        acc[i][plane][p] = vmmlaq_s32(acc[i][plane][p], rows[i][plane][half], v);
            }
    }
    for (int i = 0; i < pairs; i++)
        for (int plane = 0; plane < 2; plane++)
            for (int p = 0; p < PAIRS; p++)
                sums_store(sums + 2 * i, plane, p, 2 * i + 1 < m, acc[i][plane][p]);
}
