// SPDX-License-Identifier: Apache-2.0
// The text of the sets' attention: up to four queries share what is unfolded of keys and values.
// Included after the set's dot_*.h, with the four functions that are declared below.
//
// A score is below 256 * 32767 * 127 < 2^31 and needs int32 alone; values are flushed to int64
// after 512 positions, 256 pairs of at most 2 * 32767 * 127 < 2^23. Vectors may run past a row into
// what lies behind it in the block, where they meet zeros of the padded queries, or sums that
// nobody reads.
#include "kernels/ref/softmax.h"

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

// `queries`, 1, 2 or 4, is at least the group's count.

// The scores of all positions, into g->weights.
static ASSAY_INLINE void scores_fill(group *g, const int queries);

// DOT_LANES elements of two positions, the second head_size bytes after the first, as pairs: what
// weights of two positions meet, in the set's order.
static ASSAY_INLINE void pairs_unfold(dot_vector *low, dot_vector *high, const int8_t *v,
                                      size_t head_size);

// Two weights in every place.
static ASSAY_INLINE dot_vector pair_spread(int32_t pair);

// The sums of pairs as DOT_LANES int32 in the order of the elements.
static ASSAY_INLINE void pairs_store(int32_t *out, dot_vector low, dot_vector high);

// lanes[i] = w16 of query i times values, elements at .. at + DOT_LANES - 1 of the head, positions
// from .. end - 1 <= from + SPAN.
static ASSAY_INLINE void values_span(int32_t (*lanes)[DOT_LANES], const group *g, uint32_t at,
                                     uint32_t from, uint32_t end, const int queries) {
    size_t head_size = g->part->head_size;
    const int16_t *w16[QUERIES];
    dot_vector low[QUERIES] = {0}, high[QUERIES] = {0};
    for (uint32_t i = 0; i < QUERIES; i++)
        w16[i] = g->w16 + (i < g->count ? i : 0) * (size_t)g->seen;
    for (uint32_t page = from; page < end; page += PAGE) {
        const int8_t *v = kv_page_at(g->part, page).v + at;
        uint32_t page_end = end - page < PAGE ? end : page + PAGE;
        for (uint32_t t = page; t < page_end; t += 2, v += 2 * head_size) {
            dot_vector pairs_low, pairs_high;
            pairs_unfold(&pairs_low, &pairs_high, v, head_size);
            ASSAY_UNROLL for (int i = 0; i < queries; i++) {
                int32_t pair;
                memcpy(&pair, w16[i] + t, sizeof pair);
                dot_vector weight = pair_spread(pair);
                low[i] = dot_add(low[i], pairs_low, weight);
                high[i] = dot_add(high[i], pairs_high, weight);
            }
        }
    }
    ASSAY_UNROLL for (int i = 0; i < queries; i++) pairs_store(lanes[i], low[i], high[i]);
}

static ASSAY_INLINE void values_fill(group *g, const int queries) {
    uint32_t count = g->part->count;
    for (uint32_t from = 0; from < count; from += SPAN) {
        uint32_t end = count - from < SPAN ? count : from + SPAN;
        for (uint32_t at = 0; at < g->padded; at += DOT_LANES) {
            int32_t lanes[QUERIES][DOT_LANES];
            values_span(lanes, g, at, from, end, queries);
            for (uint32_t i = 0; i < g->count; i++)
                for (uint32_t j = 0; j < DOT_LANES; j++)
                    g->sums[i][at + j] = (from ? g->sums[i][at + j] : 0) + lanes[i][j];
        }
    }
}

static ASSAY_INLINE void group_run(group *g, const int queries) {
    const assay_attention_part *part = g->part;
    float scales[QUERIES], totals[QUERIES];
    scores_fill(g, queries);
    for (uint32_t i = 0; i < g->count; i++) {
        float *weights = g->weights + i * (size_t)g->seen;
        int16_t *w16 = g->w16 + i * (size_t)g->seen;
        totals[i] = (float)weights_fill(weights, part, scores_max(weights, part->count)) * 0x1p-24f;
        (void)ASSAY_OP(quantise_x16)(w16, &scales[i], weights, part->count);
        memset(w16 + part->count, 0, (g->seen - part->count) * sizeof *w16);
    }
    values_fill(g, queries);
    for (uint32_t i = 0; i < g->count; i++) {
        float *out = part->out + (g->first + i) * (size_t)part->head_size;
        float scale = scales[i], total = totals[i]; // of which the compiler knows that out is not
        for (uint32_t j = 0; j < part->head_size; j++)
            out[j] = (float)g->sums[i][j] * scale / total;
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

void ASSAY_OP(attention)(const assay_attention_part *part) {
    static void (*const runs[])(group *) = {group_of_one, group_of_two, group_of_four,
                                            group_of_four};
    size_t head_size = part->head_size;
    group g;
    g.part = part;
    g.padded = (part->head_size + DOT_LANES - 1) / DOT_LANES * DOT_LANES;
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
        runs[g.count - 1](&g);
    }
}
