// SPDX-License-Identifier: Apache-2.0
// Bonds by role: active bond counts and is slashable; leaving bond only is slashable, and returns
// to the balance at its release height.
//   bond → active → (unbond) leaving → (release height, block end) balance
//   slash takes active first, then leaving, earliest release first
#ifndef ASSAY_LEDGER_BOND_H
#define ASSAY_LEDGER_BOND_H

#include "ledger/ledger.h"
#include "ledger/money.h"
#include "ledger/tx/tx.h"

enum {
    ASSAY_ROLE_MAX = 3,
    ASSAY_UNBONDING_MAX = 16, // leavings of one (role, address) at a time
};

typedef struct {
    uint64_t release; // height at whose end it returns
    uint64_t amount;  // nopen, after slashes
} assay_unbonding;

// A zeroed struct is an absent bond.
typedef struct {
    uint64_t active;
    uint32_t unbonding_count;
    assay_unbonding unbonding[ASSAY_UNBONDING_MAX]; // ascending by release
} assay_bond;

// "provider", "verification", "consensus", each at its role; NULL at 0.
extern const char *const assay_role_names[ASSAY_ROLE_MAX + 1];

// The role's minimum. Spec: P-28.
uint64_t assay_bond_min(const assay_params *params, uint8_t role);

// Absent bonds are zeros. Errors: CORRUPT, MEMORY, IO. Spec: P-28.
assay_status assay_bond_get(assay_bond *out, const assay_reader *reader, uint8_t role,
                            const assay_address *address, assay_error *err);

// What is leaving, all parts together. Spec: P-29.
uint64_t assay_bond_leaving(const assay_bond *bond);

// The bond that counts: active if at least the role's minimum, of verification half of it, else 0.
// Spec: P-28.
uint64_t assay_bond_effective(const assay_params *params, uint8_t role, const assay_bond *bond);

// Effective bond of one address, and of all of a role (a running total). Errors: CORRUPT, MEMORY,
// IO. Spec: P-28.
assay_status assay_bond_weight(uint64_t *out, const assay_reader *reader,
                               const assay_params *params, uint8_t role,
                               const assay_address *address, assay_error *err);
assay_status assay_bond_total(uint64_t *out, const assay_reader *reader, uint8_t role,
                              assay_error *err);

// The next bonded address (active or leaving) of a role after *address, ascending; *found false at
// the end. Start from the zero address, which cannot bond. Errors: CORRUPT, MEMORY, IO.
assay_status assay_bond_next(assay_address *address, assay_bond *out, bool *found,
                             const assay_reader *reader, uint8_t role, assay_error *err);

// Takes up to `amount` from active, then leaving bond, into `to`. taken (may be NULL): what there
// was. Role totals and declared shares follow at once. Errors: CORRUPT, MEMORY, IO. Spec: P-29.
assay_status assay_bond_slash(assay_ledger *ledger, uint8_t role, const assay_address *address,
                              uint64_t amount, assay_purse to, uint64_t *taken, assay_error *err);

// Exposure: fee totals of a provider's batches that are not final. add refuses more than its
// effective bond / bond_multiple; remove asserts that much is there.
// Errors: REJECTED (PROVIDER_BOND, EXPOSURE), CORRUPT, MEMORY, IO. Spec: P-30.
assay_status assay_exposure_add(assay_ledger *ledger, const assay_address *provider,
                                uint64_t fee_total, assay_error *err);
assay_status assay_exposure_remove(assay_ledger *ledger, const assay_address *provider,
                                   uint64_t fee_total, assay_error *err);
assay_status assay_exposure_get(uint64_t *out, const assay_reader *reader,
                                const assay_address *provider, assay_error *err);

// Transactions (P-28): bond and unbond. Leaving bond returns assay_params_unbond_blocks later.
// Errors: REJECTED (BOND_MIN, BOND_SHORT, UNBONDING_FULL, BALANCE_SHORT, AGENT_LIMIT),
// CAPACITY, CORRUPT, MEMORY, IO. Spec: P-28.
assay_status assay_bond_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_unbond_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// Due: returns what of (role, address) is released by the block's height to its balance.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-28.
assay_status assay_unbonding_release(assay_ledger *ledger, uint8_t role,
                                     const assay_address *address, assay_error *err);

#endif
