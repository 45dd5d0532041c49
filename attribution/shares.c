// SPDX-License-Identifier: Apache-2.0
#include "attribution/shares.h"

#include <stdbool.h>

void assay_shares_divide(uint32_t *parts, uint32_t total, const uint64_t *weights, uint32_t count) {
    assay_u128 sum = 0, remainders[ASSAY_SPAN_SOURCES_MAX];
    uint32_t left = total;
    ASSAY_ASSERT(count <= ASSAY_SPAN_SOURCES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        sum += weights[i];
        parts[i] = 0;
    }
    if (sum == 0) return;
    for (uint32_t i = 0; i < count; i++) {
        assay_u128 product = (assay_u128)weights[i] * total;
        parts[i] = (uint32_t)(product / sum);
        remainders[i] = product % sum;
        left -= parts[i];
    }
    // Fewer are left than there are remainders other than 0.
    for (; left > 0; left--) {
        uint32_t greatest = 0;
        for (uint32_t i = 1; i < count; i++)
            if (remainders[i] > remainders[greatest]) greatest = i;
        parts[greatest]++;
        remainders[greatest] = 0;
    }
}

// Places of the sources by ascending id.
static assay_status order_make(uint32_t *order, const assay_span_source *sources,
                               uint32_t source_count, assay_error *err) {
    for (uint32_t i = 0; i < source_count; i++) {
        uint32_t at = i;
        for (; at > 0; at--) {
            int sign =
                memcmp(sources[order[at - 1]].id.bytes, sources[i].id.bytes, ASSAY_HASH_SIZE);
            if (sign == 0)
                return ASSAY_FAIL(err, DUPLICATE, "source %u is source %u again", i, order[at - 1]);
            if (sign < 0) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return ASSAY_OK;
}

static bool any(const uint64_t *weights, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (weights[i]) return true;
    return false;
}

assay_status assay_shares_make(assay_shares *shares, const assay_span_source *sources,
                               uint32_t source_count, const uint64_t *credits, assay_error *err) {
    uint32_t order[ASSAY_SPAN_SOURCES_MAX], by_credit[ASSAY_SPAN_SOURCES_MAX],
        by_lineage[ASSAY_SPAN_SOURCES_MAX];
    uint64_t credit[ASSAY_SPAN_SOURCES_MAX] = {0}, lineage[ASSAY_SPAN_SOURCES_MAX] = {0};
    *shares = (assay_shares){0};
    if (source_count > ASSAY_SPAN_SOURCES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u sources, limit %d", source_count,
                          ASSAY_SPAN_SOURCES_MAX);
    ASSAY_TRY(order_make(order, sources, source_count, err));
    for (uint32_t i = 0; i < source_count; i++) {
        credit[i] = credits[order[i]];
        lineage[i] = sources[order[i]].lineage_ppm;
        if (lineage[i] > ASSAY_SHARES_TOTAL)
            return ASSAY_FAIL(err, RANGE, "lineage weight %u ppm, limit %d",
                              sources[order[i]].lineage_ppm, ASSAY_SHARES_TOTAL);
    }
    // a half that nothing claims goes with the other one.
    uint32_t half = ASSAY_SHARES_TOTAL / 2;
    if (!any(credit, source_count) || !any(lineage, source_count)) half = ASSAY_SHARES_TOTAL;
    assay_shares_divide(by_credit, half, credit, source_count);
    assay_shares_divide(by_lineage, half, lineage, source_count);
    for (uint32_t i = 0; i < source_count; i++) {
        uint32_t weight_ppm = by_credit[i] + by_lineage[i];
        if (weight_ppm == 0) continue;
        shares->items[shares->count++] = (assay_data_share){sources[order[i]].id, weight_ppm};
    }
    return ASSAY_OK;
}
