// SPDX-License-Identifier: Apache-2.0
// Commitments to roots: made before a registration shows its root, and old enough when it does, so
// that who copies what it sees comes too late.
//   committed → (>= commitment_blocks later) used up by the registration; never removed otherwise.
#ifndef ASSAY_LEDGER_COMMITMENT_H
#define ASSAY_LEDGER_COMMITMENT_H

#include "ledger/ledger.h"
#include "ledger/tx/tx.h"

// A commitment's date.
typedef struct {
    uint64_t height;
    uint32_t index; // its transaction's place in that block
} assay_commitment;

// SHA-256(root || salt || owner); salt NULL: of zeros, as models and adapters have it.
// Spec: P-33, P-34, P-35.
void assay_commitment_hash(assay_hash *out, const assay_hash *root, const assay_hash *salt,
                           const assay_address *owner);

// *found false if it was never made or is used up. Errors: CORRUPT, MEMORY, IO. Spec: P-33.
assay_status assay_commitment_get(assay_commitment *out, bool *found, const assay_reader *reader,
                                  const assay_hash *hash, assay_error *err);

// The transaction. Errors: REJECTED (COMMITMENT_EXISTS), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-33.
assay_status assay_commitment_make(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// Uses up the principal's commitment to a root and gives its date. Errors: REJECTED
// (COMMITMENT_UNKNOWN, COMMITMENT_EARLY), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-33, P-34, P-35.
assay_status assay_commitment_use(assay_commitment *out, assay_ledger *ledger,
                                  const assay_hash *root, const assay_hash *salt, assay_error *err);

#endif
