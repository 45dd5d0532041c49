// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"

static const uint8_t nothing[1];

const uint8_t *assay_cursor_take(assay_cursor *cursor, size_t size) {
    if (cursor->failed || size > assay_cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    if (size == 0) return nothing;
    const uint8_t *taken = cursor->at;
    cursor->at += size;
    return taken;
}

uint8_t assay_cursor_u8(assay_cursor *cursor) {
    const uint8_t *in = assay_cursor_take(cursor, 1);
    return in ? in[0] : 0;
}

uint16_t assay_cursor_u16(assay_cursor *cursor) {
    const uint8_t *in = assay_cursor_take(cursor, 2);
    return in ? (uint16_t)(in[0] << 8 | in[1]) : 0;
}

uint32_t assay_cursor_u32(assay_cursor *cursor) {
    const uint8_t *in = assay_cursor_take(cursor, 4);
    return in ? assay_load_be32(in) : 0;
}

uint64_t assay_cursor_u64(assay_cursor *cursor) {
    const uint8_t *in = assay_cursor_take(cursor, 8);
    return in ? assay_load_be64(in) : 0;
}

void assay_cursor_copy(assay_cursor *cursor, void *out, size_t size) {
    const uint8_t *in = assay_cursor_take(cursor, size);
    if (in)
        memcpy(out, in, size);
    else
        memset(out, 0, size);
}

void assay_cursor_hash(assay_cursor *cursor, assay_hash *out) {
    assay_cursor_copy(cursor, out->bytes, ASSAY_HASH_SIZE);
}

void assay_cursor_address(assay_cursor *cursor, assay_address *out) {
    assay_cursor_copy(cursor, out->bytes, ASSAY_ADDRESS_SIZE);
}

assay_bytes assay_cursor_blob(assay_cursor *cursor, uint32_t size_max) {
    uint32_t size = assay_cursor_u32(cursor);
    if (size > size_max) cursor->failed = true;
    const uint8_t *data = assay_cursor_take(cursor, size);
    return data ? (assay_bytes){data, size} : (assay_bytes){nothing, 0};
}

assay_status assay_cursor_finish(const assay_cursor *cursor, const char *what, assay_error *err) {
    if (cursor->failed)
        return ASSAY_FAIL(err, TRUNCATED, "%s ends too early or a length in it is over its limit",
                          what);
    size_t left = assay_cursor_left(cursor);
    if (left)
        return ASSAY_FAIL(err, TRAILING, "%s has %zu bytes after its end, limit 0", what, left);
    return ASSAY_OK;
}

static uint8_t *writer_room(assay_writer *writer, size_t size) {
    if (writer->failed || size > writer->capacity - writer->size) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *room = writer->data + writer->size;
    writer->size += size;
    return room;
}

void assay_writer_copy(assay_writer *writer, const void *data, size_t size) {
    uint8_t *out = writer_room(writer, size);
    if (out && size) memcpy(out, data, size);
}

void assay_writer_u8(assay_writer *writer, uint8_t value) {
    assay_writer_copy(writer, &value, 1);
}

void assay_writer_u16(assay_writer *writer, uint16_t value) {
    uint8_t out[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    assay_writer_copy(writer, out, sizeof out);
}

void assay_writer_u32(assay_writer *writer, uint32_t value) {
    uint8_t out[4];
    assay_store_be32(out, value);
    assay_writer_copy(writer, out, sizeof out);
}

void assay_writer_u64(assay_writer *writer, uint64_t value) {
    uint8_t out[8];
    assay_store_be64(out, value);
    assay_writer_copy(writer, out, sizeof out);
}

void assay_writer_hash(assay_writer *writer, const assay_hash *hash) {
    assay_writer_copy(writer, hash->bytes, ASSAY_HASH_SIZE);
}

void assay_writer_address(assay_writer *writer, const assay_address *address) {
    assay_writer_copy(writer, address->bytes, ASSAY_ADDRESS_SIZE);
}

void assay_writer_blob(assay_writer *writer, const void *data, uint32_t size) {
    assay_writer_u32(writer, size);
    assay_writer_copy(writer, data, size);
}
