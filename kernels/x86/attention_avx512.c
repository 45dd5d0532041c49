// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/dot_avx512.h"

#include "kernels/x86/attention.h"

// Four vectors to one: the lanes of 128 bits of each are added up to one lane.
static ASSAY_INLINE __m512i lanes_add(const __m512i *v) {
    __m512i two[2];
    for (int i = 0; i < 2; i++)
        two[i] = _mm512_add_epi32(_mm512_shuffle_i32x4(v[2 * i], v[2 * i + 1], 0x88),
                                  _mm512_shuffle_i32x4(v[2 * i], v[2 * i + 1], 0xDD));
    return _mm512_add_epi32(_mm512_shuffle_i32x4(two[0], two[1], 0x88),
                            _mm512_shuffle_i32x4(two[0], two[1], 0xDD));
}

// Scores of positions t .. t + 3; q_scales holds each query's scale four times.
static ASSAY_INLINE void scores_four(group *g, const kv_page *p, uint32_t t, __m512 q_scales,
                                     __m512 root, const int queries) {
    uint32_t head_size = g->part->head_size, row = t % PAGE;
    const int8_t *k = p->k + row * (size_t)head_size;
    __m512i sums[QUERIES][4] = {0}, quads[QUERIES];
    for (uint32_t at = 0; at < g->padded; at += DOT_LANES)
        ASSAY_UNROLL for (int r = 0; r < 4; r++) {
            __m512i key = q8_unfold(k + (size_t)r * head_size + at, DOT_LANES);
            ASSAY_UNROLL for (int i = 0; i < queries; i++) sums[i][r] =
                dot_add(sums[i][r], key, dot_load(g->q[i] + at));
        }
    ASSAY_UNROLL for (int i = 0; i < QUERIES; i++) quads[i] =
        dot_quads(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    __m512 k_scales = _mm512_broadcast_f32x4(_mm_loadu_ps(p->k_scales + row));
    __m512 scale = _mm512_mul_ps(_mm512_mul_ps(q_scales, k_scales), root);
    __m512 scores = _mm512_mul_ps(_mm512_cvtepi32_ps(lanes_add(quads)), scale);
    float *out = g->weights + t;
    _mm_storeu_ps(out, _mm512_castps512_ps128(scores));
    if (g->count > 1) _mm_storeu_ps(out += g->seen, _mm512_extractf32x4_ps(scores, 1));
    if (g->count > 2) _mm_storeu_ps(out += g->seen, _mm512_extractf32x4_ps(scores, 2));
    if (g->count > 3) _mm_storeu_ps(out + g->seen, _mm512_extractf32x4_ps(scores, 3));
}

static ASSAY_INLINE void scores_fill(group *g, const int queries) {
    __m512 root = _mm512_set1_ps(1.0f / __builtin_sqrtf((float)g->part->head_size));
    float q_scales[QUERIES][4] = {0};
    for (uint32_t i = 0; i < g->count; i++)
        for (int j = 0; j < 4; j++)
            q_scales[i][j] = g->part->q_scales[g->first + i];
    for (uint32_t t = 0; t < g->part->count; t += 4) {
        kv_page p = kv_page_at(g->part, t);
        scores_four(g, &p, t, _mm512_loadu_ps(q_scales), root, queries);
    }
}

// The bytes of two positions are interleaved within lanes of eight elements: low holds elements 0-7
// and 16-23, high the others.
static ASSAY_INLINE void pairs_unfold(__m512i *low, __m512i *high, const int8_t *v,
                                      size_t head_size) {
    __m256i one = _mm256_loadu_si256((const __m256i *)v);
    __m256i two = _mm256_loadu_si256((const __m256i *)(v + head_size));
    *low = _mm512_cvtepi8_epi16(_mm256_unpacklo_epi8(one, two));
    *high = _mm512_cvtepi8_epi16(_mm256_unpackhi_epi8(one, two));
}

static ASSAY_INLINE __m512i pair_spread(int32_t pair) {
    return _mm512_set1_epi32(pair);
}

static ASSAY_INLINE void pairs_store(int32_t *out, __m512i low, __m512i high) {
    __m256i *to = (__m256i *)out;
    _mm256_storeu_si256(to, _mm512_castsi512_si256(low));
    _mm256_storeu_si256(to + 1, _mm512_castsi512_si256(high));
    _mm256_storeu_si256(to + 2, _mm512_extracti64x4_epi64(low, 1));
    _mm256_storeu_si256(to + 3, _mm512_extracti64x4_epi64(high, 1));
}
