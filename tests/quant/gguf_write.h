// SPDX-License-Identifier: Apache-2.0
// Writes GGUF files, legal and not, piece by piece.
#ifndef ASSAY_TESTS_QUANT_GGUF_WRITE_H
#define ASSAY_TESTS_QUANT_GGUF_WRITE_H

#include "quant/container/gguf.h"
#include "tests/vectors.h"

typedef struct {
    uint8_t *data;
    size_t size, capacity;
    uint64_t tensor_count, pair_count; // as the head says
} gguf_out;

static inline void gguf_put(gguf_out *out, const void *data, size_t size) {
    while (out->size + size > out->capacity) {
        out->capacity = 2 * out->capacity + 4096;
        out->data = realloc(out->data, out->capacity);
        assert_non_null(out->data);
    }
    if (size) memcpy(out->data + out->size, data, size);
    out->size += size;
}

static inline void gguf_u32(gguf_out *out, uint32_t value) {
    uint8_t bytes[4];
    assay_store_le32(bytes, value);
    gguf_put(out, bytes, sizeof bytes);
}

static inline void gguf_u64(gguf_out *out, uint64_t value) {
    uint8_t bytes[8];
    assay_store_le64(bytes, value);
    gguf_put(out, bytes, sizeof bytes);
}

static inline void gguf_text(gguf_out *out, const char *text) {
    gguf_u64(out, strlen(text));
    gguf_put(out, text, strlen(text));
}

static inline void gguf_zeros(gguf_out *out, size_t size) {
    static const uint8_t zero;
    for (size_t i = 0; i < size; i++)
        gguf_put(out, &zero, 1);
}

static inline void gguf_start(gguf_out *out) {
    *out = (gguf_out){0};
    gguf_put(out, "GGUF", 4);
    gguf_u32(out, 3);
    gguf_u64(out, 0);
    gguf_u64(out, 0);
}

// Begins a pair; its value follows.
static inline void gguf_key(gguf_out *out, const char *key, uint32_t type) {
    assay_store_le64(out->data + 16, ++out->pair_count);
    gguf_text(out, key);
    gguf_u32(out, type);
}

static inline void gguf_pair_u32(gguf_out *out, const char *key, uint32_t value) {
    gguf_key(out, key, ASSAY_GGUF_TYPE_U32);
    gguf_u32(out, value);
}

static inline void gguf_pair_f32(gguf_out *out, const char *key, float value) {
    gguf_key(out, key, ASSAY_GGUF_TYPE_F32);
    gguf_put(out, &value, sizeof value);
}

static inline void gguf_pair_text(gguf_out *out, const char *key, const char *value) {
    gguf_key(out, key, ASSAY_GGUF_TYPE_TEXT);
    gguf_text(out, value);
}

// Begins an array pair; the items follow.
static inline void gguf_array(gguf_out *out, const char *key, uint32_t type, uint64_t count) {
    gguf_key(out, key, ASSAY_GGUF_TYPE_ARRAY);
    gguf_u32(out, type);
    gguf_u64(out, count);
}

// An entry of the list of tensors; all pairs come before it. columns 0: rank 1.
static inline void gguf_tensor(gguf_out *out, const char *name, uint32_t type, uint64_t rows,
                               uint64_t columns, uint64_t offset) {
    assay_store_le64(out->data + 8, ++out->tensor_count);
    gguf_text(out, name);
    gguf_u32(out, columns ? 2 : 1);
    if (columns) gguf_u64(out, columns);
    gguf_u64(out, rows);
    gguf_u32(out, type);
    gguf_u64(out, offset);
}

// Fills up to the alignment, then with zeros.
static inline void gguf_data(gguf_out *out, size_t alignment, size_t size) {
    gguf_zeros(out, (alignment - out->size % alignment) % alignment + size);
}

#endif
