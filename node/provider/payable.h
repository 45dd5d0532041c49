// SPDX-License-Identifier: Apache-2.0
// For which of the loaded roots the chain would pay: sequences have no gaps, so that one receipt
// that no batch can hold keeps all after it of its session from being paid.
#ifndef ASSAY_NODE_PROVIDER_PAYABLE_H
#define ASSAY_NODE_PROVIDER_PAYABLE_H

#include "node/options.h"
#include "node/wallet/client.h"
#include "node/workshop/workshop.h"

enum { ASSAY_PAYABLE_MAX = ASSAY_OPTION_TEXTS_MAX + 1 }; // the base, then the adapters

typedef struct {
    uint64_t asked_ms;   // monotonic; 0: never
    assay_error refusal; // what the ledger says to a batch with it; status OK: nothing
} assay_payable_row;

// A cache; zeroed it knows nothing. The owner's lock guards it.
typedef struct {
    assay_payable_row rows[ASSAY_PAYABLE_MAX];
} assay_payable;

// Asks the node about one row of the workshop: 0 for its model alone, 1 + i for its adapter i.
// Errors: those of node, other than the ledger's refusal. Spec: P-36, P-54, F-53.
assay_status assay_payable_fetch(assay_payable_row *out, const assay_client *client,
                                 const assay_workshop *shop, uint32_t row,
                                 const assay_address *provider, assay_error *err);

// Takes an answer over unless it is older than what is known. Returns: whether it is another one,
// the first only if it is a refusal: then it is to be told, without the lock, since whoever reads
// the log may take their time. Spec: F-53.
bool assay_payable_note(assay_payable *payable, uint32_t row, const assay_payable_row *answer);

// Writes a line in the log. Spec: F-53.
void assay_payable_tell(const assay_workshop *shop, uint32_t row, const assay_payable_row *answer);

// The row of a loaded adapter, or of none (zero).
uint32_t assay_payable_row_of(const assay_workshop *shop, const assay_hash *adapter);

// Whether a row's answer is younger than age_ms, a refusal than an eighth of it.
bool assay_payable_known(const assay_payable *payable, uint32_t row, uint64_t age_ms);

#endif
