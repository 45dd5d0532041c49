// SPDX-License-Identifier: Apache-2.0
// Four keys, or sixteen values of one column of vectors, meet up to four queries two by two: that
// many sums stay in registers, and what the queries share is in the first cache.
//
// A score is below 256 * 32767 * 127 < 2^31, so that its parts may wrap; values are flushed to
// int64 after 512 positions. Vectors run past a row into what lies behind it in the block, and past
// the last position into the rest of its page: opposite are zeros, which drop out (dot_neon.h).
#include "kernels/arm/dot_neon.h"
#include "kernels/ref/softmax.h"

enum {
    PAGE = ASSAY_KV_PAGE,
    QUERIES = 4, // that are taken through the positions together
    SPAN = 512,  // positions between two flushes
    PADDED_MAX = ASSAY_HEAD_SIZE_MAX,
};
_Static_assert((int64_t)ASSAY_HEAD_SIZE_MAX * 32767 * 127 <= INT32_MAX, "a score fits int32");
_Static_assert((int64_t)SPAN * 128 * 128 <= INT32_MAX, "a span's sums fit int32");
_Static_assert(SPAN % PAGE == 0 && PAGE % DOT_STEP == 0, "a span is whole pages, these vectors");
_Static_assert(DOT_STEP <= PAGE * sizeof(float), "behind a row are scales enough to run into");

// A group of queries on their way through the positions.
typedef struct {
    const assay_attention_part *part;
    uint32_t first, count;             // queries of the part
    uint32_t padded;                   // head size in whole vectors
    uint32_t seen;                     // positions in whole pages
    int8_t q[QUERIES][2 * PADDED_MAX]; // planes
    float *weights;                    // [count][seen]
    int8_t *planes;                    // [count][2 * seen], of the weights as x16
    int64_t sums[QUERIES][PADDED_MAX]; // of the values
} group;

// scores of positions t .. t + 3, rows `row` and on of a page, of m queries from i on.
static ASSAY_INLINE void scores_four(group *g, const kv_page *p, uint32_t t, uint32_t row,
                                     float32x4_t root, uint32_t i, const uint32_t m) {
    const int8_t *k = p->k + row * (size_t)g->part->head_size;
    int32x4_t hi[2][4] = {0}, lo[2][4] = {0}, ones[4] = {0};
    for (uint32_t at = 0; at < g->padded; at += DOT_STEP)
        for (uint32_t r = 0; r < 4; r++) {
            int8x16_t key = vld1q_s8(k + r * (size_t)g->part->head_size + at);
            ones[r] = vdotq_s32(ones[r], key, vdupq_n_s8(1));
            for (uint32_t j = 0; j < m; j++) {
                hi[j][r] = vdotq_s32(hi[j][r], key, vld1q_s8(g->q[i + j] + 2 * at));
                lo[j][r] = vdotq_s32(lo[j][r], key, vld1q_s8(g->q[i + j] + 2 * at + 16));
            }
        }
    for (uint32_t j = 0; j < m; j++) {
        int32x4_t four = vaddq_s32(vshlq_n_s32(lanes_sum(hi[j]), 8), lanes_sum(lo[j]));
        four = vaddq_s32(four, vshlq_n_s32(lanes_sum(ones), 7));
        float32x4_t scale =
            vmulq_n_f32(vld1q_f32(p->k_scales + row), g->part->q_scales[g->first + i + j]);
        vst1q_f32(g->weights + (i + j) * (size_t)g->seen + t,
                  vmulq_f32(vcvtq_f32_s32(four), vmulq_f32(scale, root)));
    }
}

static void scores_fill(group *g) {
    float32x4_t root = vdupq_n_f32(1.0f / __builtin_sqrtf((float)g->part->head_size));
    for (uint32_t t = 0; t < g->part->count; t += 4) {
        kv_page p = kv_page_at(g->part, t);
        uint32_t i = 0;
        for (; i + 2 <= g->count; i += 2)
            scores_four(g, &p, t, t % PAGE, root, i, 2);
        if (i < g->count) scores_four(g, &p, t, t % PAGE, root, i, 1);
    }
}

// Sixteen elements of four rows as four vectors of four elements, the rows side by side in each.
static ASSAY_INLINE void rows_zip(int8x16_t *out, const int8_t *v, size_t row_size) {
    int8x16_t row[4];
    for (int r = 0; r < 4; r++)
        row[r] = vld1q_s8(v + (size_t)r * row_size);
    int16x8_t low01 = vreinterpretq_s16_s8(vzip1q_s8(row[0], row[1]));
    int16x8_t low23 = vreinterpretq_s16_s8(vzip1q_s8(row[2], row[3]));
    int16x8_t high01 = vreinterpretq_s16_s8(vzip2q_s8(row[0], row[1]));
    int16x8_t high23 = vreinterpretq_s16_s8(vzip2q_s8(row[2], row[3]));
    out[0] = vreinterpretq_s8_s16(vzip1q_s16(low01, low23));
    out[1] = vreinterpretq_s8_s16(vzip2q_s16(low01, low23));
    out[2] = vreinterpretq_s8_s16(vzip1q_s16(high01, high23));
    out[3] = vreinterpretq_s8_s16(vzip2q_s16(high01, high23));
}

// Four positions, whose weights are in lane c, by sixteen elements of the head.
#define FOUR(c)                                                                                    \
    {                                                                                              \
        rows_zip(value, v + 4 * (c) * (size_t)head_size, head_size);                               \
        for (int e = 0; e < 4; e++) {                                                              \
            ones[e] = vdotq_s32(ones[e], value[e], vdupq_n_s8(1));                                 \
            for (uint32_t j = 0; j < m; j++) {                                                     \
                hi[j][e] = vdotq_laneq_s32(hi[j][e], value[e], w_hi[j], c);                        \
                lo[j][e] = vdotq_laneq_s32(lo[j][e], value[e], w_lo[j], c);                        \
            }                                                                                      \
        }                                                                                          \
    }

// sums += weights times values of m queries from i on, elements at .. at + 15 of the head,
// positions from .. end - 1.
static ASSAY_INLINE void values_span(group *g, uint32_t at, uint32_t from, uint32_t end, uint32_t i,
                                     const uint32_t m) {
    uint32_t head_size = g->part->head_size;
    int32x4_t hi[2][4] = {0}, lo[2][4] = {0}, ones[4] = {0};
    kv_page p = {0};
    for (uint32_t t = from; t < end; t += DOT_STEP) {
        if (t % PAGE == 0) p = kv_page_at(g->part, t);
        const int8_t *v = p.v + (t % PAGE) * (size_t)head_size + at;
        int8x16_t value[4], w_hi[2], w_lo[2];
        for (uint32_t j = 0; j < m; j++) {
            const int8_t *w = g->planes + 2 * ((i + j) * (size_t)g->seen + t);
            w_hi[j] = vld1q_s8(w);
            w_lo[j] = vld1q_s8(w + 16);
        }
        FOUR(0)
        FOUR(1)
        FOUR(2)
        FOUR(3)
    }
    for (uint32_t j = 0; j < m; j++)
        for (int e = 0; e < 4; e++) {
            int64_t *sums = g->sums[i + j] + at + 4 * e;
            int64x2_t low =
                dot_wide(vget_low_s32(hi[j][e]), vget_low_s32(lo[j][e]), vget_low_s32(ones[e]));
            int64x2_t high =
                dot_wide(vget_high_s32(hi[j][e]), vget_high_s32(lo[j][e]), vget_high_s32(ones[e]));
            vst1q_s64(sums, vaddq_s64(vld1q_s64(sums), low));
            vst1q_s64(sums + 2, vaddq_s64(vld1q_s64(sums + 2), high));
        }
}
#undef FOUR

static void values_add(group *g) {
    memset(g->sums, 0, sizeof g->sums);
    for (uint32_t from = 0; from < g->part->count; from += SPAN) {
        uint32_t end = g->part->count - from < SPAN ? g->part->count : from + SPAN;
        for (uint32_t at = 0; at < g->padded; at += DOT_STEP) {
            uint32_t i = 0;
            for (; i + 2 <= g->count; i += 2)
                values_span(g, at, from, end, i, 2);
            if (i < g->count) values_span(g, at, from, end, i, 1);
        }
    }
}

static void group_run(group *g) {
    const assay_attention_part *part = g->part;
    float scales[QUERIES], totals[QUERIES];
    scores_fill(g);
    for (uint32_t i = 0; i < g->count; i++) {
        float *weights = g->weights + i * (size_t)g->seen;
        int16_t *w16 = (int16_t *)g->planes + i * (size_t)g->seen;
        totals[i] = (float)weights_fill(weights, part, scores_max(weights, part->count)) * 0x1p-24f;
        (void)assay_quantise_x16_neon(w16, &scales[i], weights, part->count);
        memset(w16 + part->count, 0, (g->seen - part->count) * sizeof *w16);
        planes_split((int8_t *)w16, w16, g->seen);
    }
    values_add(g);
    for (uint32_t i = 0; i < g->count; i++) {
        float *out = part->out + (g->first + i) * (size_t)part->head_size;
        for (uint32_t j = 0; j < part->head_size; j++)
            out[j] = (float)g->sums[i][j] * scales[i] / totals[i];
    }
}

void assay_attention_neon(const assay_attention_part *part) {
    group g = {.part = part};
    g.padded = (uint32_t)planes_padded(part->head_size);
    g.seen = (part->count + PAGE - 1) / PAGE * PAGE;
    for (uint32_t first = 0; first < part->query_count; first += QUERIES) {
        uint32_t left = part->query_count - first;
        g.first = first;
        g.count = left < QUERIES ? left : QUERIES;
        g.weights = part->scratch;
        g.planes = (int8_t *)(g.weights + g.count * (size_t)g.seen);
        for (uint32_t i = 0; i < g.count; i++)
            planes_split(g.q[i], part->q + (first + i) * (size_t)part->head_size, part->head_size);
        group_run(&g);
    }
}
