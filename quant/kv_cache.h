// SPDX-License-Identifier: Apache-2.0
// The keys and values of one sequence, as x8 rows: each row's scale depends on its own position
// alone, so prefill, decode and any chunking leave the same cache.
#ifndef ASSAY_QUANT_KV_CACHE_H
#define ASSAY_QUANT_KV_CACHE_H

#include "base/status.h"
#include "kernels/types.h"
#include "quant/model.h"

// A zeroed struct is safe to close.
typedef struct {
    uint32_t kv_head_count;
    uint32_t head_size;
    uint32_t capacity; // positions
    int8_t *codes;     // [layer][kv head][k, v][capacity][head_size]
    float *scales;     // [layer][kv head][k, v][capacity]
} assay_kv_cache;

// Errors: MEMORY. Lives: until assay_kv_cache_close. Spec: N-13.
assay_status assay_kv_cache_open(assay_kv_cache *cache, const assay_model_shape *shape,
                                 uint32_t capacity, assay_error *err);
void assay_kv_cache_close(assay_kv_cache *cache);

// Bytes that a cache of `capacity` positions takes. Spec: N-13.
uint64_t assay_kv_cache_size(const assay_model_shape *shape, uint32_t capacity);

typedef enum { ASSAY_KV_KEY, ASSAY_KV_VALUE } assay_kv_part;

// Row `position` of one layer's kv head: codes[head_size] and their scale, to be written.
int8_t *assay_kv_cache_row(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head,
                           assay_kv_part part, uint32_t position, float **scale);

// The whole kv head, to be read. Lives: as long as the cache.
assay_kv assay_kv_cache_head(const assay_kv_cache *cache, uint32_t layer, uint32_t kv_head);

#endif
