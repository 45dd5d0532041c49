// SPDX-License-Identifier: Apache-2.0
// The roots of models and adapters that validators declare they can rerun, and how much
// verification bond stands behind each.
#ifndef ASSAY_LEDGER_DECLARED_H
#define ASSAY_LEDGER_DECLARED_H

#include "ledger/bond.h"

// The roots one validator declares. Absent: count 0.
typedef struct {
    uint32_t count;
    assay_hash roots[ASSAY_ROOTS_MAX]; // ascending
} assay_declared;

// Errors: CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_declared_get(assay_declared *out, const assay_reader *reader,
                                const assay_address *validator, assay_error *err);

// Does this validator declare this root, with a bond that counts? Errors: CORRUPT, MEMORY, IO.
// Spec: P-36.
assay_status assay_declared_has(bool *out, const assay_reader *reader, const assay_hash *root,
                                const assay_address *validator, assay_error *err);

// The next validator after *validator that declares `root` with an effective verification bond,
// ascending by address; weight: that bond. Start from the zero address.
// Errors: CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_declarer_next(assay_address *validator, uint64_t *weight, bool *found,
                                 const assay_reader *reader, const assay_params *params,
                                 const assay_hash *root, assay_error *err);

// Effective verification bond that declares `root`, and that of everyone, both without `aside`
// (NULL: no one). O(1): running sums. Errors: CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_declared_share(uint64_t *declared, uint64_t *total, const assay_reader *reader,
                                  const assay_params *params, const assay_hash *root,
                                  const assay_address *aside, assay_error *err);

// Transaction declare_roots: replaces the principal's set. Errors: REJECTED (NO_VERIFIER),
// CAPACITY, CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_declared_replace(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// A validator's effective verification bond has changed: the sums of its roots follow, and its rows
// where it came to nothing or from nothing. Called by ledger/bond.c only. Errors: CAPACITY,
// CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_declared_reweigh(assay_ledger *ledger, const assay_address *validator,
                                    uint64_t before, uint64_t after, assay_error *err);

// The running sum of effective bond behind a root. Errors: CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_declared_sum(uint64_t *out, const assay_reader *reader, const assay_hash *root,
                                assay_error *err);

#endif
