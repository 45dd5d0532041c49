// SPDX-License-Identifier: Apache-2.0
#include "consensus/mempool.h"

#include <stdlib.h>

static assay_status entries_reserve(assay_mempool *pool, uint32_t count, assay_error *err) {
    if (count > pool->capacity) {
        uint32_t capacity = pool->capacity ? 2 * pool->capacity : 256;
        void *grown = realloc(pool->entries, capacity * sizeof *pool->entries);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for %u transactions", capacity);
        pool->entries = grown;
        pool->capacity = capacity;
    }
    return assay_idtable_reserve(&pool->index, count, err);
}

assay_status assay_mempool_reserve(assay_mempool *pool, const void *tx, size_t size,
                                   assay_bytes *copy, assay_error *err) {
    *copy = (assay_bytes){NULL, 0};
    if (pool->held_count == ASSAY_MEMPOOL_COUNT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u transactions wait for a block, limit %d",
                          pool->held_count, ASSAY_MEMPOOL_COUNT_MAX);
    if (size > ASSAY_MEMPOOL_BYTES_MAX - pool->held_bytes)
        return ASSAY_FAIL(err, CAPACITY,
                          "%zu bytes of transactions wait for a block and %zu more came, limit %d",
                          pool->held_bytes, size, ASSAY_MEMPOOL_BYTES_MAX);
    ASSAY_TRY(entries_reserve(pool, pool->held_count + 1, err));
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes) return ASSAY_FAIL(err, MEMORY, "no memory for a transaction of %zu bytes", size);
    if (size) memcpy(bytes, tx, size);
    pool->held_count++;
    pool->held_bytes += size;
    *copy = (assay_bytes){bytes, size};
    return ASSAY_OK;
}

void assay_mempool_cancel(assay_mempool *pool, assay_bytes copy) {
    pool->held_count--;
    pool->held_bytes -= copy.size;
    free((void *)copy.data);
}

void assay_mempool_add(assay_mempool *pool, assay_bytes copy, const assay_hash *id) {
    if (assay_mempool_find(pool, id)) {
        assay_mempool_cancel(pool, copy);
        return;
    }
    ASSAY_ASSERT(pool->count < pool->held_count);
    assay_idtable_put(&pool->index, id, pool->count);
    pool->entries[pool->count++] = (assay_mempool_entry){*id, copy, true};
}

assay_mempool_entry *assay_mempool_find(const assay_mempool *pool, const assay_hash *id) {
    const uint32_t *place = assay_idtable_get(&pool->index, id);
    return place ? &pool->entries[*place] : NULL;
}

void assay_mempool_filter(assay_mempool *pool) {
    uint32_t kept = 0;
    if (pool->count) assay_idtable_clear(&pool->index);
    for (uint32_t i = 0; i < pool->count; i++) {
        if (!pool->entries[i].keep) {
            assay_mempool_cancel(pool, pool->entries[i].tx);
            continue;
        }
        assay_idtable_put(&pool->index, &pool->entries[i].id, kept);
        pool->entries[kept++] = pool->entries[i];
    }
    pool->count = kept;
}

void assay_mempool_close(assay_mempool *pool) {
    for (uint32_t i = 0; i < pool->count; i++)
        free((void *)pool->entries[i].tx.data);
    free(pool->entries);
    assay_idtable_close(&pool->index);
    memset(pool, 0, sizeof *pool);
}
