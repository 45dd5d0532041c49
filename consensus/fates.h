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

// The same of one block that was read.
bool assay_fate_in_block(assay_tx_fate *out, const assay_block *block, const assay_hash *id);

#endif
