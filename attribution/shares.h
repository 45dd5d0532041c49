// SPDX-License-Identifier: Apache-2.0
// The division of a receipt's data share: half by spans, half by declared lineage.
#ifndef ASSAY_ATTRIBUTION_SHARES_H
#define ASSAY_ATTRIBUTION_SHARES_H

#include "attribution/spans.h"

enum { ASSAY_SHARES_TOTAL = 1000000 };

typedef struct {
    assay_hash dataset;
    uint32_t weight_ppm; // never 0
} assay_data_share;

// By data set ascending, each once; the weights add up to 1,000,000, or there are none.
typedef struct {
    assay_data_share items[ASSAY_SPAN_SOURCES_MAX];
    uint32_t count;
} assay_shares;

// Divides `total` by weights[count]: whole parts, then one each to the greatest remainders, the
// lower place first among equals. parts[count] add up to total, or are all 0 if the weights are.
// count <= ASSAY_SPAN_SOURCES_MAX. Spec: A-13.
void assay_shares_divide(uint32_t *parts, uint32_t total, const uint64_t *weights, uint32_t count);

// The table of a receipt, from the credits of sources[source_count] (assay_spans.credits). The
// order of the sources does not matter here. Errors: CAPACITY (over 32 sources), DUPLICATE, RANGE
// (a lineage weight over 1,000,000). Spec.
assay_status assay_shares_make(assay_shares *shares, const assay_span_source *sources,
                               uint32_t source_count, const uint64_t *credits, assay_error *err);

#endif
