// SPDX-License-Identifier: Apache-2.0
#include "consensus/mempool.h"

#include <stdlib.h>

#include "consensus/solo.h"

assay_status assay_mempool_add(assay_mempool *pool, const void *tx, size_t size,
                               const assay_hash *id, assay_error *err) {
    if (pool->count == ASSAY_SOLO_MEMPOOL_COUNT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u transactions wait for a block, limit %d", pool->count,
                          ASSAY_SOLO_MEMPOOL_COUNT_MAX);
    if (size > ASSAY_SOLO_MEMPOOL_BYTES_MAX - pool->bytes)
        return ASSAY_FAIL(err, CAPACITY, "%zu bytes of transactions wait for a block, limit %d",
                          pool->bytes, ASSAY_SOLO_MEMPOOL_BYTES_MAX);
    if (pool->count == pool->capacity) {
        uint32_t capacity = pool->capacity ? 2 * pool->capacity : 256;
        void *grown = realloc(pool->entries, capacity * sizeof *pool->entries);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for %u transactions", capacity);
        pool->entries = grown;
        pool->capacity = capacity;
    }
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return ASSAY_FAIL(err, MEMORY, "no memory for a transaction of %zu bytes", size);
    memcpy(copy, tx, size);
    pool->entries[pool->count++] = (assay_mempool_entry){*id, {copy, size}};
    pool->bytes += size;
    return ASSAY_OK;
}

bool assay_mempool_has(const assay_mempool *pool, const assay_hash *id) {
    for (uint32_t i = 0; i < pool->count; i++)
        if (assay_hash_equal(&pool->entries[i].id, id)) return true;
    return false;
}

void assay_mempool_filter(assay_mempool *pool,
                          bool (*keep)(void *context, const assay_mempool_entry *entry),
                          void *context) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        if (keep(context, &pool->entries[i])) {
            pool->entries[kept++] = pool->entries[i];
        } else {
            pool->bytes -= pool->entries[i].tx.size;
            free((void *)pool->entries[i].tx.data);
        }
    }
    pool->count = kept;
}

static bool keep_none(void *context, const assay_mempool_entry *entry) {
    return false;
}

void assay_mempool_close(assay_mempool *pool) {
    assay_mempool_filter(pool, keep_none, NULL);
    free(pool->entries);
    memset(pool, 0, sizeof *pool);
}
