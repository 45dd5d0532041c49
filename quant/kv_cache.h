// SPDX-License-Identifier: Apache-2.0
// Keys and values as x8 rows: each row's scale depends on its own position alone, so prefill,
// decode and any chunking leave the same cache. Sequences take pages from one pool as they grow.
#ifndef ASSAY_QUANT_KV_CACHE_H
#define ASSAY_QUANT_KV_CACHE_H

#include "base/status.h"
#include "kernels/types.h"
#include "quant/model.h"

// Memory for all sequences of one forward pass. A zeroed struct is safe to close. Used by one
// thread at a time; rows of pages that are taken may be read and written by many.
typedef struct {
    uint32_t kv_head_count;
    uint32_t head_size;
    size_t block_size; // of one kv head of one layer in a page (kernels/types.h)
    size_t page_size;  // [layer][kv head] blocks
    uint8_t *memory;   // [page_count][page_size], touched as it is used
    uint32_t page_count;
    uint32_t *free; // [free_count], the next one last
    uint32_t free_count;
} assay_kv_pool;

// Room for `page_count` pages of ASSAY_KV_PAGE positions. Errors: MEMORY.
// Lives: until assay_kv_pool_close; longer than its caches. Spec: N-13.
assay_status assay_kv_pool_open(assay_kv_pool *pool, const assay_model_shape *shape,
                                uint32_t page_count, assay_error *err);
void assay_kv_pool_close(assay_kv_pool *pool);

// Pages that `positions` take.
static inline uint32_t assay_kv_page_count(uint32_t positions) {
    return positions / ASSAY_KV_PAGE + (positions % ASSAY_KV_PAGE > 0);
}

// Bytes that `positions` take in whole pages. Spec: N-13.
uint64_t assay_kv_cache_size(const assay_model_shape *shape, uint32_t positions);

// The pages of one sequence. A zeroed struct is safe to close.
typedef struct {
    assay_kv_pool *pool;
    uint32_t capacity; // positions
    uint8_t **pages;   // [assay_kv_page_count(capacity)], the first page_count in use
    uint32_t page_count;
} assay_kv_cache;

// A cache of at most `capacity` positions, none of which has a page yet. Errors: MEMORY.
// Lives: until assay_kv_cache_close.
assay_status assay_kv_cache_open(assay_kv_cache *cache, assay_kv_pool *pool, uint32_t capacity,
                                 assay_error *err);
void assay_kv_cache_close(assay_kv_cache *cache);

// Gives all pages back.
void assay_kv_cache_clear(assay_kv_cache *cache);

// Whether positions 0 .. positions - 1 have pages now; takes what is missing from the pool.
// Errors: CAPACITY (over the cache's own, or the pool is empty); nothing is taken then.
assay_status assay_kv_cache_reserve(assay_kv_cache *cache, uint32_t positions, assay_error *err);

typedef enum { ASSAY_KV_KEY, ASSAY_KV_VALUE } assay_kv_part;

// Row `position` of one layer's kv head: codes[head_size] and their scale, to be written.
int8_t *assay_kv_cache_row(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head,
                           assay_kv_part part, uint32_t position, float **scale);

// The whole kv head, to be read. Lives: until the cache gives its pages back.
assay_kv assay_kv_cache_head(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head);

#endif
