// SPDX-License-Identifier: Apache-2.0
// The two sides of an engine: what it asks of the application it orders transactions for, shaped
// like ABCI 2.0, and what a node asks of it. The engine decides which bytes come when; the
// application decides what they mean.
//   info → [init_chain] → { { prepare_proposal | process_proposal }* → finalize_block → commit →
//   recheck }*
// check_tx comes from any thread, several at once, beside all but recheck and the checks that
// follow it; all others come from the engine's one thread.
#ifndef ASSAY_CONSENSUS_ENGINE_H
#define ASSAY_CONSENSUS_ENGINE_H

#include <jansson.h>

#include "consensus/fates.h"
#include "ledger/app.h"

// A block as it is handed over; borrowed for the call.
typedef struct {
    uint64_t height;
    assay_time time;
    assay_address proposer; // consensus address (C-2)
    const assay_bytes *txs; // [tx_count]
    uint32_t tx_count;
    const assay_misbehavior *misbehaviors; // [misbehavior_count]
    uint32_t misbehavior_count;
} assay_engine_block;

enum { ASSAY_ENGINE_VALIDATORS_MAX = 288 };

// What a block came to, beside its results. Lives: until the next call.
typedef struct {
    assay_hash app_hash;
    const assay_validator_update *updates; // [update_count] whose power has changed
    uint32_t update_count;
} assay_engine_outcome;

// What waits for a block, oldest first; borrowed for the call.
typedef struct {
    uint64_t height;        // of the block to make
    assay_address proposer; // its consensus address
    uint64_t bytes_max; // of its transactions and 8 bytes for each; 0: the application's own limit
    const assay_bytes *txs;
    uint32_t tx_count;
} assay_engine_candidates;

typedef struct {
    void *self;

    // What the application has. Spec: C-11.
    void (*info)(void *self, assay_app_info *out);

    // Height 0. Repeating it changes nothing. Errors: as the application's. Spec: C-11.
    assay_status (*init_chain)(void *self, assay_error *err);

    // The validators that sign the first block after the last committed one's set took effect, into
    // out [ASSAY_ENGINE_VALIDATORS_MAX], after init_chain. Errors: as the application's. Spec: C-5.
    assay_status (*validators)(void *self, assay_validator_update *out, uint32_t *count,
                               assay_error *err);

    // Whether the transaction may wait for a block; id: its SHA-256. again: it has waited since
    // before the last block, and has its room. Any thread. Errors: REJECTED with its code. Spec:
    // C-12, E-28.
    assay_status (*check_tx)(void *self, const void *tx, size_t size, bool again, assay_hash *id,
                             assay_error *err);

    // Drops what check_tx remembers; the engine then checks the waiting ones again. Spec: C-12.
    void (*recheck)(void *self);

    // The block to propose, out of the candidates. picked [tx_count] gets their indices;
    // *first, where not empty, is a transaction of the proposer's own to put before them, borrowed
    // until the next call. Errors: as the application's. Spec: C-13.
    assay_status (*prepare_proposal)(void *self, const assay_engine_candidates *candidates,
                                     uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                     assay_error *err);

    // Would an honest proposer have made this block? A function of the block and of the last
    // committed state. Errors: REJECTED (it would not), and the application's own troubles.
    // Spec: P-26.
    assay_status (*process_proposal)(void *self, const assay_engine_block *block, assay_error *err);

    // Executes without persisting. The caller's results [tx_count] come zeroed; its texts
    // [tx_count] get the refusals' sentences ("" if none), borrowed until the next call: they are
    // for people and in no hash. Errors: as the application's, fatal to the engine. Spec: C-14.
    assay_status (*finalize_block)(void *self, const assay_engine_block *block,
                                   assay_tx_result *results, const char **texts,
                                   assay_engine_outcome *out, assay_error *err);

    // Persists what was finalised, all or nothing. Errors: DISK_FULL …: may be repeated. Spec:
    // C-14.
    assay_status (*commit)(void *self, assay_error *err);

    // Whether blocks must keep coming although no transaction waits: a window is open. Spec: C-15.
    bool (*waiting)(void *self);

    // These transactions [count] are asked of check_tx next, by this thread; borrowed for the call.
    // No answer depends on it. Any thread; NULL: it gains nothing. Spec: E-22.
    void (*expect)(void *self, const assay_bytes *txs, uint32_t count);
} assay_application;

// The transactions of the block to propose, in the arena; picked ones' bytes are the candidates'.
// Errors: CAPACITY, and the application's. Spec: C-13.
assay_status assay_proposal_make(const assay_bytes **txs, uint32_t *tx_count,
                                 const assay_application *app,
                                 const assay_engine_candidates *candidates, assay_arena *arena,
                                 assay_error *err);

// Of a block's transactions, in an arena.
typedef struct {
    uint32_t count;
    assay_hash *ids;          // [count]
    assay_tx_result *results; // [count] of their execution
    const char **texts;       // [count] the application's
} assay_executed;

// Fills the ids, and makes room for what execution leaves. Errors: CAPACITY. Spec: C-14.
assay_status assay_executed_room(assay_executed *out, const assay_bytes *txs, uint32_t count,
                                 assay_arena *arena, assay_error *err);

// An engine as the rest of a node sees it, whichever it is. Every call from any thread.
typedef struct {
    void *self;

    // Checks a transaction and lets it wait for a block; id gets its SHA-256. One that waits
    // already is taken for the same. Errors: REJECTED, CAPACITY (too many wait), STOPPED, MEMORY,
    // NETWORK. Spec: C-12.
    assay_status (*submit)(void *self, const void *tx, size_t size, assay_hash *id,
                           assay_error *err);

    // What became of a transaction: recent ones from memory, older ones by looking back over at
    // most `depth` blocks. Errors: those of reading them. Spec: C-12.
    assay_status (*find)(void *self, const assay_hash *id, uint64_t depth, assay_tx_fate *out,
                         assay_error *err);

    // Blocks until a block above `height` is committed, the time is up, or the engine stops.
    // Returns: the last committed height.
    uint64_t (*wait)(void *self, uint64_t height, uint32_t timeout_ms);

    // Asks for one block although nothing waits: whoever needs the next header. Spec: C-15.
    void (*nudge)(void *self);

    // How many transactions wait for a block, and the last committed height.
    uint32_t (*waiting)(void *self);
    uint64_t (*height)(void *self);

    // Why no more blocks come; OK while they do. Errors: that reason.
    assay_status (*health)(void *self, assay_error *err);

    // Reads a committed block; data: what it points into, which the caller frees after the block is
    // done with. Where several validators sign, commit has no height, and of the rest the block
    // alone. Errors: NOT_FOUND, CORRUPT, CAPACITY (arena), IO, NETWORK.
    assay_block_fetch *block;

    // A committed header with its commit and validators, {"signed_header", "validators"} in
    // CometBFT's JSON; 0: the last one. Behind CometBFT its validators have their proposer_priority
    // too. Errors: NOT_FOUND, CORRUPT, IO, NETWORK. Lives: the caller releases *out, and alone has
    // it. Spec: E-46.
    assay_status (*light_block)(void *self, uint64_t height, json_t **out, assay_error *err);
} assay_chain_engine;

#endif
