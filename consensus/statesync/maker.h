// SPDX-License-Identifier: Apache-2.0
// The snapshots a node has for others: made every so many blocks on a thread of their own, the last
// few kept, listed and served.
#ifndef ASSAY_CONSENSUS_STATESYNC_MAKER_H
#define ASSAY_CONSENSUS_STATESYNC_MAKER_H

#include "consensus/statesync/snapshot.h"
#include "consensus/statesync/write.h"
#include "ledger/app.h"

typedef struct assay_statesync_maker assay_statesync_maker;

// A zeroed struct but for app and folder makes none, and serves those that are there.
typedef struct {
    assay_app *app;     // borrowed, outlives the maker
    const char *folder; // of the snapshots; copied
    uint64_t every;     // blocks, 0: make none
    uint32_t keep;      // 1 … ASSAY_STATESYNC_KEEP_MAX, 0: 2
    uint32_t chunk_max; // of assay_statesync_write
} assay_statesync_options;

// Removes what a crash left half made, and what is damaged or another chain's. Errors: RANGE
// (keep), BUSY, MEMORY, PERMISSION, IO. Lives: until close, which ends a snapshot in progress.
// Spec: E-64.
assay_status assay_statesync_maker_open(assay_statesync_maker **out,
                                        const assay_statesync_options *options, assay_error *err);
void assay_statesync_maker_close(assay_statesync_maker *maker);

// After each commit, on the thread that committed: where the height asks for a snapshot, its
// contents are held and the rest happens elsewhere. Costs the opening of an LMDB snapshot. While
// one is being made the height goes without, and where a later one is kept. Spec: E-64.
void assay_statesync_maker_commit(assay_statesync_maker *maker, uint64_t height);

// Those that are whole, the newest first; *out and metadata are copies in the arena. Any thread.
// Errors: CAPACITY. Spec: E-64.
assay_status assay_statesync_maker_list(assay_statesync_maker *maker,
                                        const assay_statesync_snapshot **out, uint32_t *count,
                                        assay_arena *arena, assay_error *err);

// One chunk, checked, in the arena. Any thread. Errors: NOT_FOUND (no such snapshot, format or
// chunk), CORRUPT, CAPACITY, MEMORY, IO. Spec: E-64.
assay_status assay_statesync_maker_load(assay_statesync_maker *maker, uint64_t height,
                                        uint32_t format, uint32_t index, assay_bytes *chunk,
                                        assay_arena *arena, assay_error *err);

// How it is. Any thread.
typedef struct {
    uint32_t count;          // kept
    uint64_t oldest, newest; // heights, 0: none
    bool making;
    uint64_t made, skipped, failed;     // since open
    uint64_t making_ns;                 // of these that were made or failed
    char problem[ASSAY_ERROR_TEXT_MAX]; // why the last one failed, "" if none did
} assay_statesync_maker_state;
void assay_statesync_maker_state_get(assay_statesync_maker *maker,
                                     assay_statesync_maker_state *out);

// assay_statesync_retain with the chain's params and the oldest snapshot kept. Removes those that
// nothing replaced in time, which would keep blocks for ever. Any thread. Spec: E-67.
uint64_t assay_statesync_maker_retain(assay_statesync_maker *maker, uint64_t height,
                                      uint64_t keep_blocks);

// The height below which CometBFT may drop its blocks, 0: none. keep_blocks: what the operator asks
// for, 0: all; oldest_snapshot: 0: none. Never above what still needs them: an unbonding time, in
// which every window opened by a block closes and its evidence counts, and the oldest snapshot.
// Spec: E-67.
uint64_t assay_statesync_retain(uint64_t height, uint64_t keep_blocks, uint64_t oldest_snapshot,
                                const assay_params *params);

#endif
