// SPDX-License-Identifier: Apache-2.0
// Transactions that wait for a block, oldest first. A place is reserved before a transaction is
// checked, so that one the application has accepted always finds room.
#ifndef ASSAY_CONSENSUS_MEMPOOL_H
#define ASSAY_CONSENSUS_MEMPOOL_H

#include "consensus/block.h"
#include "consensus/idtable.h"

enum {
    ASSAY_MEMPOOL_COUNT_MAX = 65536,
    ASSAY_MEMPOOL_BYTES_MAX = 64 << 20,
};

typedef struct {
    assay_hash id;
    assay_bytes tx; // owned
    bool keep;      // the caller's mark for assay_mempool_filter
} assay_mempool_entry;

// One lock of the caller's guards it all. A zeroed struct is empty and safe to close.
typedef struct {
    assay_mempool_entry *entries; // [count]
    uint32_t count;
    uint32_t capacity;
    assay_idtable index; // id → place in entries
    uint32_t held_count; // entries and reservations
    size_t held_bytes;
} assay_mempool;

// Takes a place and copies the transaction, not yet among the entries. Ends with add or cancel.
// Errors: CAPACITY (count or bytes), MEMORY. Spec: C-12.
assay_status assay_mempool_reserve(assay_mempool *pool, const void *tx, size_t size,
                                   assay_bytes *copy, assay_error *err);

// Puts a reserved transaction behind the others; one whose id already waits is dropped.
void assay_mempool_add(assay_mempool *pool, assay_bytes copy, const assay_hash *id);
void assay_mempool_cancel(assay_mempool *pool, assay_bytes copy);

// Returns: the waiting transaction's entry, NULL if it does not wait. Lives: until the next change.
assay_mempool_entry *assay_mempool_find(const assay_mempool *pool, const assay_hash *id);

// Drops the entries that are not marked to keep; the order of the others stays.
void assay_mempool_filter(assay_mempool *pool);

void assay_mempool_close(assay_mempool *pool);

#endif
