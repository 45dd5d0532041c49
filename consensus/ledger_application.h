// SPDX-License-Identifier: Apache-2.0
// The ledger as an engine's application, with the proposer's beacon secrets beside it.
#ifndef ASSAY_CONSENSUS_LEDGER_APPLICATION_H
#define ASSAY_CONSENSUS_LEDGER_APPLICATION_H

#include "consensus/beacon_chains.h"
#include "consensus/engine.h"
#include "ledger/app.h"
#include "ledger/power.h"
#include "ledger/tx/tx.h"

// Borrows app and chains, which must outlive it. Without chains it signs no beacon, and validators
// take none of its proposals (P-39).
typedef struct {
    assay_app *app;
    assay_beacon_chains *chains; // of the validator whose node this is
    bool wrong_app_hash;         // a testnet's liar: answers hashes of no state (E-24)
    bool no_preimage;            // another one: its beacons have none
    uint8_t beacon[ASSAY_TX_HEAD_SIZE + ASSAY_HASH_SIZE + ASSAY_SIGNATURE_SIZE];
} assay_ledger_application;

// The table of calls over `self`. Lives: as long as self. Spec: C-11 … C-15.
assay_application assay_ledger_application_calls(assay_ledger_application *self);

// The set that the state has, without those of no power, into out [ASSAY_ENGINE_VALIDATORS_MAX].
// Errors: BUSY (no state yet), CORRUPT, MEMORY, IO. Spec: C-5.
assay_status assay_ledger_validators(assay_validator_update *out, uint32_t *count, assay_app *app,
                                     assay_error *err);

// The chain's name in headers, "assay-<chain id>-<16 digits of the genesis hash>", into out
// [ASSAY_CHAIN_ID_MAX + 1]: what is signed on one chain says nothing on another of the same
// operator. Spec: C-3.
void assay_chain_name(char *out, const assay_genesis *genesis);

#endif
