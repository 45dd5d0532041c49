// SPDX-License-Identifier: Apache-2.0
// Who signs blocks: accounts and their ed25519 consensus keys. A key belongs to one account, and an
// account to one key, for ever.
//   (none) ──genesis or register──→ registered ──double sign──→ barred
#ifndef ASSAY_LEDGER_VALIDATOR_H
#define ASSAY_LEDGER_VALIDATOR_H

#include "ledger/power.h"

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

#endif
