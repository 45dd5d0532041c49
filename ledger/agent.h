// SPDX-License-Identifier: Apache-2.0
// Agents: keys that act for a principal within scopes, until a height, under one spending limit
// per principal and epoch that all its agents share.
#ifndef ASSAY_LEDGER_AGENT_H
#define ASSAY_LEDGER_AGENT_H

#include "ledger/ledger.h"
#include "ledger/tx/tx.h"

typedef struct {
    uint32_t scopes; // ASSAY_SCOPE_ bits; 0: no such agent
    uint64_t expiry; // the last height at which it may act
} assay_agent;

// One a principal. spent counts in `epoch` only.
typedef struct {
    uint64_t limit; // nopen an epoch
    uint64_t epoch;
    uint64_t spent;
} assay_allowance;

// An absent allowance is zeros. Errors: CORRUPT, MEMORY, IO. Spec: P-31.
assay_status assay_allowance_get(assay_allowance *out, const assay_reader *reader,
                                 const assay_address *principal, assay_error *err);

// The next agent of a principal after *agent, ascending; *found false at the end; start from the
// zero address. Errors: CORRUPT, MEMORY, IO.
assay_status assay_agent_next(assay_address *agent, assay_agent *out, bool *found,
                              const assay_reader *reader, const assay_address *principal,
                              assay_error *err);

// Counts `amount` against the limit of the transaction's principal in its block's epoch.
// Errors: REJECTED (AGENT_LIMIT), CORRUPT, MEMORY, IO. Spec: P-31.
assay_status assay_allowance_spend(assay_ledger *ledger, uint64_t amount, assay_error *err);

// What the principal's agents may still spend in the epoch of `height`. Spec: P-31.
uint64_t assay_allowance_left(const assay_allowance *allowance, const assay_params *params,
                              uint64_t height);

// May `tx` be signed by its signer at `height`? A principal always; an agent in scope and in time.
// Errors: REJECTED (AGENT_UNKNOWN, AGENT_EXPIRED, AGENT_SCOPE), CORRUPT, MEMORY, IO. Spec: P-31.
assay_status assay_agent_check(const assay_reader *reader, const assay_tx *tx, uint64_t height,
                               assay_error *err);

// Transactions. authorize replaces what the agent had and sets the principal's one limit; what was
// spent in this epoch stays spent. Errors: REJECTED (AGENT_SELF, AGENT_EXPIRY, AGENT_UNKNOWN,
// ADDRESS_ZERO), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-31.
assay_status assay_agent_authorize(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_agent_revoke(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

#endif
