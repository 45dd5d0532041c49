// SPDX-License-Identifier: Apache-2.0
// Four keys, or two values, meet up to four queries at a time.
//
// A score is below 256 * 32767 * 127 < 2^31 and needs int32 alone; values are flushed to int64
// after 512 positions, 256 pairs of at most 2 * 32767 * 127 < 2^23. Vectors may run past a row into
// what lies behind it in the block, where they meet zeros of the padded queries and weights.
#include "kernels/ref/softmax.h"
#include "kernels/x86/dot_avx2.h"

enum {
    PAGE = ASSAY_KV_PAGE,
    QUERIES = 4, // that share what is unfolded
    SPAN = 512,  // positions between two flushes
    PADDED_MAX = ASSAY_HEAD_SIZE_MAX,
};
_Static_assert((int64_t)ASSAY_HEAD_SIZE_MAX * 32767 * 127 <= INT32_MAX, "a score fits int32");
_Static_assert((int64_t)SPAN * 32767 * 127 <= INT32_MAX, "a span's sum fits int32");
_Static_assert(SPAN % PAGE == 0, "a span is whole pages");

// A group of queries on their way through the positions.
typedef struct {
    const assay_attention_part *part;
    uint32_t first, count;             // queries of the part
    uint32_t padded;                   // head size in whole vectors
    uint32_t seen;                     // positions in whole pages
    int16_t q[QUERIES][PADDED_MAX];    // zeros behind each
    float *weights;                    // [count][seen]
    int16_t *w16;                      // [count][seen]
    int64_t sums[QUERIES][PADDED_MAX]; // of the values
} group;

// Queries i and i + 1 meet keys row .. row + 3 of a page; two queries' sums fit the registers.
static ASSAY_INLINE void scores_four(const group *g, uint32_t i, const kv_page *p, uint32_t t,
                                     __m128 root) {
    uint32_t head_size = g->part->head_size, row = t % PAGE;
    const int8_t *k = p->k + row * (size_t)head_size;
    __m256i sums[2][4] = {0};
    for (uint32_t at = 0; at < g->padded; at += 16) {
        __m256i q0 = dot_load(g->q[i] + at), q1 = dot_load(g->q[i + 1] + at);
        ASSAY_UNROLL for (int r = 0; r < 4; r++) {
            const __m128i *key = (const __m128i *)(k + (size_t)r * head_size + at);
            __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(key));
            sums[0][r] = dot_add(sums[0][r], wide, q0);
            sums[1][r] = dot_add(sums[1][r], wide, q1);
        }
    }
    __m128 k_scales = _mm_loadu_ps(p->k_scales + row);
    ASSAY_UNROLL for (uint32_t j = 0; j < 2; j++) {
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

static void scores_fill(group *g) {
    __m128 root = _mm_set1_ps(1.0f / __builtin_sqrtf((float)g->part->head_size));
    for (uint32_t t = 0; t < g->part->count; t += 4) {
        kv_page p = kv_page_at(g->part, t);
        for (uint32_t i = 0; i < g->count; i += 2)
            scores_four(g, i, &p, t, root);
    }
}

// Which of two equal scores of opposite sign is returned does not matter: exp takes both for 0.
static float scores_max(const float *scores, uint32_t count) {
    __m256 max = _mm256_set1_ps(scores[0]);
    uint32_t t = 0;
    for (; t + 8 <= count; t += 8)
        max = _mm256_max_ps(max, _mm256_loadu_ps(scores + t));
    float lanes[8], top = scores[0];
    _mm256_storeu_ps(lanes, max);
    for (int i = 0; i < 8; i++)
        top = lanes[i] > top ? lanes[i] : top;
    for (; t < count; t++)
        top = scores[t] > top ? scores[t] : top;
    return top;
}

// sums = weights times values, elements at .. at + 15 of the head, positions from .. end - 1; added
// to what earlier positions gave.
static ASSAY_INLINE void values_span(group *g, uint32_t at, uint32_t from, uint32_t end) {
    uint32_t head_size = g->part->head_size;
    const int16_t *w16[QUERIES];
    __m256i low[QUERIES] = {0}, high[QUERIES] = {0};
    for (uint32_t i = 0; i < QUERIES; i++)
        w16[i] = g->w16 + (i < g->count ? i : 0) * (size_t)g->seen;
    for (uint32_t page = from; page < end; page += PAGE) {
        const int8_t *v = kv_page_at(g->part, page).v + at;
        uint32_t page_end = end - page < PAGE ? end : page + PAGE;
        for (uint32_t t = page; t < page_end; t += 2, v += 2 * (size_t)head_size) {
            __m128i one = _mm_loadu_si128((const __m128i *)v);
            __m128i two = _mm_loadu_si128((const __m128i *)(v + head_size));
            __m256i pairs_low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(one, two));
            __m256i pairs_high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(one, two));
            ASSAY_UNROLL for (int i = 0; i < QUERIES; i++) {
                int32_t pair;
                memcpy(&pair, w16[i] + t, sizeof pair);
                __m256i weight = _mm256_set1_epi32(pair);
                low[i] = dot_add(low[i], pairs_low, weight);
                high[i] = dot_add(high[i], pairs_high, weight);
            }
        }
    }
    ASSAY_UNROLL for (uint32_t i = 0; i < QUERIES; i++) {
        int32_t lanes[16];
        _mm256_storeu_si256((__m256i *)lanes, low[i]);
        _mm256_storeu_si256((__m256i *)(lanes + 8), high[i]);
        for (uint32_t j = 0; j < 16; j++)
            g->sums[i][at + j] = (from ? g->sums[i][at + j] : 0) + lanes[j];
    }
}

static void group_run(group *g) {
    const assay_attention_part *part = g->part;
    float scales[QUERIES], totals[QUERIES];
    scores_fill(g);
    for (uint32_t i = 0; i < g->count; i++) {
        float *weights = g->weights + i * (size_t)g->seen;
        int16_t *w16 = g->w16 + i * (size_t)g->seen;
        totals[i] = (float)weights_fill(weights, part, scores_max(weights, part->count)) * 0x1p-24f;
        (void)assay_quantise_x16_avx2(w16, &scales[i], weights, part->count);
        memset(w16 + part->count, 0, (g->seen - part->count) * sizeof *w16);
    }
    for (uint32_t from = 0; from < part->count; from += SPAN) {
        uint32_t end = part->count - from < SPAN ? part->count : from + SPAN;
        for (uint32_t at = 0; at < g->padded; at += 16)
            values_span(g, at, from, end);
    }
    for (uint32_t i = 0; i < g->count; i++) {
        float *out = part->out + (g->first + i) * (size_t)part->head_size;
        for (uint32_t j = 0; j < part->head_size; j++)
            out[j] = (float)g->sums[i][j] * scales[i] / totals[i];
    }
}

void assay_attention_avx2(const assay_attention_part *part) {
    group g;
    size_t head_size = part->head_size;
    g.part = part;
    g.padded = (part->head_size + 15) / 16 * 16;
    g.seen = (part->count + PAGE - 1) / PAGE * PAGE;
    for (uint32_t i = 0; i < QUERIES; i++)
        memset(g.q[i], 0, g.padded * sizeof g.q[i][0]);
    for (g.first = 0; g.first < part->query_count; g.first += QUERIES) {
        uint32_t left = part->query_count - g.first;
        g.count = left < QUERIES ? left : QUERIES;
        g.weights = part->scratch;
        g.w16 = (int16_t *)(g.weights + g.count * (size_t)g.seen);
        for (uint32_t i = 0; i < g.count; i++)
            memcpy(g.q[i], part->q + (g.first + i) * head_size, head_size * sizeof *part->q);
        group_run(&g);
    }
}
