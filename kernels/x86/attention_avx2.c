// SPDX-License-Identifier: Apache-2.0
#include "kernels/x86/dot_avx2.h"

#include "kernels/x86/attention.h"

// Scores of positions t .. t + 3 for query i and, where there are two, the next: so many sums fit
// the registers.
static ASSAY_INLINE void scores_four(const group *g, uint32_t i, const kv_page *p, uint32_t t,
                                     __m128 root, const int queries) {
    uint32_t head_size = g->part->head_size, row = t % PAGE;
    const int8_t *k = p->k + row * (size_t)head_size;
    __m256i sums[2][4] = {0};
    for (uint32_t at = 0; at < g->padded; at += DOT_LANES)
        ASSAY_UNROLL for (int r = 0; r < 4; r++) {
            __m256i key = q8_unfold(k + (size_t)r * head_size + at, DOT_LANES);
            ASSAY_UNROLL for (int j = 0; j < queries; j++) sums[j][r] =
                dot_add(sums[j][r], key, dot_load(g->q[i + (uint32_t)j] + at));
        }
    __m128 k_scales = _mm_loadu_ps(p->k_scales + row);
    ASSAY_UNROLL for (uint32_t j = 0; j < (uint32_t)queries; j++) {
        __m256i quads = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[j][0], sums[j][1]),
                                          _mm256_hadd_epi32(sums[j][2], sums[j][3]));
        __m128i four =
            _mm_add_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
        if (i + j == g->count) break;
        __m128 q_scale = _mm_set1_ps(g->part->q_scales[g->first + i + j]);
        __m128 scale = _mm_mul_ps(_mm_mul_ps(q_scale, k_scales), root);
        _mm_storeu_ps(g->weights + (i + j) * (size_t)g->seen + t,
                      _mm_mul_ps(_mm_cvtepi32_ps(four), scale));
    }
}

static ASSAY_INLINE void scores_fill(group *g, const int queries) {
    __m128 root = _mm_set1_ps(1.0f / __builtin_sqrtf((float)g->part->head_size));
    for (uint32_t t = 0; t < g->part->count; t += 4) {
        kv_page p = kv_page_at(g->part, t);
        for (uint32_t i = 0; i < g->count; i += 2)
            scores_four(g, i, &p, t, root, queries < 2 ? queries : 2);
    }
}

static ASSAY_INLINE void pairs_unfold(__m256i *low, __m256i *high, const int8_t *v,
                                      size_t head_size) {
    __m128i one = _mm_loadu_si128((const __m128i *)v);
    __m128i two = _mm_loadu_si128((const __m128i *)(v + head_size));
    *low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(one, two));
    *high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(one, two));
}

static ASSAY_INLINE __m256i pair_spread(int32_t pair) {
    return _mm256_set1_epi32(pair);
}

static ASSAY_INLINE void pairs_store(int32_t *out, __m256i low, __m256i high) {
    _mm256_storeu_si256((__m256i *)out, low);
    _mm256_storeu_si256((__m256i *)(out + 8), high);
}
