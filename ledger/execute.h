// SPDX-License-Identifier: Apache-2.0
// One transaction against the state: admission (nonce, authority, fee), then its rule.
//   not admitted → nothing changes; a proposer never includes it
//   admitted, refused by its rule → nonce taken, base fee burned, nothing else changes
//   accepted → all that, and a fee for each new state key
#ifndef ASSAY_LEDGER_EXECUTE_H
#define ASSAY_LEDGER_EXECUTE_H

#include "ledger/ledger.h"
#include "ledger/verify.h"

// What transactions already waiting ahead of this one will have done; zeros when none wait.
typedef struct {
    uint64_t nonce;     // the signer's next nonce in this lane, if above the state's
    uint64_t outflow;   // nopen that will leave the principal's balance
    uint64_t by_agents; // of it, what counts against its agents' limit
} assay_ahead;

// May this transaction enter a block of `height`? fee: what admission burns.
// Errors: REJECTED (tx->code, BEACON_PLACE, NONCE, AGENT_UNKNOWN, AGENT_EXPIRED, AGENT_SCOPE,
// BATCH_UNKNOWN, CASE_VOTER, EVIDENCE_PROVIDER, FEE_SHORT, AGENT_LIMIT), CORRUPT, MEMORY, IO.
// Spec: P-26, P-27.
assay_status assay_admission_check(uint64_t *fee, const assay_reader *reader,
                                   const assay_params *params, uint64_t height,
                                   const assay_verified_tx *tx, const assay_ahead *ahead,
                                   assay_error *err);

// Executes it as the block's transaction number ledger->tx_index.
// Errors: REJECTED: refused, the state is as the table above says. Others are fatal to the block.
// Spec: P-26, P-27.
assay_status assay_execute(assay_ledger *ledger, const assay_verified_tx *tx, assay_error *err);

// What this transaction is to move out of its principal's balance: the amount it names, or the bond
// of what it registers. Keys and check prices come on top. Spec: P-26.
uint64_t assay_outflow_named(const assay_tx *tx, const assay_params *params);

// The most this transaction takes from its principal's balance beside its admission fee, for a
// proposer that keeps what follows it payable. A batch's check price is that of models of up to
// ASSAY_OUTFLOW_MODEL_MIB; beyond, a later transaction may turn out not to be admitted.
// Returns: at most INT64_MAX. Spec: P-39.
enum { ASSAY_OUTFLOW_MODEL_MIB = 64 << 10 };
uint64_t assay_outflow_max(const assay_tx *tx, const assay_params *params);

#endif
