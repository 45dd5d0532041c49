// SPDX-License-Identifier: Apache-2.0
// An adapter's sources as the ledger has them: who is a candidate for attribution, in which order.
#ifndef ASSAY_NODE_WORKSHOP_LINEAGE_H
#define ASSAY_NODE_WORKSHOP_LINEAGE_H

#include "ledger/tx/request.h"
#include "ledger/tx/tx.h"
#include "node/wallet/client.h"

typedef struct {
    assay_hash dataset;
    uint32_t weight_ppm;
    uint64_t committed; // the data set's date: height and place of its commitment
    uint32_t committed_index;
    uint64_t byte_count; // as registered, which nobody checked
    uint64_t chunk_count;
} assay_lineage_source;

// By date, the earliest first. Fixed size, owns nothing. The base alone has no sources.
typedef struct {
    assay_hash adapter;
    assay_hash base;
    uint32_t count;
    assay_lineage_source sources[ASSAY_SOURCES_MAX];
} assay_lineage;

// Asks the node. adapter zero: an empty lineage without a call. Errors: NOT_FOUND (not registered),
// NETWORK, FORMAT … Spec: P-35.
assay_status assay_lineage_fetch(assay_lineage *out, const assay_client *client,
                                 const assay_hash *adapter, assay_error *err);

#endif
