// SPDX-License-Identifier: Apache-2.0
// The safetensors files of a Hugging Face folder as one set of tensors.
#ifndef ASSAY_QUANT_CONTAINER_SHARDS_H
#define ASSAY_QUANT_CONTAINER_SHARDS_H

#include "base/file.h"
#include "quant/container/safetensors.h"

typedef struct {
    const assay_tensor *tensor;
    const uint8_t *data; // the tensor's content
    uint32_t file;
} assay_shard_tensor;

// A zeroed struct is safe to close.
typedef struct {
    assay_mapping *mappings;  // [file_count]
    assay_safetensors *files; // [file_count]
    uint32_t file_count;
    assay_shard_tensor *tensors; // [count], ascending by name
    uint32_t count;
} assay_shards;

// Opens one safetensors file. Errors: those of the file and of assay_safetensors_open; MEMORY.
// Spec: F-4.
assay_status assay_shards_open_file(assay_shards *out, const char *path, assay_error *err);

// Opens a folder's model.safetensors, or the files that its model.safetensors.index.json names,
// which must hold the tensors that it names where it names them, and no others. Errors: as above
// and as assay_shard_index_read; DUPLICATE (both are there, or a tensor is in two files), UNKNOWN
// (a tensor is not in the index), MISMATCH (it is in another file), MISSING (it is in none).
// Spec: F-13.
assay_status assay_shards_open(assay_shards *out, const char *folder, assay_error *err);
void assay_shards_close(assay_shards *shards);

// Returns: the tensor of that name, or NULL.
const assay_shard_tensor *assay_shards_find(const assay_shards *shards, const char *name);

#endif
