// SPDX-License-Identifier: Apache-2.0
// Data sets: committed (the date), then registered under their root; retired by their owner.
//   commit → (>= commitment_blocks later) register, bond taken → retire → bond returns after the
//   unbonding time. A root has one owner for ever: the first to register it.
#ifndef ASSAY_LEDGER_DATASET_H
#define ASSAY_LEDGER_DATASET_H

#include "ledger/ledger.h"
#include "ledger/money.h"
#include "ledger/tx/tx.h"

// (committed, committed_index) is the data set's date: unique, and what "earliest" means (P-33).
typedef struct {
    assay_address owner;
    uint64_t committed;       // height of the commitment
    uint32_t committed_index; // its transaction's place in that block
    uint64_t registered;      // height
    uint64_t retired;         // height, 0 if in use
    uint64_t released;        // height at which a retired one's bond returns, 0 if in use
    uint64_t chunk_count;
    uint64_t byte_count;
    uint64_t bond;                            // nopen, after slashes
    assay_hash fingerprint_root;              // zero: none
    char license[ASSAY_LICENSE_SIZE_MAX + 1]; // SPDX expression
    char name[ASSAY_NAME_SIZE_MAX + 1];
    char uri[ASSAY_URI_SIZE_MAX + 1];
} assay_dataset;

// *found false if never registered. Errors: CORRUPT, MEMORY, IO. Spec: P-33.
assay_status assay_dataset_get(assay_dataset *out, bool *found, const assay_reader *reader,
                               const assay_hash *root, assay_error *err);

// The next data set after *root, ascending; start from the zero hash. Errors: CORRUPT, MEMORY, IO.
assay_status assay_dataset_next(assay_hash *root, assay_dataset *out, bool *found,
                                const assay_reader *reader, assay_error *err);

// Transactions. A registration uses up its commitment; the root's first one stands for ever.
// Errors: REJECTED (COMMITMENT_UNKNOWN, COMMITMENT_EARLY, DATASET_EXISTS, DATASET_UNKNOWN,
// DATASET_OWNER, DATASET_RETIRED, ROOT_ZERO, BALANCE_SHORT, AGENT_LIMIT), CAPACITY, CORRUPT,
// MEMORY, IO. Spec: P-33.
assay_status assay_dataset_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_dataset_retire(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// Due: returns a retired data set's bond. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-33.
assay_status assay_dataset_release(assay_ledger *ledger, const assay_hash *root, assay_error *err);

#endif
