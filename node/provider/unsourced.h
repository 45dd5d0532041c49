// SPDX-License-Identifier: Apache-2.0
// Which of the loaded adapters cannot be answered for, since the data they come from is not loaded.
#ifndef ASSAY_NODE_PROVIDER_UNSOURCED_H
#define ASSAY_NODE_PROVIDER_UNSOURCED_H

#include "node/options.h"
#include "node/wallet/client.h"
#include "node/workshop/workshop.h"

// Zeroed it knows nothing. The owner's lock guards `adapters`; `known` is one thread's, which
// looks.
typedef struct {
    bool known[ASSAY_OPTION_TEXTS_MAX]; // lineages never change, nor what is loaded
    bool adapters[ASSAY_OPTION_TEXTS_MAX];
} assay_unsourced;

// Looks at what is registered of an adapter of the workshop, unless that is known. Returns: whether
// it was found to be unsourced, for the caller to take over, which a line in the log tells. Not
// registered, or not to be said until the data sets are indexed, is not known. Errors: those of
// node. Spec: F-53.
assay_status assay_unsourced_look(assay_unsourced *known, bool *found, const assay_client *client,
                                  const assay_workshop *shop, uint32_t adapter, assay_error *err);

#endif
