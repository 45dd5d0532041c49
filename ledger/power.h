// SPDX-License-Identifier: Apache-2.0
// Consensus power: who may propose, and how much they weigh. It follows the consensus bonds at
// epoch ends only, and no faster than power_step_ppm of all power an epoch.
#ifndef ASSAY_LEDGER_POWER_H
#define ASSAY_LEDGER_POWER_H

#include "ledger/ledger.h"

enum { ASSAY_POWER_MAX = 256 }; // proposers at a time
static_assert((int)ASSAY_POWER_MAX >= (int)ASSAY_GENESIS_VALIDATORS_MAX, "all of the genesis");

// One proposer. power: whole OPEN of consensus bond, as of the last epoch end.
typedef struct {
    assay_address address;
    uint64_t power;
} assay_power;

// Height 0: the genesis's validators are the proposers. Errors: CAPACITY, CORRUPT, MEMORY, IO.
// Spec: P-47.
assay_status assay_power_init(assay_ledger *ledger, assay_error *err);

// Gives an account a place with power 0; nothing if it has one. Errors: REJECTED (VALIDATORS_FULL),
// CAPACITY, CORRUPT, MEMORY, IO. Spec: P-91.
assay_status assay_power_join(assay_ledger *ledger, const assay_address *account, assay_error *err);

// Takes all power of an account, unless nobody else has any. Errors: CAPACITY, CORRUPT, MEMORY, IO.
// Spec: P-93.
assay_status assay_power_drop(assay_ledger *ledger, const assay_address *account, assay_error *err);

// All proposers ascending by address into out [ASSAY_POWER_MAX]. Errors: CORRUPT, MEMORY, IO.
// Spec: P-47.
assay_status assay_power_list(assay_power *out, uint32_t *count, const assay_reader *reader,
                              assay_error *err);

// Moves powers [count] towards targets [count] so that Σ |change| ≤ step_ppm of Σ power (at least
// 1); the whole way if that suffices, else in proportion, floors, what is left over in order. Never
// takes the last power away: targets that are all zero change nothing. Spec: P-47.
void assay_power_step(assay_power *powers, const uint64_t *targets, uint32_t count,
                      uint64_t step_ppm);

// Epoch end: a step towards the effective consensus bonds, 0 for the jailed and the barred.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-47.
assay_status assay_power_epoch(assay_ledger *ledger, assay_error *err);

#endif
