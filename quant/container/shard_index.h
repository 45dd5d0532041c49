// SPDX-License-Identifier: Apache-2.0
// model.safetensors.index.json: which file of a folder holds which tensor.
#ifndef ASSAY_QUANT_CONTAINER_SHARD_INDEX_H
#define ASSAY_QUANT_CONTAINER_SHARD_INDEX_H

#include "base/json.h"

enum {
    ASSAY_SHARD_INDEX_MAX = 4 << 20,        // bytes of JSON
    ASSAY_SHARD_INDEX_VALUES_MAX = 3 << 14, // 16,384 tensors have 2 each
    ASSAY_SHARDS_MAX = 4096,
    ASSAY_SHARD_NAME_MAX = 127,
};

// A zeroed struct is safe to close.
typedef struct {
    json_t *json;
    const json_t *map;  // tensor name -> file name
    const char **files; // [file_count], ascending, each once
    uint32_t file_count;
} assay_shard_index;

// Takes over json, also on failure. Errors: FORMAT, MISSING, UNKNOWN (a member), CAPACITY (tensors,
// files, a name), FORBIDDEN (a file that does not lie beside the index), MEMORY.
// Lives: until close. Spec: F-13.
assay_status assay_shard_index_read(assay_shard_index *out, json_t *json, assay_error *err);
void assay_shard_index_close(assay_shard_index *index);

// Returns: the file that holds the tensor, as one of index->files, or NULL.
const char *assay_shard_index_file(const assay_shard_index *index, const char *tensor);

#endif
