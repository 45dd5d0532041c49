// SPDX-License-Identifier: Apache-2.0
// Randomness from the proposers' hash chains: B_h = SHA-256(B_{h−1} || preimage), or
// SHA-256(B_{h−1}) for a block without one.
//   registered → (2 epochs, and reveals by > 1/3 of the other power) in force → used up
//   misses past beacon_misses_max or verdict_misses_max in an epoch → jailed to the end of the next
//   epoch
#ifndef ASSAY_LEDGER_BEACON_H
#define ASSAY_LEDGER_BEACON_H

#include "base/ed25519.h"
#include "ledger/ledger.h"
#include "ledger/power.h"
#include "ledger/tx/tx.h"

// One proposer's chain: SHA-256(next preimage) = head. A zeroed struct is no chain.
typedef struct {
    assay_hash head;         // of the chain in force
    uint64_t left;           // preimages left in it
    assay_hash pending_tip;  // of the chain waiting to come into force
    uint64_t pending_length; // 0: none
    uint64_t pending_height; // its registration
    uint64_t revealed;       // height of the last reveal, 0: none
    uint64_t misses;         // own beacons without a preimage in miss_epoch
    uint64_t vote_misses;    // votes it missed in miss_epoch
    uint64_t miss_epoch;     // the epoch that both count for
    uint64_t jailed_epoch;   // last epoch of the jail; jailed while `jailed`
    bool jailed;
} assay_chain;

// Height 0: B_0 = SHA-256("beacon" || genesis hash); the validators' chains are in force at once.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-45.
assay_status assay_beacon_init(assay_ledger *ledger, assay_error *err);

// Once a block, before its transactions: advances B with the proposer's beacon (NULL: none). A
// wrong preimage counts as none, and either is a miss of a proposer that has signed. *code: the
// transaction's result, 0 or BEACON_SIGNATURE, BEACON_PREIMAGE, BEACON_NO_CHAIN.
// Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-45, P-46.
assay_status assay_beacon_block(assay_ledger *ledger, const assay_tx *beacon, uint32_t *code,
                                assay_error *err);

// Is it the beacon transaction of this proposer's block of this height? Spec: P-8.
bool assay_beacon_is_for(const assay_tx *tx, const assay_address *proposer, uint64_t height);

// Signs a beacon, whose other members are filled, with its signer's consensus key. genesis: the
// genesis hash. Errors: MEMORY. Spec: P-45.
assay_status assay_beacon_sign(assay_tx *tx, const assay_hash *genesis,
                               const uint8_t seed[ASSAY_ED25519_KEY_SIZE], assay_error *err);

// Would this beacon, which is for the next block, be taken? For proposers and process_proposal.
// Errors: REJECTED (BEACON_SIGNATURE, BEACON_PREIMAGE, BEACON_NO_CHAIN), CORRUPT, MEMORY, IO.
// Spec: P-45.
assay_status assay_beacon_check(const assay_reader *reader, const assay_genesis *genesis,
                                const assay_tx *tx, assay_error *err);

// register_chain by the principal: waits to come into force; replaces one that waits.
// Errors: REJECTED (CHAIN_LENGTH, CHAIN_BOND: no effective consensus bond), CAPACITY, CORRUPT,
// MEMORY, IO. Spec: P-46.
assay_status assay_beacon_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// Who has power and when each revealed last, as it is now: read once for all batches that wait.
typedef struct {
    assay_address address;
    uint64_t power;
    uint64_t revealed; // height, 0: never
    bool counts;       // is not jailed, and has had a chain in force
} assay_proposer;

typedef struct {
    uint64_t total;    // power that counts
    uint32_t powerful; // proposers with power
    uint32_t count;
    assay_proposer proposers[ASSAY_POWER_MAX];
} assay_turnout;

// Errors: CORRUPT, MEMORY, IO. Spec: P-48.
assay_status assay_turnout_load(assay_turnout *out, const assay_reader *reader, uint64_t epoch,
                                assay_error *err);

// Has enough been revealed since `height` (in later blocks) that `provider` cannot have known B?
// > 1/3 of the power that counts without the provider; any reveal if nobody else has power.
// Spec: P-48.
bool assay_beacon_ready(const assay_turnout *turnout, uint64_t height,
                        const assay_address *provider);

// Whether it may be so for any provider at all. Spec: P-48.
bool assay_beacon_possible(const assay_turnout *turnout, uint64_t height);

// The last block at which a batch included at `height` gets its beacon. Spec: P-48.
uint64_t assay_beacon_deadline(const assay_turnout *turnout, const assay_params *params,
                               uint64_t height);

// A vote on a case was missed: counts against a validator as its missed preimages do, with a limit
// of its own; nothing for an account without a consensus key. Errors: CAPACITY, CORRUPT, MEMORY,
// IO. Spec: P-95.
assay_status assay_beacon_vote_missed(assay_ledger *ledger, const assay_address *account,
                                      assay_error *err);

// Is it jailed in this epoch? Spec: P-46.
bool assay_chain_is_jailed(const assay_chain *chain, uint64_t epoch);

// Absent chains are zeros. Errors: CORRUPT, MEMORY, IO. Spec: P-46.
assay_status assay_chain_get(assay_chain *out, const assay_reader *reader,
                             const assay_address *proposer, assay_error *err);

// The same as its proposer's block of `height`, the next one, will have it: a chain that waits
// comes into force at that block, not before. Errors: as above. Spec: P-46.
assay_status assay_chain_next(assay_chain *out, const assay_reader *reader,
                              const assay_params *params, uint64_t height,
                              const assay_address *proposer, assay_error *err);

// B after the last executed block, and B_h of any past height (aux). Errors: NOT_FOUND (no such
// block), CORRUPT, MEMORY, IO. Spec: P-45.
assay_status assay_beacon_last(assay_hash *out, const assay_reader *reader, assay_error *err);
assay_status assay_beacon_at(assay_hash *out, const assay_reader *reader, uint64_t height,
                             assay_error *err);

#endif
