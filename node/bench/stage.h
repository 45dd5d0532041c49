// SPDX-License-Identifier: Apache-2.0
// A chain of one validator in a temporary folder, served over ABCI on a socket beside its state, as
// assay node serves it; CometBFT's part is the measurement's.
#ifndef ASSAY_NODE_BENCH_STAGE_H
#define ASSAY_NODE_BENCH_STAGE_H

#include "consensus/abci/server.h"
#include "node/bench/state.h"
#include "node/comet/comet.h"

// A zeroed struct is safe to close. One thread.
typedef struct {
    assay_bench_state state;
    assay_comet comet; // an address that nobody is asked at
    assay_abci_engine *engine;
    assay_abci_application abci;
    assay_abci_server *server;
    assay_address proposer; // consensus address
    assay_arena arena;      // of the block in work
} assay_bench_stage;

// Opens everything and takes the genesis. Errors: those of making a chain and of listening. Spec:
// E-20.
// Lives: until close, which removes the folder.
assay_status assay_bench_stage_open(assay_bench_stage *stage,
                                    const assay_bench_state_options *options, assay_error *err);
void assay_bench_stage_close(assay_bench_stage *stage);

// Signs new transfers, all of the stage's, into txs [transfers.count]. Errors: those of signing.
// Lives: until the next call.
assay_status assay_bench_stage_sign(assay_bench_stage *stage, assay_bytes *txs, assay_error *err);

// What a proposer makes of txs [count]: the next block, its beacon first, by PrepareProposal.
// Errors: MISMATCH (one was left out), those of the application. Lives: until the next call;
// borrows txs.
assay_status assay_bench_stage_propose(assay_bench_stage *stage, assay_abci_block *out,
                                       const assay_bytes *txs, uint32_t count, assay_error *err);

// FinalizeBlock and Commit of what propose gave, every transaction with code 0, without a socket.
// Errors: MISMATCH (names the refusal), those of the application.
assay_status assay_bench_stage_execute(assay_bench_stage *stage, const assay_abci_block *block,
                                       assay_error *err);

#endif
