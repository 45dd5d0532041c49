// SPDX-License-Identifier: Apache-2.0
#include "quant/kv_cache.h"

#include <stdlib.h>

static uint64_t row_count(const assay_model_shape *shape, uint32_t capacity) {
    return (uint64_t)shape->layer_count * shape->kv_head_count * 2 * capacity;
}

uint64_t assay_kv_cache_size(const assay_model_shape *shape, uint32_t capacity) {
    return row_count(shape, capacity) * (shape->head_size + sizeof(float));
}

assay_status assay_kv_cache_open(assay_kv_cache *cache, const assay_model_shape *shape,
                                 uint32_t capacity, assay_error *err) {
    uint64_t rows = row_count(shape, capacity);
    *cache = (assay_kv_cache){shape->kv_head_count, shape->head_size, capacity, NULL, NULL};
    cache->codes = calloc(rows, shape->head_size);
    cache->scales = calloc(rows, sizeof *cache->scales);
    if (cache->codes && cache->scales) return ASSAY_OK;
    assay_kv_cache_close(cache);
    return ASSAY_FAIL(err, MEMORY, "no memory for the keys and values of %u positions", capacity);
}

void assay_kv_cache_close(assay_kv_cache *cache) {
    free(cache->codes);
    free(cache->scales);
    *cache = (assay_kv_cache){0};
}

static size_t first_row(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head,
                        assay_kv_part part) {
    return (((size_t)layer * cache->kv_head_count + kv_head) * 2 + part) * cache->capacity;
}

int8_t *assay_kv_cache_row(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head,
                           assay_kv_part part, uint32_t position, float **scale) {
    size_t row = first_row(cache, layer, kv_head, part) + position;
    *scale = cache->scales + row;
    return cache->codes + row * cache->head_size;
}

assay_kv assay_kv_cache_head(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head) {
    size_t k = first_row(cache, layer, kv_head, ASSAY_KV_KEY);
    size_t v = first_row(cache, layer, kv_head, ASSAY_KV_VALUE);
    return (assay_kv){cache->codes + k * cache->head_size, cache->scales + k,
                      cache->codes + v * cache->head_size, cache->scales + v};
}
