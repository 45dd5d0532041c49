// SPDX-License-Identifier: Apache-2.0
// What became of the most recent transactions in blocks, by id.
#ifndef ASSAY_CONSENSUS_FATES_H
#define ASSAY_CONSENSUS_FATES_H

#include "consensus/block.h"
#include "consensus/idtable.h"

enum { ASSAY_FATES_MAX = 65536 }; // 14 MiB, and the sentences of those refused

typedef enum { ASSAY_TX_UNKNOWN, ASSAY_TX_PENDING, ASSAY_TX_COMMITTED } assay_tx_state;

typedef struct {
    assay_tx_state state;
    uint64_t height; // when committed
    uint32_t index;
    assay_tx_result result;
    char text[ASSAY_ERROR_TEXT_MAX]; // a refusal's sentence while it is remembered; in no hash
} assay_tx_fate;

typedef struct assay_fate_entry assay_fate_entry;

// A ring of the last ASSAY_FATES_MAX. One lock of the caller's guards it. A zeroed struct is safe
// to close.
typedef struct {
    assay_fate_entry *ring; // [ASSAY_FATES_MAX]
    uint64_t count;         // ever added
    assay_idtable index;    // id → place in ring
} assay_fates;

// Errors: MEMORY. Lives: until close. Spec: C-12.
assay_status assay_fates_open(assay_fates *fates, assay_error *err);
void assay_fates_close(assay_fates *fates);

// Forgets all and keeps the room.
void assay_fates_clear(assay_fates *fates);

// Remembers a committed transaction in place of the oldest one. text: the refusal's sentence, ""
// if none; without memory for it, it is left out.
void assay_fates_add(assay_fates *fates, const assay_hash *id, uint64_t height, uint32_t index,
                     const assay_tx_result *result, const char *text);

// Returns: whether the transaction is remembered; *out is filled only then.
bool assay_fates_find(const assay_fates *fates, const assay_hash *id, assay_tx_fate *out);

// Reads a committed block, as an engine does (consensus/engine.h).
typedef assay_status assay_block_fetch(void *self, uint64_t height, assay_block *block,
                                       assay_arena *arena, uint8_t **data, assay_error *err);

// Looks for a transaction in the block of that height, of at most arena_max bytes in memory; *out
// is filled only where it is there. Errors: those of fetch, CAPACITY (arena_max). Spec: C-12.
assay_status assay_fate_fetch(assay_tx_fate *out, assay_block_fetch *fetch, void *self,
                              uint64_t height, size_t arena_max, const assay_hash *id,
                              assay_error *err);

#endif
