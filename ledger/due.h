// SPDX-License-Identifier: Apache-2.0
// Things that happen by themselves at a height: bond that is released, sessions that end,
// registration bonds that return. A queue of each kind in the state, ordered by (height, id).
#ifndef ASSAY_LEDGER_DUE_H
#define ASSAY_LEDGER_DUE_H

#include "ledger/ledger.h"

typedef enum {
    ASSAY_DUE_UNBONDING = 1, // role u8, address
    ASSAY_DUE_SESSION = 2,   // session id
    ASSAY_DUE_DATASET = 3,   // root
    ASSAY_DUE_KINDS = 3,
} assay_due_kind;

// Adds or removes an entry; id[size], size <= ASSAY_HASH_SIZE. Adding twice is once.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-40.
assay_status assay_due_put(assay_ledger *ledger, uint64_t height, assay_due_kind kind,
                           const void *id, size_t size, assay_error *err);
assay_status assay_due_delete(assay_ledger *ledger, uint64_t height, assay_due_kind kind,
                              const void *id, size_t size, assay_error *err);

// The lowest height at which something of a kind is due; *found false if nothing is.
// Errors: CORRUPT, MEMORY, IO. Spec: P-40.
assay_status assay_due_first(uint64_t *height, bool *found, assay_due_kind kind,
                             const assay_reader *reader, assay_error *err);

// At the end of a block: takes what is due, in order, and lets it happen.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-40.
assay_status assay_due_run(assay_ledger *ledger, assay_error *err);

#endif
