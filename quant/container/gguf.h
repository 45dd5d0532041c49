// SPDX-License-Identifier: Apache-2.0
// Reads GGUF version 3 files that anybody may have written: key-value pairs, a list of tensors, and
// their data.
#ifndef ASSAY_QUANT_CONTAINER_GGUF_H
#define ASSAY_QUANT_CONTAINER_GGUF_H

#include "base/cursor.h"
#include "base/file.h"
#include "quant/container/gguf_blocks.h"

// A model of 256 layers has some 3,100 tensors and 60 pairs; merges are at most 2^21 (F-8).
enum {
    ASSAY_GGUF_TENSORS_MAX = 4096,
    ASSAY_GGUF_PAIRS_MAX = 1024,
    ASSAY_GGUF_KEY_MAX = 255,
    ASSAY_GGUF_NAME_MAX = 64,
    ASSAY_GGUF_RANK_MAX = 4,
    ASSAY_GGUF_ALIGNMENT_MAX = 65536,
    ASSAY_GGUF_TEXT_MAX = 32 << 20, // bytes
    ASSAY_GGUF_ITEMS_MAX = 1 << 21, // of an array
};

// X(name, bytes in a file, 0: not fixed), by their numbers in a file.
#define ASSAY_GGUF_TYPE_LIST(X)                                                                    \
    X(U8, 1)                                                                                       \
    X(I8, 1)                                                                                       \
    X(U16, 2)                                                                                      \
    X(I16, 2)                                                                                      \
    X(U32, 4)                                                                                      \
    X(I32, 4)                                                                                      \
    X(F32, 4)                                                                                      \
    X(BOOL, 1)                                                                                     \
    X(TEXT, 0)                                                                                     \
    X(ARRAY, 0)                                                                                    \
    X(U64, 8)                                                                                      \
    X(I64, 8)                                                                                      \
    X(F64, 8)

typedef enum {
#define X(name, bytes) ASSAY_GGUF_TYPE_##name,
    ASSAY_GGUF_TYPE_LIST(X)
#undef X
        ASSAY_GGUF_TYPE_COUNT
} assay_gguf_type;

// A pair. Of a number data is its little-endian bytes, of a text its bytes, which
// need not be UTF-8; of an array its items one after the other, texts as a u64 length and bytes.
typedef struct {
    assay_bytes key;
    bool is_array;
    assay_gguf_type type; // of the value, or of an array's items; never ARRAY
    uint64_t count;       // items of an array, else 1
    assay_bytes data;
} assay_gguf_pair;

typedef struct {
    char name[ASSAY_GGUF_NAME_MAX + 1];
    assay_gguf_block type;
    uint32_t rank;                      // 1 to 4
    uint64_t dims[ASSAY_GGUF_RANK_MAX]; // the fastest first; 1 beyond the rank
    uint64_t begin;                     // bytes from the start of the data part
    uint64_t size;                      // bytes
} assay_gguf_tensor;

// A zeroed struct is safe to close.
typedef struct {
    assay_mapping file;         // empty after bind
    assay_gguf_pair *pairs;     // [pair_count], ascending by key
    assay_gguf_tensor *tensors; // [tensor_count], ascending by name
    uint32_t pair_count;
    uint32_t tensor_count;
    uint32_t alignment;
    const uint8_t *data;
    uint64_t data_size;
} assay_gguf;

// Maps a file, reads its head and checks that the tensors tile the data. Reads no tensor content.
// Errors: of the file; FORMAT (magic, characters of a key or name, a bool, the alignment's type),
// VERSION, TRUNCATED, CAPACITY (counts, lengths), DUPLICATE (key, name), UNKNOWN (a type),
// UNSUPPORTED (a tensor's type, by name), DEPTH (an array of arrays), RANGE (alignment,
// dimensions), MISMATCH (a row that is no whole number of blocks), LAYOUT (misaligned, overlap,
// hole), TRAILING. Nothing is left open on failure. The file must stay unchanged while it is open.
// Spec: F-20, F-21.
assay_status assay_gguf_open(assay_gguf *out, const char *path, assay_error *err);
void assay_gguf_close(assay_gguf *file);

// As open, over bytes in memory that outlive *out. Errors: as open but for the file. Spec: F-20.
assay_status assay_gguf_bind(assay_gguf *out, const uint8_t *data, size_t size, assay_error *err);

// Whether a file begins as a GGUF file of any version does, and so is taken for one. Spec: F-26.
bool assay_gguf_is(const char *path);

// Returns: the pair of that key, the tensor of that name, or NULL. Spec: F-20.
const assay_gguf_pair *assay_gguf_find(const assay_gguf *file, const char *key);
const assay_gguf_tensor *assay_gguf_tensor_find(const assay_gguf *file, const char *name);

// The value of a pair that is no array. Integers may have any of the eight integer types. Errors:
// MISSING, FORMAT (another type), RANGE. Lives of a text: as long as the file. Spec: F-20.
assay_status assay_gguf_u64(uint64_t *out, const assay_gguf *file, const char *key, uint64_t min,
                            uint64_t max, assay_error *err);
assay_status assay_gguf_f32(float *out, const assay_gguf *file, const char *key, assay_error *err);
assay_status assay_gguf_text(assay_bytes *out, const assay_gguf *file, const char *key,
                             assay_error *err);

// The pair of an array with items of a type. Errors: MISSING, FORMAT. Spec: F-20.
assay_status assay_gguf_array(const assay_gguf_pair **out, const assay_gguf *file, const char *key,
                              assay_gguf_type type, assay_error *err);

// The next text of a text array's data, over which `at` was initialised. Spec: F-20.
assay_bytes assay_gguf_text_next(assay_cursor *at);

// Whether a text says exactly this.
bool assay_gguf_text_is(assay_bytes text, const char *wanted);

#endif
