// SPDX-License-Identifier: Apache-2.0
#include "quant/kv_cache.h"

#include <stdlib.h>

static size_t page_size_of(const assay_model_shape *shape) {
    return (size_t)shape->layer_count * shape->kv_head_count *
           assay_kv_block_size(shape->head_size);
}

uint64_t assay_kv_cache_size(const assay_model_shape *shape, uint32_t positions) {
    return (uint64_t)assay_kv_page_count(positions) * page_size_of(shape);
}

assay_status assay_kv_pool_open(assay_kv_pool *pool, const assay_model_shape *shape,
                                uint32_t page_count, assay_error *err) {
    *pool = (assay_kv_pool){.kv_head_count = shape->kv_head_count,
                            .head_size = shape->head_size,
                            .block_size = assay_kv_block_size(shape->head_size),
                            .page_size = page_size_of(shape),
                            .page_count = page_count,
                            .free_count = page_count};
    size_t size;
    if (!__builtin_mul_overflow(pool->page_size, (size_t)page_count, &size)) {
        pool->memory = aligned_alloc(64, size);
        pool->free = calloc(page_count, sizeof *pool->free);
    }
    if (!pool->memory || !pool->free) {
        assay_kv_pool_close(pool);
        return ASSAY_FAIL(err, MEMORY, "no memory for %u pages of keys and values", page_count);
    }
    for (uint32_t i = 0; i < page_count; i++)
        pool->free[i] = page_count - 1 - i;
    return ASSAY_OK;
}

void assay_kv_pool_close(assay_kv_pool *pool) {
    ASSAY_ASSERT(pool->free_count == pool->page_count || !pool->memory);
    free(pool->memory);
    free(pool->free);
    *pool = (assay_kv_pool){0};
}

assay_status assay_kv_cache_open(assay_kv_cache *cache, assay_kv_pool *pool, uint32_t capacity,
                                 assay_error *err) {
    *cache = (assay_kv_cache){.pool = pool, .capacity = capacity};
    cache->pages = calloc(assay_kv_page_count(capacity) + 1, sizeof *cache->pages);
    if (!cache->pages)
        return ASSAY_FAIL(err, MEMORY, "no memory for the pages of %u positions", capacity);
    return ASSAY_OK;
}

void assay_kv_cache_clear(assay_kv_cache *cache) {
    assay_kv_pool *pool = cache->pool;
    while (cache->page_count) {
        const uint8_t *page = cache->pages[--cache->page_count];
        pool->free[pool->free_count++] =
            (uint32_t)((size_t)(page - pool->memory) / pool->page_size);
    }
}

void assay_kv_cache_close(assay_kv_cache *cache) {
    assay_kv_cache_clear(cache);
    free(cache->pages);
    *cache = (assay_kv_cache){0};
}

assay_status assay_kv_cache_reserve(assay_kv_cache *cache, uint32_t positions, assay_error *err) {
    assay_kv_pool *pool = cache->pool;
    if (positions > cache->capacity)
        return ASSAY_FAIL(err, CAPACITY, "%u positions, limit %u", positions, cache->capacity);
    uint32_t wanted = assay_kv_page_count(positions);
    if (wanted > cache->page_count && wanted - cache->page_count > pool->free_count)
        return ASSAY_FAIL(err, CAPACITY, "%u more pages of keys and values, %u left of %u",
                          wanted - cache->page_count, pool->free_count, pool->page_count);
    while (cache->page_count < wanted)
        cache->pages[cache->page_count++] =
            pool->memory + pool->free[--pool->free_count] * pool->page_size;
    return ASSAY_OK;
}

static size_t block_of(const assay_kv_pool *pool, uint32_t layer, uint32_t kv_head) {
    return ((size_t)layer * pool->kv_head_count + kv_head) * pool->block_size;
}

int8_t *assay_kv_cache_row(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head,
                           assay_kv_part part, uint32_t position, float **scale) {
    const assay_kv_pool *pool = cache->pool;
    uint8_t *block = cache->pages[position / ASSAY_KV_PAGE] + block_of(pool, layer, kv_head);
    size_t row = (size_t)part * ASSAY_KV_PAGE + position % ASSAY_KV_PAGE;
    *scale = (float *)(block + 2 * (size_t)ASSAY_KV_PAGE * pool->head_size) + row;
    return (int8_t *)block + row * pool->head_size;
}

assay_kv assay_kv_cache_head(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head) {
    return (assay_kv){(const uint8_t *const *)cache->pages, block_of(cache->pool, layer, kv_head)};
}
