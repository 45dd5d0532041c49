// SPDX-License-Identifier: Apache-2.0
// CometBFT as the engine: this side answers its requests with the application, and remembers what
// a node is asked about. What has to be fetched from CometBFT itself comes through a peer.
#ifndef ASSAY_CONSENSUS_ABCI_ENGINE_H
#define ASSAY_CONSENSUS_ABCI_ENGINE_H

#include "consensus/abci/message.h"
#include "consensus/engine.h"
#include "consensus/statesync/maker.h"
#include "consensus/statesync/restore.h"

typedef struct assay_abci_engine assay_abci_engine;

enum { ASSAY_ABCI_NOT_NOW = 2 }; // CheckTx's code where no rule refuses, P-19's begin at 100: E-22

// What only CometBFT knows: asked over its RPC, by whoever may use a network. Any thread.
typedef struct {
    void *self;

    // As those of assay_chain_engine; `find` for transactions that are not among the recent: errors
    // also NOT_FOUND (no index is kept of any).
    assay_status (*submit)(void *self, const void *tx, size_t size, assay_error *err);
    assay_status (*find)(void *self, const assay_hash *id, assay_tx_fate *out, assay_error *err);
    assay_block_fetch *block;
    assay_status (*light_block)(void *self, uint64_t height, json_t **out, assay_error *err);
} assay_abci_peer;

// Borrowed; application, peer, maker and restore must outlive the engine.
typedef struct {
    assay_application application;
    assay_abci_peer peer;
    const char *chain_id;             // CometBFT's, at most ASSAY_CHAIN_ID_MAX characters; copied
    assay_abci_params params;         // of CometBFT's genesis (E-30); without block: any
    uint64_t keep_blocks;             // of CometBFT's block store, 0 or no maker: all (E-67)
    uint64_t initial_height;          // of CometBFT's first block; 0: 1
    assay_statesync_maker *maker;     // snapshots for others; NULL: none
    assay_statesync_restore *restore; // takes a state from others; NULL: refuses all
} assay_abci_engine_options;

// Starts the thread on which blocks are executed and committed. An application without state waits
// for CometBFT's InitChain. Errors: MEMORY, BUSY (no thread to be had). Lives: until close, which
// drops a block not committed; the server and everyone who asks have ended before. Spec: E-20.
assay_status assay_abci_engine_open(assay_abci_engine **out,
                                    const assay_abci_engine_options *options, assay_error *err);
void assay_abci_engine_close(assay_abci_engine *engine);

// What a server serves. Spec: E-21 … E-28, E-64 … E-67.
assay_abci_application assay_abci_engine_application(assay_abci_engine *engine);

// How many rounds the last block took whose commit the application was shown, which is the one
// before the last (0: none yet), and all of them since the start. Any thread. Spec: F-71.
void assay_abci_engine_rounds(assay_abci_engine *engine, uint64_t *last, uint64_t *sum);

// What became of blocks that were proposed, since the start. Any thread. Spec: E-25.
typedef struct {
    uint64_t refused;                   // by this node
    uint64_t height;                    // of the last of them
    uint64_t own_height;                // of this node's own last one if that was, else 0
    char problem[ASSAY_ERROR_TEXT_MAX]; // why the last one was, "" if none was
} assay_abci_proposals;
void assay_abci_engine_proposals(assay_abci_engine *engine, assay_abci_proposals *out);

// What state sync has come to since the start. Any thread. Spec: F-71.
typedef struct {
    uint64_t served;                    // chunks for others
    uint64_t applied, refused;          // chunks of others
    uint64_t offers_refused;            // snapshots of others
    uint64_t restoring_ns;              // in offers and chunks
    char problem[ASSAY_ERROR_TEXT_MAX]; // why the last one was refused, "" if none was
} assay_abci_sync;
void assay_abci_engine_sync(assay_abci_engine *engine, assay_abci_sync *out);

// The engine's calls for a node; as long as the engine.
assay_chain_engine assay_abci_engine_calls(assay_abci_engine *engine);

#endif
