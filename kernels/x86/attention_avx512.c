// SPDX-License-Identifier: Apache-2.0
// Four keys, or two values, meet up to four queries at a time.
//
// A score is below 256 * 32767 * 127 < 2^31 and needs int32 alone; values are flushed to int64
// after 512 positions, 256 pairs of at most 2 * 32767 * 127 < 2^23. Vectors may run past a row into
// what lies behind it in the block, where they meet zeros of the padded queries, or sums that
// nobody reads.
#include "kernels/exp.h"
#include "kernels/ref/scalar.h"
#include "kernels/x86/dot_avx512.h"

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

typedef struct {
    const int8_t *k, *v;
    const float *k_scales, *v_scales;
} page;

static page page_at(const assay_attention_part *part, uint32_t t) {
    const uint8_t *block = part->kv.pages[t / PAGE] + part->kv.offset;
    const int8_t *codes = (const int8_t *)block;
    const float *scales = (const float *)(block + 2 * (size_t)PAGE * part->head_size);
    return (page){codes, codes + (size_t)PAGE * part->head_size, scales, scales + PAGE};
}

// Four vectors to one: the lanes of 128 bits of each are added up to one lane.
static ASSAY_INLINE __m512i lanes_add(const __m512i *v) {
    __m512i two[2];
    for (int i = 0; i < 2; i++)
        two[i] = _mm512_add_epi32(_mm512_shuffle_i32x4(v[2 * i], v[2 * i + 1], 0x88),
                                  _mm512_shuffle_i32x4(v[2 * i], v[2 * i + 1], 0xDD));
    return _mm512_add_epi32(_mm512_shuffle_i32x4(two[0], two[1], 0x88),
                            _mm512_shuffle_i32x4(two[0], two[1], 0xDD));
}

// Scores of positions t .. t + 3, rows `row` and on of a page; q_scales holds each query's scale
// four times.
static ASSAY_INLINE void scores_four(group *g, const page *p, uint32_t t, uint32_t row,
                                     __m512 q_scales, __m512 root, const int queries) {
    uint32_t head_size = g->part->head_size;
    __m512i sums[QUERIES][4] = {0};
    for (uint32_t at = 0; at < g->padded; at += 32)
        for (int r = 0; r < 4; r++) {
            __m512i key = q8_unfold(p->k + (row + (uint32_t)r) * (size_t)head_size + at, 32);
            for (int i = 0; i < queries; i++)
                sums[i][r] = _mm512_dpwssd_epi32(sums[i][r], key, dot_load(g->q[i] + at));
        }
    __m512i quads[QUERIES];
    for (int i = 0; i < QUERIES; i++)
        quads[i] = dot_quads(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    __m512 k_scales = _mm512_broadcast_f32x4(_mm_loadu_ps(p->k_scales + row));
    __m512 scale = _mm512_mul_ps(_mm512_mul_ps(q_scales, k_scales), root);
    float scores[QUERIES][4];
    _mm512_storeu_ps(scores, _mm512_mul_ps(_mm512_cvtepi32_ps(lanes_add(quads)), scale));
    for (uint32_t i = 0; i < g->count; i++)
        memcpy(g->weights + i * (size_t)g->seen + t, scores[i], sizeof scores[i]);
}

static ASSAY_INLINE void scores_fill(group *g, const int queries) {
    __m512 root = _mm512_set1_ps(1.0f / __builtin_sqrtf((float)g->part->head_size));
    float q_scales[QUERIES][4] = {0};
    for (uint32_t i = 0; i < g->count; i++)
        for (int j = 0; j < 4; j++)
            q_scales[i][j] = g->part->q_scales[g->first + i];
    for (uint32_t t = 0; t < g->part->count; t += 4) {
        page p = page_at(g->part, t);
        scores_four(g, &p, t, t % PAGE, _mm512_loadu_ps(q_scales), root, queries);
    }
}

// Which of two equal scores of opposite sign is returned does not matter: exp takes both for 0.
static float scores_max(const float *scores, uint32_t count) {
    float lanes[16], top = scores[0];
    uint32_t t = 0;
    for (int i = 0; i < 16; i++)
        lanes[i] = top;
    for (; t + 16 <= count; t += 16)
        for (int i = 0; i < 16; i++)
            lanes[i] = scores[t + (uint32_t)i] > lanes[i] ? scores[t + (uint32_t)i] : lanes[i];
    for (int i = 0; i < 16; i++)
        top = lanes[i] > top ? lanes[i] : top;
    for (; t < count; t++)
        top = scores[t] > top ? scores[t] : top;
    return top;
}

// Scores to weights. Returns: Z, the sum of the exponentials as integers. Plain loops, which the
// compiler vectorises; a page's integers sum to at most 64 * 2^24.
static int64_t weights_fill(float *weights, const assay_attention_part *part) {
    float max = scores_max(weights, part->count);
    int64_t total = 0;
    for (uint32_t t = 0; t < part->count; t += PAGE) {
        page p = page_at(part, t);
        uint32_t count = part->count - t < PAGE ? part->count - t : PAGE;
        int32_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            float e = exp_f32(weights[t + i] - max), x = e * 0x1p24f;
            sum += (int32_t)(x < 0x1p23f ? (x + 0x1p23f) - 0x1p23f : x);
            weights[t + i] = e * p.v_scales[i];
        }
        total += sum;
    }
    return total;
}

// sums += weights times values, elements at .. at + 31 of the head, positions from .. end - 1. The
// bytes of two positions are interleaved within lanes of eight elements: low holds elements 0-7
// and 16-23, high the others.
static ASSAY_INLINE void values_span(group *g, uint32_t at, uint32_t from, uint32_t end,
                                     const int queries) {
    uint32_t head_size = g->part->head_size;
    __m512i low[QUERIES] = {0}, high[QUERIES] = {0};
    page p = {0};
    for (uint32_t t = from; t < end; t += 2) {
        if (t % PAGE == 0) p = page_at(g->part, t);
        const int8_t *v = p.v + (t % PAGE) * (size_t)head_size + at;
        __m256i one = _mm256_loadu_si256((const __m256i *)v);
        __m256i two = _mm256_loadu_si256((const __m256i *)(v + head_size));
        __m512i pairs_low = _mm512_cvtepi8_epi16(_mm256_unpacklo_epi8(one, two));
        __m512i pairs_high = _mm512_cvtepi8_epi16(_mm256_unpackhi_epi8(one, two));
        for (int i = 0; i < queries; i++) {
            int32_t pair;
            uint32_t query = (uint32_t)i < g->count ? (uint32_t)i : 0;
            memcpy(&pair, g->w16 + query * (size_t)g->seen + t, sizeof pair);
            __m512i weight = _mm512_set1_epi32(pair);
            low[i] = _mm512_dpwssd_epi32(low[i], pairs_low, weight);
            high[i] = _mm512_dpwssd_epi32(high[i], pairs_high, weight);
        }
    }
    for (uint32_t i = 0; i < g->count; i++) {
        int32_t lanes[2][16];
        _mm512_storeu_si512(lanes[0], low[i]);
        _mm512_storeu_si512(lanes[1], high[i]);
        for (uint32_t j = 0; j < 32; j++)
            g->sums[i][at + j] += lanes[j / 8 % 2][j / 16 * 8 + j % 8];
    }
}

static ASSAY_INLINE void values_fill(group *g, const int queries) {
    uint32_t count = g->part->count;
    memset(g->sums, 0, sizeof g->sums);
    for (uint32_t from = 0; from < count; from += SPAN) {
        uint32_t end = count - from < SPAN ? count : from + SPAN;
        for (uint32_t at = 0; at < g->padded; at += 32)
            values_span(g, at, from, end, queries);
    }
}

static ASSAY_INLINE void group_run(group *g, const int queries) {
    const assay_attention_part *part = g->part;
    float scales[QUERIES], totals[QUERIES];
    scores_fill(g, queries);
    for (uint32_t i = 0; i < g->count; i++) {
        float *weights = g->weights + i * (size_t)g->seen;
        int16_t *w16 = g->w16 + i * (size_t)g->seen;
        totals[i] = (float)weights_fill(weights, part) * 0x1p-24f;
        (void)assay_quantise_x16_avx512(w16, &scales[i], weights, part->count);
        memset(w16 + part->count, 0, (g->seen - part->count) * sizeof *w16);
    }
    values_fill(g, queries);
    for (uint32_t i = 0; i < g->count; i++) {
        float *out = part->out + (g->first + i) * (size_t)part->head_size;
        for (uint32_t j = 0; j < part->head_size; j++)
            out[j] = (float)g->sums[i][j] * scales[i] / totals[i];
    }
}

// Queries that there are none of cost as much as others, so the common counts have their own code.
static void group_of_one(group *g) {
    group_run(g, 1);
}
static void group_of_two(group *g) {
    group_run(g, 2);
}
static void group_of_four(group *g) {
    group_run(g, QUERIES);
}

void assay_attention_avx512(const assay_attention_part *part) {
    static void (*const runs[])(group *) = {group_of_one, group_of_two, group_of_four,
                                            group_of_four};
    group g = {.part = part};
    g.padded = (part->head_size + 31) / 32 * 32;
    g.seen = (part->count + PAGE - 1) / PAGE * PAGE;
    for (uint32_t first = 0; first < part->query_count; first += QUERIES) {
        uint32_t left = part->query_count - first;
        g.first = first;
        g.count = left < QUERIES ? left : QUERIES;
        g.weights = part->scratch;
        g.w16 = (int16_t *)(g.weights + g.count * (size_t)g.seen);
        for (uint32_t i = 0; i < g.count; i++)
            memcpy(g.q[i], part->q + (first + i) * (size_t)part->head_size,
                   part->head_size * sizeof(int16_t));
        runs[g.count - 1](&g);
    }
}
