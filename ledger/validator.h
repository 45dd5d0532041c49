// SPDX-License-Identifier: Apache-2.0
// Who signs blocks: accounts and their ed25519 consensus keys. A key belongs to one account, and an
// account to one key, for ever.
//   (none) ──genesis or register──→ registered ──misbehaviour──→ barred
#ifndef ASSAY_LEDGER_VALIDATOR_H
#define ASSAY_LEDGER_VALIDATOR_H

#include "ledger/power.h"
#include "ledger/tx/tx.h"

typedef struct {
    uint8_t ed25519[ASSAY_ED25519_KEY_SIZE];
    bool barred; // signed two blocks of one height: its power is 0 for ever
} assay_validator;

// A validator as engines know it.
typedef struct {
    assay_address address; // the account
    uint8_t ed25519[ASSAY_ED25519_KEY_SIZE];
    uint64_t power; // may be 0: registered, or on its way out
} assay_validator_power;

// Height 0: the genesis's validators. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-21, P-90.
assay_status assay_validator_init(assay_ledger *ledger, assay_error *err);

// The 68 bytes over which a key's holder signs that it stands for an account.
enum { ASSAY_VALIDATOR_MESSAGE_SIZE = 15 + ASSAY_HASH_SIZE + ASSAY_ADDRESS_SIZE };
void assay_validator_message(uint8_t out[ASSAY_VALIDATOR_MESSAGE_SIZE], const assay_hash *genesis,
                             const assay_address *account);

// register_validator by the principal: joins the power table with power 0, if it is not there.
// Errors: REJECTED (VALIDATOR_BOND, VALIDATOR_BARRED, VALIDATOR_KEY, VALIDATOR_PROOF,
// VALIDATORS_FULL), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-91.
assay_status assay_validator_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// What an engine may report; the numbers are CometBFT's. Others change nothing.
enum { ASSAY_MISBEHAVIOR_DOUBLE_SIGN = 1, ASSAY_MISBEHAVIOR_LIGHT_CLIENT = 2 };
typedef struct {
    assay_address validator; // consensus address
    uint64_t height;         // at which it signed what it must not
    uint8_t type;
} assay_misbehavior;

// Slashes and bars the validator, once for each height. Errors: CAPACITY, CORRUPT, MEMORY, IO.
// Spec: P-93.
assay_status assay_validator_punish(assay_ledger *ledger, const assay_misbehavior *misbehavior,
                                    assay_error *err);

// The start of a block: forgets offences of heights that cannot be punished any more, 4096 at
// most. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-93.
assay_status assay_validator_sweep(assay_ledger *ledger, assay_error *err);

// *found false: the account has no consensus key. Errors: CORRUPT, MEMORY, IO. Spec: P-90.
assay_status assay_validator_get(assay_validator *out, bool *found, const assay_reader *reader,
                                 const assay_address *account, assay_error *err);

// The account behind a consensus address (C-2). *found false: no key has it.
// Errors: CORRUPT, MEMORY, IO. Spec: P-90.
assay_status assay_validator_by_consensus(assay_address *account, bool *found,
                                          const assay_reader *reader,
                                          const assay_address *consensus, assay_error *err);

// Everyone in the power table, ascending by account, into out [ASSAY_POWER_MAX].
// Errors: CORRUPT, MEMORY, IO. Spec: P-47, P-90.
assay_status assay_validator_list(assay_validator_power *out, uint32_t *count,
                                  const assay_reader *reader, assay_error *err);

// A change of power for the engine.
typedef struct {
    uint8_t ed25519[ASSAY_ED25519_KEY_SIZE];
    uint64_t power; // 0: leaves the set
} assay_validator_update;

// Everyone in the power table before and after a block.
typedef struct {
    assay_validator_power list[ASSAY_POWER_MAX];
    uint32_t count;
} assay_validator_set;

// What has changed, ascending by key. out [2 * ASSAY_POWER_MAX]. Returns: how many.
// Spec: P-92, E-96.
uint32_t assay_validator_updates(assay_validator_update *out, const assay_validator_set *before,
                                 const assay_validator_set *after);

#endif
