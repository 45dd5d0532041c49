// SPDX-License-Identifier: Apache-2.0
// Reads safetensors files that anybody may have written: u64 LE header length, JSON header, data.
#ifndef ASSAY_QUANT_CONTAINER_SAFETENSORS_H
#define ASSAY_QUANT_CONTAINER_SAFETENSORS_H

#include "base/bytes.h"
#include "base/status.h"

// A header of 256 layers has some 800 KB; the reference reader's own limit of 100 MB would let a
// stranger take gigabytes of parsed JSON.
enum {
    ASSAY_TENSOR_NAME_MAX = 127,
    ASSAY_TENSOR_RANK_MAX = 4,
    ASSAY_TENSOR_COUNT_MAX = 16384,
    ASSAY_TENSOR_FORMAT_MAX = 31,
    ASSAY_TENSOR_HEADER_MAX = 4 << 20,
};

// X(name, bytes an element), in the order of the reference library's enum, which is also the
// ascending order of a canonical file's sort key (F-5).
#define ASSAY_DTYPE_LIST(X)                                                                        \
    X(BOOL, 1)                                                                                     \
    X(U8, 1)                                                                                       \
    X(I8, 1)                                                                                       \
    X(F8_E5M2, 1)                                                                                  \
    X(F8_E4M3, 1)                                                                                  \
    X(I16, 2)                                                                                      \
    X(U16, 2)                                                                                      \
    X(F16, 2)                                                                                      \
    X(BF16, 2)                                                                                     \
    X(I32, 4)                                                                                      \
    X(U32, 4)                                                                                      \
    X(F32, 4)                                                                                      \
    X(F64, 8)                                                                                      \
    X(I64, 8)                                                                                      \
    X(U64, 8)

typedef enum {
#define X(name, size) ASSAY_DTYPE_##name,
    ASSAY_DTYPE_LIST(X)
#undef X
        ASSAY_DTYPE_COUNT
} assay_dtype;

// The dtype's name in a header, e.g. "BF16", and the bytes of one element. Spec: F-4.
const char *assay_dtype_name(assay_dtype dtype);
uint32_t assay_dtype_size(assay_dtype dtype);

typedef struct {
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    assay_dtype dtype;
    uint32_t rank;
    uint64_t shape[ASSAY_TENSOR_RANK_MAX];
    uint64_t begin; // bytes from the start of the data part
    uint64_t size;  // bytes
} assay_tensor;

// A zeroed struct is safe to close.
typedef struct {
    assay_tensor *tensors; // [count], ascending by name
    uint32_t count;
    const uint8_t *data; // borrowed
    uint64_t data_size;
    char format[ASSAY_TENSOR_FORMAT_MAX + 1]; // __metadata__.format, "" if absent or longer
} assay_safetensors;

// Parses the header and checks that the tensors tile the data exactly. Reads no tensor content.
// Errors: TRUNCATED (file, header or data ends early), CAPACITY (header, tensor count, rank, name
// length), FORMAT, DUPLICATE, DEPTH (header JSON), UNKNOWN (member, dtype), RANGE (shape product),
// MISMATCH (shape against offsets), LAYOUT (hole, overlap, begin > end), TRAILING (bytes after the
// last tensor). Lives: data stays the caller's and must outlive *out. Spec: F-4.
assay_status assay_safetensors_open(assay_safetensors *out, const uint8_t *data, size_t size,
                                    assay_error *err);
void assay_safetensors_close(assay_safetensors *file);

// Returns: the tensor of that name, or NULL.
const assay_tensor *assay_safetensors_find(const assay_safetensors *file, const char *name);

// Finds a tensor of this dtype and shape. Errors: MISSING, MISMATCH (dtype, rank or a dimension).
// Returns its content in *out. Spec: F-4.
assay_status assay_safetensors_get(const uint8_t **out, const assay_safetensors *file,
                                   const assay_tensor *wanted, assay_error *err);

// As get, for a tensor that may have any dtype. Errors: MISMATCH. Spec: F-4.
assay_status assay_safetensors_shape_check(const assay_tensor *found, const assay_tensor *wanted,
                                           assay_error *err);

#endif
