// SPDX-License-Identifier: Apache-2.0
// CometBFT's home for a chain of ours: its genesis and the validator's key, in CometBFT's own form.
// Source: CometBFT types/genesis.go, privval/file.go.
#ifndef ASSAY_NODE_COMET_HOME_H
#define ASSAY_NODE_COMET_HOME_H

#include "consensus/abci/message.h"
#include "consensus/engine.h"
#include "ledger/genesis.h"

// Where CometBFT takes over. Borrowed for the call.
typedef struct {
    const assay_genesis *genesis;
    uint64_t height;     // of the last block so far, 0: none
    assay_hash app_hash; // after it
    assay_time time;     // of the first block to come: later than the last one's
    const assay_validator_update *validators; // [validator_count]
    uint32_t validator_count;
    // The last height at which the validator's key may have signed for CometBFT before; 0: none.
    uint64_t signed_to;
} assay_comet_start;

// CometBFT's consensus parameters for a chain of these of ours. Spec: E-30.
void assay_comet_params(assay_abci_params *out, const assay_params *params);

// Makes a folder fit for assay_comet_home_write, and writes data/priv_validator_state.json there.
// What is there already stays: a genesis or a sign state must be the one that would be written,
// and a key is none of ours; but where this is a repetition the key must be ours, and beside it the
// sign state counts as it is, for CometBFT may have signed. seed: ed25519's, of the consensus key;
// NULL: a node that is no validator gets neither. Errors: EXISTS (names the file), NOT_FOUND (a key
// without a sign state), PERMISSION, DISK_FULL, IO, MEMORY. Spec: E-31.
assay_status assay_comet_home_prepare(const char *folder, const assay_comet_start *start,
                                      const uint8_t *seed, bool repeated, assay_error *err);

// Writes config/priv_validator_key.json (mode 0600) and config/genesis.json, the last, where they
// are not there yet. Errors: EXISTS (another is there), PERMISSION, DISK_FULL, IO, MEMORY.
// Spec: E-30, E-31.
assay_status assay_comet_home_write(const char *folder, const assay_comet_start *start,
                                    const uint8_t *seed, assay_error *err);

#endif
