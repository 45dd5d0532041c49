// SPDX-License-Identifier: Apache-2.0
// Untrusted bytes are read, and canonical bytes are written, through these two types only.
// Integers are big-endian (P-2). A failure sticks: read on, and ask once at the end.
#ifndef ASSAY_BASE_CURSOR_H
#define ASSAY_BASE_CURSOR_H

#include "base/bytes.h"
#include "base/status.h"

// Reads a borrowed buffer. After a failure every read gives zeros and `failed` stays set.
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
} assay_cursor;

static inline void assay_cursor_init(assay_cursor *cursor, const uint8_t *data, size_t size) {
    *cursor = (assay_cursor){data, size ? data + size : data, false}; // data may be NULL for none
}

static inline size_t assay_cursor_left(const assay_cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

// Takes `size` bytes in place. Returns: the bytes, or NULL (and failure) if fewer are left; a
// non-NULL pointer for size 0. Lives: as long as the buffer. Spec: P-2.
const uint8_t *assay_cursor_take(assay_cursor *cursor, size_t size);

// Fixed-width reads, big-endian; 0 after a failure. Spec: P-2.
uint8_t assay_cursor_u8(assay_cursor *cursor);
uint16_t assay_cursor_u16(assay_cursor *cursor);
uint32_t assay_cursor_u32(assay_cursor *cursor);
uint64_t assay_cursor_u64(assay_cursor *cursor);
void assay_cursor_copy(assay_cursor *cursor, void *out, size_t size);
void assay_cursor_hash(assay_cursor *cursor, assay_hash *out);
void assay_cursor_address(assay_cursor *cursor, assay_address *out);

// A u32 length, at most `size_max`, and that many bytes in place. Spec: P-2.
assay_bytes assay_cursor_blob(assay_cursor *cursor, uint32_t size_max);

// Ends a parse. Errors: TRUNCATED if any read failed, TRAILING if bytes are left; `what` names the
// object in the sentence. Spec: P-2.
assay_status assay_cursor_finish(const assay_cursor *cursor, const char *what, assay_error *err);

// Writes into a caller's buffer. After a failure nothing more is written and `failed` stays set;
// `size` then no longer means anything.
typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
} assay_writer;

static inline void assay_writer_init(assay_writer *writer, uint8_t *data, size_t capacity) {
    *writer = (assay_writer){data, 0, capacity, false};
}

// Fixed-width writes, big-endian. Spec: P-2.
void assay_writer_u8(assay_writer *writer, uint8_t value);
void assay_writer_u16(assay_writer *writer, uint16_t value);
void assay_writer_u32(assay_writer *writer, uint32_t value);
void assay_writer_u64(assay_writer *writer, uint64_t value);
void assay_writer_copy(assay_writer *writer, const void *data, size_t size);
void assay_writer_hash(assay_writer *writer, const assay_hash *hash);
void assay_writer_address(assay_writer *writer, const assay_address *address);
void assay_writer_blob(assay_writer *writer, const void *data, uint32_t size);

#endif
