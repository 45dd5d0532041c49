// SPDX-License-Identifier: Apache-2.0
// Canonical tensor files: the one byte form that a set of named tensors has, and its Merkle root.
// The form is what the safetensors library writes, so its own tools can read and remake it.
#ifndef ASSAY_QUANT_CANONICAL_H
#define ASSAY_QUANT_CANONICAL_H

#include <limits.h>

#include "base/file.h"
#include "quant/container/safetensors.h"

// A growing list of tensors. A zeroed list is empty and safe to close.
typedef struct {
    assay_tensor *tensors; // [count]
    uint32_t count;
    uint32_t room;
    assay_status status; // the first failure of an add
} assay_tensor_list;

// Adds a tensor of rank 1 (columns 0 means none) or 2. A failure (MEMORY) sticks in list->status.
// The name is made by printf rules and must be of [A-Za-z0-9._].
void assay_tensor_list_add(assay_tensor_list *list, assay_dtype dtype, uint64_t rows,
                           uint64_t columns, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void assay_tensor_list_close(assay_tensor_list *list);

// Returns: the tensor "<name><part>", which must be in the list.
const assay_tensor *assay_tensor_list_find(const assay_tensor_list *list, const char *name,
                                           const char *part);

// Sorts the tensors into file order (dtype descending, then name) and sets begin and size.
// Returns: bytes of the data part. Errors: CAPACITY (count), MEMORY (list->status).
// Spec: F-5.
assay_status assay_canonical_layout(assay_tensor_list *list, uint64_t *data_size, assay_error *err);

// Makes the length field and header of a laid-out list. Errors: MEMORY.
// Lives: the caller frees *out. Spec: F-5.
assay_status assay_canonical_header(uint8_t **out, size_t *size, const char *format,
                                    const assay_tensor_list *list, assay_error *err);

// Errors: VERSION if the file's metadata names another format. Spec: F-5.
assay_status assay_canonical_format_check(const assay_safetensors *file, const char *format,
                                          assay_error *err);

// Checks that an opened file holds exactly the tensors of a laid-out list, in canonical form.
// size: of the whole file that starts at `data`. Errors: VERSION, MISSING, MISMATCH (dtype,
// shape), UNKNOWN (a tensor not in the list), CANONICAL (header bytes). Spec: F-5.
assay_status assay_canonical_check(const assay_safetensors *file, const uint8_t *data, size_t size,
                                   const char *format, const assay_tensor_list *list,
                                   assay_error *err);

// Root over content: RFC 6962 over one leaf for the format and one for each tensor, in file order.
// data: the data part. mapping: what it lies in, of which no more than a few megabytes stay in
// memory; may be NULL. Errors: MEMORY. Spec: F-6.
assay_status assay_canonical_root(assay_hash *out, const char *format,
                                  const assay_tensor_list *list, const uint8_t *data,
                                  const assay_mapping *mapping, assay_error *err);

// The content of a tensor that assay_canonical_check has found. Lives: as long as the file's bytes.
const void *assay_tensor_data(const assay_safetensors *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Writes a canonical file beside its place. A struct with fd -1 is safe to abort.
typedef struct {
    int fd;
    char temporary[PATH_MAX];
    uint64_t data_begin; // offset of the data part in the file
} assay_canonical_writer;

// Errors: CAPACITY (path), PERMISSION, DISK_FULL, IO, MEMORY. Spec: F-5.
assay_status assay_canonical_create(assay_canonical_writer *writer, const char *path,
                                    const char *format, const assay_tensor_list *list,
                                    assay_error *err);

// Writes content of a laid-out tensor, `offset` bytes from its begin. Errors: DISK_FULL, IO.
assay_status assay_canonical_put(assay_canonical_writer *writer, const assay_tensor *tensor,
                                 uint64_t offset, const void *data, size_t size, assay_error *err);

// Moves the finished file to its place. Errors: DISK_FULL, PERMISSION, IO; the old file then stays.
assay_status assay_canonical_commit(assay_canonical_writer *writer, const char *path,
                                    assay_error *err);
void assay_canonical_abort(assay_canonical_writer *writer);

#endif
