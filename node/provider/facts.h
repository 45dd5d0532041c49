// SPDX-License-Identifier: Apache-2.0
// What a provider must know of the chain before it works for money: how high it is, and how much of
// its fees may be open at a time.
#ifndef ASSAY_NODE_PROVIDER_FACTS_H
#define ASSAY_NODE_PROVIDER_FACTS_H

#include "node/wallet/client.h"

typedef struct {
    uint64_t height;
    uint64_t cover; // nopen of fees that the provider bond covers in open batches (P-30)
    uint64_t open;  // of them taken by batches that are not yet final or void
} assay_provider_facts;

// Asks the node for all three. They may be of blocks that follow each other: what is open is read
// after what the bond covers. Errors: NETWORK, FORMAT … Spec: P-30, F-53.
assay_status assay_provider_facts_fetch(assay_provider_facts *out, const assay_client *client,
                                        const assay_address *provider, uint64_t bond_multiple,
                                        assay_error *err);

#endif
