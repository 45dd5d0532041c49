// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/lineage.h"

#include <stdlib.h>

#include "base/json.h"

static int date_order(const void *a, const void *b) {
    const assay_lineage_source *x = a, *y = b;
    if (x->committed != y->committed) return x->committed < y->committed ? -1 : 1;
    if (x->committed_index != y->committed_index)
        return x->committed_index < y->committed_index ? -1 : 1;
    return memcmp(x->dataset.bytes, y->dataset.bytes, ASSAY_HASH_SIZE);
}

static assay_status dataset_read(assay_lineage_source *source, const json_t *object,
                                 assay_error *err) {
    uint64_t index;
    ASSAY_TRY(assay_json_u64(&source->committed, object, "committed", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&index, object, "committed_index", 0, UINT32_MAX, err));
    source->committed_index = (uint32_t)index;
    ASSAY_TRY(assay_json_u64(&source->byte_count, object, "byte_count", 0, UINT64_MAX, err));
    return assay_json_u64(&source->chunk_count, object, "chunk_count", 0, UINT64_MAX, err);
}

static assay_status dataset_fetch(assay_lineage_source *source, const assay_client *client,
                                  assay_error *err) {
    json_t *object;
    ASSAY_TRY(assay_client_get_id(&object, client, "dataset", source->dataset.bytes,
                                  ASSAY_HASH_SIZE, err));
    assay_status status = dataset_read(source, object, err);
    json_decref(object);
    return status;
}

static assay_status sources_read(assay_lineage *out, const json_t *object,
                                 const assay_client *client, assay_error *err) {
    const json_t *list;
    ASSAY_TRY(assay_json_hash(&out->base, object, "base", err));
    ASSAY_TRY(assay_json_array(&list, object, "sources", ASSAY_SOURCES_MAX, err));
    out->count = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < out->count; i++) {
        const json_t *row = json_array_get(list, i);
        assay_lineage_source *source = &out->sources[i];
        uint64_t weight;
        ASSAY_TRY(assay_json_hash(&source->dataset, row, "dataset", err));
        ASSAY_TRY(assay_json_u64(&weight, row, "weight_ppm", 1, ASSAY_SHARE_SUM, err));
        source->weight_ppm = (uint32_t)weight;
        ASSAY_TRY(dataset_fetch(source, client, err));
    }
    qsort(out->sources, out->count, sizeof out->sources[0], date_order);
    return ASSAY_OK;
}

assay_status assay_lineage_fetch(assay_lineage *out, const assay_client *client,
                                 const assay_hash *adapter, assay_error *err) {
    json_t *object;
    memset(out, 0, sizeof *out);
    out->adapter = *adapter;
    if (assay_hash_is_zero(adapter)) return ASSAY_OK;
    ASSAY_TRY(
        assay_client_get_id(&object, client, "adapter", adapter->bytes, ASSAY_HASH_SIZE, err));
    assay_status status = sources_read(out, object, client, err);
    json_decref(object);
    return status;
}
