// SPDX-License-Identifier: Apache-2.0
// Numbers by transaction id: an open-addressing table that its owner keeps beside a list.
#ifndef ASSAY_CONSENSUS_IDTABLE_H
#define ASSAY_CONSENSUS_IDTABLE_H

#include "base/bytes.h"
#include "base/status.h"

typedef struct {
    assay_hash id;
    uint32_t value;
    bool used;
} assay_idtable_slot;

// One thread at a time. A zeroed struct is empty and safe to close.
typedef struct {
    assay_idtable_slot *slots; // [mask + 1], at most half of them used
    uint32_t mask;
    uint32_t count;
    uint64_t seed; // of the hash, so that nobody can choose colliding ids
} assay_idtable;

// Makes room for `count` ids in all. Errors: MEMORY; what is there stays. Spec: C-12.
assay_status assay_idtable_reserve(assay_idtable *table, uint32_t count, assay_error *err);

// Sets an id's number; room was reserved (asserted).
void assay_idtable_put(assay_idtable *table, const assay_hash *id, uint32_t value);

// Returns: the id's number, NULL if it has none. Lives: until the table next changes.
const uint32_t *assay_idtable_get(const assay_idtable *table, const assay_hash *id);

// Removes an id; one that is not there stays so.
void assay_idtable_delete(assay_idtable *table, const assay_hash *id);

// Removes all ids and keeps the room.
void assay_idtable_clear(assay_idtable *table);

void assay_idtable_close(assay_idtable *table);

#endif
