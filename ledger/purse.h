// SPDX-License-Identifier: Apache-2.0
// Internal: the records outside of money.c that hold money, as money.c changes them. Nobody else
// calls these. put adds; take removes what it asserts is there.
#ifndef ASSAY_LEDGER_PURSE_H
#define ASSAY_LEDGER_PURSE_H

#include "ledger/ledger.h"

// Active bond of (role, address). Errors: CORRUPT, MEMORY, IO. Spec: P-28.
assay_status assay_bond_put(assay_ledger *ledger, uint8_t role, const assay_address *address,
                            uint64_t amount, assay_error *err);
assay_status assay_bond_take(assay_ledger *ledger, uint8_t role, const assay_address *address,
                             uint64_t amount, assay_error *err);

// Leaving bond, earliest release first. Errors: CORRUPT, MEMORY, IO. Spec: P-29.
assay_status assay_unbonding_take(assay_ledger *ledger, uint8_t role, const assay_address *address,
                                  uint64_t amount, assay_error *err);

// A session's free or reserved money. Errors: CORRUPT, MEMORY, IO. Spec: P-37.
assay_status assay_session_put(assay_ledger *ledger, const assay_hash *id, bool reserved,
                               uint64_t amount, assay_error *err);
assay_status assay_session_take(assay_ledger *ledger, const assay_hash *id, bool reserved,
                                uint64_t amount, assay_error *err);

// The bond in a registration's record, up or down. Errors: CAPACITY, CORRUPT, MEMORY, IO.
// Spec: P-33, P-34, P-35.
assay_status assay_dataset_bond_change(assay_ledger *ledger, const assay_hash *root, int64_t change,
                                       assay_error *err);
assay_status assay_model_bond_change(assay_ledger *ledger, const assay_hash *root, int64_t change,
                                     assay_error *err);
assay_status assay_adapter_bond_change(assay_ledger *ledger, const assay_hash *root, int64_t change,
                                       assay_error *err);

// An amount after a change that must be possible: everything is less than 2^63.
static inline uint64_t assay_purse_changed(uint64_t amount, int64_t change) {
    ASSAY_ASSERT(change >= 0 || amount >= (uint64_t)-change);
    return amount + (uint64_t)change;
}

#endif
