// SPDX-License-Identifier: Apache-2.0
// A commit by one validator, in CometBFT's form: a precommit's sign bytes under ed25519.
#ifndef ASSAY_CONSENSUS_TYPES_COMMIT_H
#define ASSAY_CONSENSUS_TYPES_COMMIT_H

#include "base/ed25519.h"
#include "consensus/types/header.h"

typedef struct {
    uint64_t height;
    assay_block_id block;
    assay_address validator;
    assay_time time;
    uint8_t signature[ASSAY_ED25519_SIGNATURE_SIZE];
} assay_commit;

enum { ASSAY_VOTE_BYTES_MAX = 256 };

// A precommit as its signature sees it.
typedef struct {
    uint64_t height;
    uint32_t round;
    assay_block_id block; // all zero: for none
    assay_time time;
} assay_precommit;

// The bytes a vote signs (length-prefixed CanonicalVote). chain_id: at most ASSAY_CHAIN_ID_MAX
// bytes. Returns: their count in out [ASSAY_VOTE_BYTES_MAX]. Spec: C-6.
size_t assay_precommit_sign_bytes(uint8_t *out, const assay_precommit *vote, assay_bytes chain_id);

// The bytes a precommit of round 0 for a block signs (length-prefixed CanonicalVote).
// Returns: their count in out [ASSAY_VOTE_BYTES_MAX]. Spec: C-6.
size_t assay_commit_sign_bytes(uint8_t *out, const assay_commit *commit, const char *chain_id);

// Fills validator and signature; height, block and time are set before. Errors: MEMORY. Spec: C-6.
assay_status assay_commit_sign(assay_commit *commit, const char *chain_id, const uint8_t *seed,
                               assay_error *err);

// LastCommitHash: RFC 6962 over the commit's signatures; NULL: the empty commit before height 1.
// Spec: C-6.
void assay_commit_hash(assay_hash *out, const assay_commit *commit);

// A vote, of `flag`, as a leaf of that hash: of the commit its validator, time and signature. Spec:
// C-6.
void assay_commit_vote_leaf(assay_hash *out, uint32_t flag, const assay_commit *commit);

// The commit as CometBFT's protobuf message, for the block's parts. Spec: C-6.
void assay_commit_protobuf(assay_writer *writer, const assay_commit *commit);

// The commit in Assay's own files. Spec: C-4.
void assay_commit_write(assay_writer *writer, const assay_commit *commit);
void assay_commit_read(assay_cursor *cursor, assay_commit *commit);

#endif
