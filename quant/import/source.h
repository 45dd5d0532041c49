// SPDX-License-Identifier: Apache-2.0
// The tensors of a stranger's model, whatever container holds them: by their Hugging Face names, a
// few rows at a time, as exact f32. Importers read nothing else.
#ifndef ASSAY_QUANT_IMPORT_SOURCE_H
#define ASSAY_QUANT_IMPORT_SOURCE_H

#include "quant/container/safetensors.h"

typedef enum {
    ASSAY_SOURCE_FLOATS, // floats, or blocks whose elements are f32 numbers
    ASSAY_SOURCE_NF4,    // bitsandbytes NF4: codes of 4 bits, one absmax for each 64 of a row
} assay_source_kind;

// A tensor of rank 2 is [rows][columns], row-major; one of rank 1 is one row.
typedef struct {
    char name[ASSAY_TENSOR_NAME_MAX + 1]; // e.g. "model.layers.0.self_attn.q_proj.weight"
    uint32_t rank;
    uint64_t shape[ASSAY_TENSOR_RANK_MAX]; // of the numbers, in Hugging Face order
    assay_source_kind kind;
    uint64_t size;  // bytes in the container, with all that belongs to the tensor
    uint32_t place; // the container's own number for it
} assay_source_tensor;

typedef struct assay_source assay_source;

// What a container does. `first` and `count` are rows of the tensor, within its shape, and count is
// at least 1. All but close may be called by several threads at once.
typedef struct {
    // As assay_source_rows, without the bounds of N-3.
    assay_status (*rows)(float *out, const assay_source *source, const assay_source_tensor *tensor,
                         uint64_t first, uint64_t count, assay_error *err);
    // As assay_source_nf4_rows, without the bounds of N-3. NULL: no tensor is NF4.
    assay_status (*nf4_rows)(uint8_t *codes, float *absmax, const assay_source *source,
                             const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                             assay_error *err);
    // As assay_source_drop.
    void (*drop)(const assay_source *source, const assay_source_tensor *tensor, uint64_t first,
                 uint64_t count);
    void (*close)(assay_source *source);
} assay_source_methods;

// The head of every container's own struct.
struct assay_source {
    const assay_source_methods *methods;
    assay_source_tensor *tensors; // [count], ascending by name, each name once
    uint32_t count;
    uint64_t size; // sum of the tensors' sizes
};

// Sorts the tensors by name and sums their sizes. For containers, at the end of their open.
// Errors: DUPLICATE (a name). Spec: F-12.
assay_status assay_source_finish(assay_source *source, assay_error *err);

// Whether a path names a GGUF file; else it names a folder, or nothing. Errors: FORMAT (a file of
// another kind). Spec: F-26.
assay_status assay_source_is_gguf(bool *is, const char *path, assay_error *err);

// source may be NULL.
void assay_source_close(assay_source *source);

// Returns: the tensor of that name, or NULL.
const assay_source_tensor *assay_source_find(const assay_source *source, const char *name);

// Rows of a tensor, and elements of a row.
uint64_t assay_source_row_count(const assay_source_tensor *tensor);
uint64_t assay_source_row_size(const assay_source_tensor *tensor);

// Checks that a tensor is [rows][columns], or [rows] where columns is 0. Errors: MISMATCH.
// Spec: F-12.
assay_status assay_source_shape_check(const assay_source_tensor *tensor, uint64_t rows,
                                      uint64_t columns, assay_error *err);

// Reads rows as f32 into out[count][row size]; exact, of NF4 the product of level and absmax,
// rounded once. Errors: UNSUPPORTED (what the container cannot read as f32), NONFINITE, RANGE
// (magnitude over 2^20), MEMORY. Spec: N-3, F-12.
assay_status assay_source_rows(float *out, const assay_source *source,
                               const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                               assay_error *err);

// Reads rows of an NF4 tensor as they lie: codes[count][columns / 2] with element 2j in the low
// nibble, absmax[count][columns / 64] with the second level resolved. Errors: NONFINITE, RANGE
// (an absmax below 0 or over 2^20). Spec: N-3, F-14.
assay_status assay_source_nf4_rows(uint8_t *codes, float *absmax, const assay_source *source,
                                   const assay_source_tensor *tensor, uint64_t first,
                                   uint64_t count, assay_error *err);

// Rows that will not be read again soon: their pages leave this process's memory.
void assay_source_drop(const assay_source *source, const assay_source_tensor *tensor,
                       uint64_t first, uint64_t count);

#endif
