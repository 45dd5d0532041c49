// SPDX-License-Identifier: Apache-2.0
// The engine as engine.c (threads and what a node asks), blocks.c (what CometBFT asks) and
// snapshots.c (its state sync) share it. The invariants are in engine.c.
#ifndef ASSAY_CONSENSUS_ABCI_ENGINE_PRIVATE_H
#define ASSAY_CONSENSUS_ABCI_ENGINE_PRIVATE_H

#include <pthread.h>

#include "consensus/abci/engine.h"

enum { ASSAY_ABCI_BLOCK_ARENA_MAX = 128 << 20 };

// One request on its way to the consensus thread, on its caller's stack.
typedef struct {
    const assay_abci_request *request;
    assay_abci_reply *reply;
    assay_arena *arena;
    assay_error *err;
    assay_status status;
    bool done;
} assay_abci_job;

// The finalised block, until the next one: what its commit tells those who ask.
typedef struct {
    uint64_t height; // 0: none
    uint64_t rounds; // that the block before it took, 0: there was none
    assay_executed executed;
} assay_abci_finalized;

struct assay_abci_engine {
    assay_abci_engine_options options;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];

    // The consensus thread's.
    assay_arena arena;
    assay_abci_finalized finalized;
    assay_address proposer; // this node's, once it was asked for a proposal

    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    assay_abci_job *job; // NULL: none
    bool stopping;
    pthread_t thread;
    bool running;
    assay_fates fates;
    assay_idtable waiting[2]; // accepted since the last commit, and since the one before
    uint64_t height;
    uint64_t rounds_last; // of the last block whose commit is known, 0: of none
    uint64_t rounds;      // of all of them since the start
    assay_abci_sync sync;
    assay_abci_proposals proposals;
    assay_error failure;
};

// Answers a request that belongs on the consensus thread, there. Errors: those of the application;
// MISMATCH (another chain). Spec: E-22 … E-26, E-65, E-66.
assay_status assay_abci_block_call(assay_abci_engine *engine, const assay_abci_request *request,
                                   assay_abci_reply *reply, assay_arena *arena, assay_error *err);

// Answers the requests of state sync: for what this node has on any thread, for what it takes on
// the consensus thread. Errors: CAPACITY. Spec: E-64, E-65, E-66.
assay_status assay_abci_snapshot_call(assay_abci_engine *engine, const assay_abci_request *request,
                                      assay_abci_reply *reply, assay_arena *arena,
                                      assay_error *err);

// What the engine's health is from now on. Any thread. Spec: E-90.
void assay_abci_engine_fail(assay_abci_engine *engine, const assay_error *why);

// Tells everyone of the committed block. On the consensus thread.
void assay_abci_engine_publish(assay_abci_engine *engine);

static inline assay_status assay_abci_copy(assay_bytes *out, const void *data, size_t size,
                                           assay_arena *arena, assay_error *err) {
    return assay_arena_copy(arena, data, size, "bytes of a reply", out, err);
}

#endif
