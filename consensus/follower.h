// SPDX-License-Identifier: Apache-2.0
// A chain of several validators as an outsider takes it: the genesis, or a state, is believed, and
// no more than that. Every header must be what executing the blocks before it comes to.
#ifndef ASSAY_CONSENSUS_FOLLOWER_H
#define ASSAY_CONSENSUS_FOLLOWER_H

#include "consensus/ledger_application.h"
#include "consensus/light/block.h"

typedef struct {
    assay_light_validator list[ASSAY_ENGINE_VALIDATORS_MAX];
    uint32_t count;
} assay_follower_set;

// Borrows the app. Everything is of the next block: who may sign it, and what it must refer to.
typedef struct {
    assay_ledger_application application;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    assay_follower_set set, next_set;
    assay_block_id last; // all zero before the first
    assay_time time;     // of the last header; of a chain moved to CometBFT, the caller sets it
    assay_hash app_hash;
    assay_hash results_hash;
    assay_hash consensus_hash; // always the same
    uint64_t height;           // of the last block
} assay_follower;

// From the app's last commit; the chain's first block is the next one. init_chain has happened.
// Errors: as assay_ledger_validators, RANGE (powers). Spec: E-93.
assay_status assay_follower_start(assay_follower *follower, assay_app *app, assay_error *err);

// Takes the next block: its header refers to the block before it, to the state and results that
// were computed here, to the validators that follow from them and to the genesis's consensus
// parameters; an honest proposer would have made it; it is executed and committed. What it comes
// to, the next header says. header.proposer is a consensus address; of commit the block's id is
// used. On failure the app stays at the last block. Errors: MISMATCH (names the height and what
// differs), REJECTED (no honest proposer makes it), RANGE (powers), CAPACITY (arena), and those of
// the app. Spec: E-93.
assay_status assay_follower_take(assay_follower *follower, const assay_block *block,
                                 const assay_misbehavior *misbehaviors, uint32_t misbehavior_count,
                                 assay_arena *arena, assay_error *err);

// Whether this is the last block's header, signed by more than 2/3 of the validators that follow
// from what was executed. With it all blocks before it are signed for, as each names the last.
// Errors: MISMATCH, and those of assay_light_check. Spec: E-93.
assay_status assay_follower_check(const assay_follower *follower, const assay_light_block *block,
                                  assay_arena *arena, assay_error *err);

#endif
