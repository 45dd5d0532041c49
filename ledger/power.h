// SPDX-License-Identifier: Apache-2.0
// Consensus power: who may propose, and how much they weigh. It follows the consensus bonds at
// epoch ends only, and no faster than power_step_ppm of all power an epoch.
#ifndef ASSAY_LEDGER_POWER_H
#define ASSAY_LEDGER_POWER_H

#include "ledger/ledger.h"

// Places at a time, and how many of them head for power. The others are where newcomers stand until
// an epoch's end: with all places taken by power, nobody could come.
enum { ASSAY_POWER_MAX = 288, ASSAY_POWER_ACTIVE_MAX = 256 };
static_assert((int)ASSAY_POWER_ACTIVE_MAX >= (int)ASSAY_GENESIS_VALIDATORS_MAX, "the genesis's");

// One proposer. power: whole OPEN of consensus bond, as of the last epoch end.
typedef struct {
    assay_address address;
    uint64_t power;
} assay_power;

// What a consensus bond, in nopen, weighs: its whole OPEN; a genesis has none below one. Spec: C-5,
// P-47.
uint64_t assay_voting_power(uint64_t bond);

// Height 0: the genesis's validators are the proposers. Errors: CAPACITY, CORRUPT, MEMORY, IO.
// Spec: P-47.
assay_status assay_power_init(assay_ledger *ledger, assay_error *err);

// Gives an account with that effective consensus bond, in nopen, a place with power 0; nothing if
// it has one. Where all are taken, that of the one without power whose bond is least, if it is
// less. Errors: REJECTED (VALIDATORS_FULL), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-91.
assay_status assay_power_join(assay_ledger *ledger, const assay_address *account, uint64_t bond,
                              assay_error *err);

// Takes all power of an account, unless nobody else has any. Errors: CAPACITY, CORRUPT, MEMORY, IO.
// Spec: P-93.
assay_status assay_power_drop(assay_ledger *ledger, const assay_address *account, assay_error *err);

// All proposers ascending by address into out [ASSAY_POWER_MAX]. Errors: CORRUPT, MEMORY, IO.
// Spec: P-47.
assay_status assay_power_list(assay_power *out, uint32_t *count, const assay_reader *reader,
                              assay_error *err);

// Moves powers [count] towards targets [count] so that Σ |change| ≤ step_ppm of Σ power (at least
// 1); the whole way if that suffices, else in proportion, floors, what is left over by ones, those
// that rise first. Σ power is then at least the lesser of Σ power before and Σ target. Targets that
// are all zero change nothing. Spec: P-47.
void assay_power_step(assay_power *powers, const uint64_t *targets, uint32_t count,
                      uint64_t step_ppm);

// Leaves the ASSAY_POWER_ACTIVE_MAX greatest of targets [count] as they are, the first among
// equals, and makes the others 0. Spec: P-47.
void assay_power_choose(uint64_t *targets, uint32_t count);

// Epoch end: a step towards the effective consensus bonds, 0 for the jailed, the barred and those
// that are not chosen. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-47.
assay_status assay_power_epoch(assay_ledger *ledger, assay_error *err);

#endif
