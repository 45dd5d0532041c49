// SPDX-License-Identifier: Apache-2.0
// A recorded block as an outsider takes it: nothing is believed but the genesis.
#ifndef ASSAY_CONSENSUS_REPLAY_H
#define ASSAY_CONSENSUS_REPLAY_H

#include "consensus/tip.h"
#include "ledger/app.h"

// The end of a chain before its first block, for an app whose init_chain has happened and which has
// no block yet. Errors: RANGE (several validators). Spec: C-10.
assay_status assay_replay_start(assay_tip *tip, const assay_app *app, assay_error *err);

// Takes one block onto both: it follows the tip and is signed by the genesis's operator, an honest
// proposer would have made it, and executing it comes to the recorded results and application hash.
// It is then committed and the tip is its. On failure the app stays at the last block.
// Errors: MISMATCH (names the height and what differs), SIGNATURE, REJECTED (a block no honest
// proposer makes: names the transaction), CAPACITY (arena), and those of the app. Spec: C-10, C-16.
assay_status assay_replay_block(assay_tip *tip, assay_app *app, const assay_block *block,
                                assay_arena *arena, assay_error *err);

#endif
