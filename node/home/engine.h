// SPDX-License-Identifier: Apache-2.0
// The engine a home asks for, opened over its application: the embedded one, or CometBFT's socket.
#ifndef ASSAY_NODE_HOME_ENGINE_H
#define ASSAY_NODE_HOME_ENGINE_H

#include "consensus/ledger_application.h"
#include "consensus/solo.h"
#include "node/comet/comet.h"
#include "node/home/facts.h"
#include "node/home/home.h"
#include "node/home/refusals.h"

// What CometBFT last said of its peers.
typedef struct {
    pthread_mutex_t lock;
    uint64_t asked_ns; // 0: never
    bool known;
    uint32_t count;
} assay_peers_glance;

// A zeroed struct is safe to close.
typedef struct {
    assay_chain_engine calls; // for the API
    assay_solo *solo;         // or
    assay_abci_engine *abci;  // with
    assay_abci_server *server;
    assay_comet comet;
    assay_peers_glance peers;
    assay_statesync_maker *maker; // abci's
    assay_statesync_restore *restore;
    uint64_t failures_told;       // of the maker's
    uint64_t refusals_told;       // of others' snapshots and chunks
    uint64_t proposals_told;      // that were refused
    assay_refusals refusals;      // of the server
    assay_solo_replayed replayed; // set before open, if at all
    void *replayed_self;
    uint64_t opened_ns;
} assay_node_engine;

// Opens and brings the application to the end of the log (solo), or listens for CometBFT (abci),
// which does the same by its handshake. Borrows home and application, which must outlive it.
// Errors: as assay_solo_open; as assay_abci_server_open; MISMATCH (secrets of another validator).
// Lives: until close. Spec: C-16, E-20.
assay_status assay_node_engine_open(assay_node_engine *engine, const assay_home *home,
                                    const assay_operator *secrets,
                                    assay_ledger_application *application, assay_error *err);

// Lets blocks come. Errors: BUSY, MEMORY.
assay_status assay_node_engine_start(assay_node_engine *engine, assay_error *err);

// Takes no more transactions and lets those that wait into blocks for at most timeout_ms. Returns:
// how many are left without a block; CometBFT's mempool is its own affair. Spec: C-15.
uint32_t assay_node_engine_drain(assay_node_engine *engine, uint32_t timeout_ms);

// What CometBFT's side knows, of solo the uptime: an API's facts, of an open assay_node_engine.
// Asks CometBFT for its peers at most every five seconds, and waits for two at most. Any thread.
// Spec: E-92.
void assay_node_engine_facts(void *engine, assay_engine_facts *out);

// Whether CometBFT is connected, or need not be yet, and took this node's last proposal. Errors:
// NETWORK, REJECTED. Any thread. Spec: F-71.
assay_status assay_node_engine_well(void *engine, assay_error *err);

// Logs since the last call a snapshot that could not be made, one of another node's that was
// refused, a block that was, and what was refused at the ABCI address. The thread that started the
// engine. Spec: E-8, E-25, E-64, E-66.
void assay_node_engine_tell(assay_node_engine *engine);

// After everyone who asks has ended.
void assay_node_engine_close(assay_node_engine *engine);

#endif
