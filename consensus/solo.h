// SPDX-License-Identifier: Apache-2.0
// The embedded engine: one process orders, signs and keeps the blocks. Its operator can reorder and
// censor; it can't forge, since everyone replays. Outgrowing it means CometBFT.
#ifndef ASSAY_CONSENSUS_SOLO_H
#define ASSAY_CONSENSUS_SOLO_H

#include "consensus/blocklog.h"
#include "consensus/engine.h"
#include "consensus/fates.h"

typedef struct assay_solo assay_solo;

// Told before each block, of the log's `count`, that is executed again. Returns: false to end it.
typedef bool (*assay_solo_replayed)(void *self, uint64_t height, uint64_t count);

// Borrowed for the call but for `application`, which must outlive the engine.
typedef struct {
    const char *folder; // of the block log
    assay_application application;
    const char *chain_id;                 // CometBFT's form, <= ASSAY_CHAIN_ID_MAX characters
    uint64_t genesis_seconds;             // the earliest time a header may state
    uint64_t power;                       // of the one validator
    uint8_t seed[ASSAY_ED25519_KEY_SIZE]; // its consensus key's secret
    uint32_t block_ms;                    // pause between blocks, 0: none
    assay_solo_replayed replayed;         // NULL: nobody asks
    void *replayed_self;
} assay_solo_options;

// Opens the log and brings the application to its end: replays what the application lacks, and
// compares every result with the recorded one.
// Errors: BUSY, CORRUPT (the log has less than the application, or replay came to other bytes),
// MISMATCH (a logged block does not follow), RANGE (chain id), STOPPED (by `replayed`; the next
// opening goes on), and those of the log and the application. Lives: until assay_solo_close. Spec:
// C-10, C-16, C-18.
assay_status assay_solo_open(assay_solo **out, const assay_solo_options *options, assay_error *err);

// Stops the thread, if any, after its block. Waiting transactions are dropped.
void assay_solo_close(assay_solo *solo);

// The engine's calls for a node, of which `find` reads the log backwards; as long as the engine.
// Spec: C-12, C-15.
assay_chain_engine assay_solo_engine(assay_solo *solo);

// Makes blocks on a thread of its own: when transactions wait, or the application does.
// Errors: EXISTS (it runs), BUSY, MEMORY (no thread to be had). Spec: C-15.
assay_status assay_solo_start(assay_solo *solo, assay_error *err);

// Makes one block now on the caller's thread; not while the engine's own runs (asserted).
// Errors: those of the log and the application; nothing is then counted, and the next step goes on
// from there: a block once logged is committed before any other is made. Spec: C-14.
assay_status assay_solo_step(assay_solo *solo, assay_error *err);

// Takes no more transactions, lets those that wait get into blocks for at most timeout_ms, and ends
// the thread; whoever waits for a block goes on. Returns: how many are left without a block.
// Spec: C-15.
uint32_t assay_solo_drain(assay_solo *solo, uint32_t timeout_ms);

#endif
