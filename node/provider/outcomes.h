// SPDX-License-Identifier: Apache-2.0
// What the chain decides of the batches that this run sent. A void one is told: it earns nothing,
// and costs a part of the bond where the reason is fraud.
#ifndef ASSAY_NODE_PROVIDER_OUTCOMES_H
#define ASSAY_NODE_PROVIDER_OUTCOMES_H

#include "node/wallet/client.h"

enum { ASSAY_OUTCOMES_MAX = 256 };

// Zeroed: none. One thread.
typedef struct {
    assay_hash open[ASSAY_OUTCOMES_MAX]; // [count], for all that is known
    uint32_t count;
    uint32_t next; // to ask for
} assay_outcomes;

// One more batch that is in a block; where there is no room one that was open is forgotten.
void assay_outcomes_add(assay_outcomes *outcomes, const assay_hash *batch);

// Asks for a few of the open ones, in turn, tells the void ones (event batch_void), and forgets
// what is decided. voided: how many were void. Errors: those of node. Spec: F-54.
assay_status assay_outcomes_look(assay_outcomes *outcomes, uint32_t *voided,
                                 const assay_client *client, assay_error *err);

#endif
