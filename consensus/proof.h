// SPDX-License-Identifier: Apache-2.0
// One file that proves a payout to someone who has the genesis file and nothing else:
//   payout leaf → the epoch's payout root → its record under the state root → app hash → header of
//   the next height → the validators' signatures.
#ifndef ASSAY_CONSENSUS_PROOF_H
#define ASSAY_CONSENSUS_PROOF_H

#include <jansson.h>

#include "consensus/light/verify.h"
#include "ledger/genesis.h"
#include "ledger/payout.h"
#include "ledger/state/smt.h"
#include "ledger/view.h"

enum {
    ASSAY_PROOF_VERSION = 2,
    ASSAY_PROOF_JSON_MAX = 8 << 20,        // ten thousand signatures take 6 MiB,
    ASSAY_PROOF_JSON_VALUES_MAX = 1 << 18, // and they and their validators 22 values each
    ASSAY_PROOF_PAYOUTS_MAX = 5,           // one a role
};

// Fixed size, owns nothing but its part of a JSON document.
typedef struct {
    assay_epoch epoch;
    assay_payout_proof payouts[ASSAY_PROOF_PAYOUTS_MAX]; // of one account, by role ascending
    uint32_t payout_count;                               // at least 1
    assay_smt_proof record;                              // the epoch's record under state_root
    assay_hash state_root;
    assay_hash history_root;
    json_t *light_block; // of the height after the state's; a reference of its own
} assay_proof;

// Drops the reference. A zeroed struct is safe to close.
void assay_proof_close(assay_proof *proof);

// Collects what one account was paid in a closed epoch, in every role. The light block is the
// engine's part: of height view->height + 1. Errors: NOT_FOUND (epoch open, or nothing paid),
// CORRUPT, MEMORY, IO. Spec: C-17.
assay_status assay_proof_make(assay_proof *out, const assay_view *view, uint64_t epoch,
                              const assay_address *account, assay_error *err);

// Checks every link but the last: from the payouts to the light block's header, which is read into
// the arena and which nobody has signed yet. Errors: MISMATCH (names the link), RANGE, and those of
// assay_light_document_read. Spec: C-17.
assay_status assay_proof_links(assay_light_block *block, const assay_proof *proof,
                               assay_arena *arena, assay_error *err);

// Checks every link, down to the genesis's own validators. Where others sign by now, a light client
// is needed that follows them. Errors: as above; MISMATCH (other validators), SIGNATURE.
// Spec: C-17.
assay_status assay_proof_check(assay_light_block *block, const assay_proof *proof,
                               const assay_genesis *genesis, assay_arena *arena, assay_error *err);

// The file's JSON. Returns: a new reference, NULL if memory is out. Spec: F-44.
json_t *assay_proof_json(const assay_proof *proof, const assay_genesis *genesis);

// Reads a proof file's JSON; `genesis` is the one it must name, NULL: any. Errors: VERSION,
// MISMATCH (another chain), FORMAT, MISSING, UNKNOWN, RANGE, CAPACITY. Lives: until
// assay_proof_close. Spec: F-44.
assay_status assay_proof_read(assay_proof *out, const json_t *document,
                              const assay_genesis *genesis, assay_error *err);

#endif
