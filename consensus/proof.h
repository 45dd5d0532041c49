// SPDX-License-Identifier: Apache-2.0
// One file that proves a payout to someone who has the genesis file and nothing else:
//   payout leaf → the epoch's payout root → its record under the state root → app hash → header of
//   the next height → the validator's signature.
#ifndef ASSAY_CONSENSUS_PROOF_H
#define ASSAY_CONSENSUS_PROOF_H

#include <jansson.h>

#include "consensus/commit.h"
#include "ledger/genesis.h"
#include "ledger/payout.h"
#include "ledger/smt.h"
#include "ledger/view.h"

enum {
    ASSAY_PROOF_VERSION = 1,
    ASSAY_PROOF_JSON_MAX = 256 << 10,
    ASSAY_PROOF_PAYOUTS_MAX = 5, // one a role
};

// Fixed size, owns nothing.
typedef struct {
    assay_epoch epoch;
    assay_payout_proof payouts[ASSAY_PROOF_PAYOUTS_MAX]; // of one account, by role ascending
    uint32_t payout_count;                               // at least 1
    assay_smt_proof record;                              // the epoch's record under state_root
    assay_hash state_root;
    assay_hash history_root;
    assay_header header; // of the height after the state's
    assay_commit commit;
} assay_proof;

// Collects what one account was paid in a closed epoch, in every role. The header and commit are
// the engine's part: of height view->height + 1. Errors: NOT_FOUND (epoch open, or nothing paid),
// CORRUPT, MEMORY, IO. Spec: C-17.
assay_status assay_proof_make(assay_proof *out, const assay_view *view, uint64_t epoch,
                              const assay_address *account, assay_error *err);

// Checks every link, down to the genesis's validator. Errors: MISMATCH (names the link),
// SIGNATURE, RANGE. Spec: C-17.
assay_status assay_proof_check(const assay_proof *proof, const assay_genesis *genesis,
                               assay_error *err);

// The file's JSON. Returns: a new reference, NULL if memory is out. Spec: F-44.
json_t *assay_proof_json(const assay_proof *proof, const assay_genesis *genesis);

// Reads a proof file's JSON; `genesis` is the one it must name. Errors: VERSION, MISMATCH (another
// chain), FORMAT, MISSING, UNKNOWN, RANGE, CAPACITY. Spec: F-44.
assay_status assay_proof_read(assay_proof *out, const json_t *document,
                              const assay_genesis *genesis, assay_error *err);

#endif
