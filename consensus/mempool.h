// SPDX-License-Identifier: Apache-2.0
// Transactions that wait for a block, oldest first, and what became of the recent ones.
#ifndef ASSAY_CONSENSUS_MEMPOOL_H
#define ASSAY_CONSENSUS_MEMPOOL_H

#include "consensus/block.h"

typedef struct {
    assay_hash id;
    assay_bytes tx; // owned
} assay_mempool_entry;

// One lock of the caller's guards it all. A zeroed struct is empty and safe to close.
typedef struct {
    assay_mempool_entry *entries;
    uint32_t count;
    uint32_t capacity;
    size_t bytes;
} assay_mempool;

// Copies a transaction in. Errors: CAPACITY (count or bytes), MEMORY. Spec: C-12.
assay_status assay_mempool_add(assay_mempool *pool, const void *tx, size_t size,
                               const assay_hash *id, assay_error *err);

// Whether this transaction waits.
bool assay_mempool_has(const assay_mempool *pool, const assay_hash *id);

// Drops entries for which keep(context, entry) is false; the order of the others stays.
void assay_mempool_filter(assay_mempool *pool,
                          bool (*keep)(void *context, const assay_mempool_entry *entry),
                          void *context);

void assay_mempool_close(assay_mempool *pool);

#endif
