// SPDX-License-Identifier: Apache-2.0
// The embedded engine: one process orders, signs and keeps the blocks. Its operator can reorder and
// censor; it can't forge, since everyone replays. Outgrowing it means CometBFT.
#ifndef ASSAY_CONSENSUS_SOLO_H
#define ASSAY_CONSENSUS_SOLO_H

#include "consensus/blocklog.h"
#include "consensus/engine.h"

typedef struct assay_solo assay_solo;

enum {
    ASSAY_SOLO_MEMPOOL_COUNT_MAX = 65536,
    ASSAY_SOLO_MEMPOOL_BYTES_MAX = 64 << 20,
    ASSAY_SOLO_RECENT_MAX = 65536, // transactions whose fate is known without reading the log
};

// Borrowed for the call but for `application`, which must outlive the engine.
typedef struct {
    const char *folder; // of the block log
    assay_application application;
    const char *chain_id;                 // CometBFT's form, <= ASSAY_CHAIN_ID_MAX characters
    uint64_t genesis_seconds;             // the earliest time a header may state
    uint64_t power;                       // of the one validator
    assay_address operator_address;       // ledger address of the proposer
    uint8_t seed[ASSAY_ED25519_KEY_SIZE]; // its consensus key's secret
    uint32_t block_ms;                    // pause between blocks, 0: none
} assay_solo_options;

// Opens the log and brings the application to its end: replays what the application lacks, and
// compares every result with the recorded one.
// Errors: BUSY, CORRUPT (the application is ahead of the log, or replay came to other bytes), and
// those of the log and the application. Lives: until assay_solo_close. Spec: C-10, C-16.
assay_status assay_solo_open(assay_solo **out, const assay_solo_options *options, assay_error *err);

// Stops the thread, if any, after its block. Waiting transactions are dropped.
void assay_solo_close(assay_solo *solo);

// Makes blocks on a thread of its own: when transactions wait, or the application does.
// Errors: BUSY. Spec: C-15.
assay_status assay_solo_start(assay_solo *solo, assay_error *err);

// Makes one block now on the caller's thread; not while the thread runs.
// Errors: those of the log and the application; nothing is then counted. Spec: C-14.
assay_status assay_solo_step(assay_solo *solo, assay_error *err);

// Checks a transaction and lets it wait for a block. Any thread. Errors: REJECTED, CAPACITY (too
// many wait), STOPPED. Spec: C-12.
assay_status assay_solo_submit(assay_solo *solo, const void *tx, size_t size, assay_hash *id,
                               assay_error *err);

typedef enum { ASSAY_TX_UNKNOWN, ASSAY_TX_PENDING, ASSAY_TX_COMMITTED } assay_tx_state;

typedef struct {
    assay_tx_state state;
    uint64_t height; // when committed
    uint32_t index;
    assay_tx_result result;
} assay_tx_fate;

// What became of a transaction: recent ones from memory, older ones by reading the log backwards
// over at most `depth` blocks. Any thread. Errors: those of reading the log. Spec: C-12.
assay_status assay_solo_find(assay_solo *solo, const assay_hash *id, uint64_t depth,
                             assay_tx_fate *out, assay_error *err);

// Blocks until a block above `height` is committed, the time is up, or the engine stops.
// Returns: the last committed height. Any thread.
uint64_t assay_solo_wait(assay_solo *solo, uint64_t height, uint32_t timeout_ms);

// Asks for one block although nothing waits: whoever needs the next header. Any thread. Spec: C-15.
void assay_solo_nudge(assay_solo *solo);

// The last committed height. Any thread.
uint64_t assay_solo_height(assay_solo *solo);

// Why the thread stopped by itself (a full disk, say); OK while it runs. Any thread.
assay_status assay_solo_health(assay_solo *solo, assay_error *err);

// Reads a committed block; data: its record, which the caller frees after the block is done with.
// Errors: as assay_blocklog_read and assay_block_read. Any thread.
assay_status assay_solo_block(assay_solo *solo, uint64_t height, assay_block *block,
                              assay_arena *arena, uint8_t **data, assay_error *err);

#endif
