// SPDX-License-Identifier: Apache-2.0
#include "consensus/types/protobuf.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

void assay_protobuf_varint(assay_writer *writer, uint64_t value) {
    while (value >= 0x80) {
        assay_writer_u8(writer, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    assay_writer_u8(writer, (uint8_t)value);
}

static void tag(assay_writer *writer, uint32_t field, uint32_t wire) {
    assay_protobuf_varint(writer, (uint64_t)field << 3 | wire);
}

void assay_protobuf_u64(assay_writer *writer, uint32_t field, uint64_t value) {
    if (value == 0) return;
    tag(writer, field, WIRE_VARINT);
    assay_protobuf_varint(writer, value);
}

void assay_protobuf_sfixed64(assay_writer *writer, uint32_t field, uint64_t value) {
    uint8_t little[8];
    if (value == 0) return;
    assay_store_le64(little, value);
    tag(writer, field, WIRE_FIXED64);
    assay_writer_copy(writer, little, sizeof little);
}

void assay_protobuf_entry(assay_writer *writer, uint32_t field, const void *data, size_t size) {
    tag(writer, field, WIRE_BYTES);
    assay_protobuf_varint(writer, size);
    assay_writer_copy(writer, data, size);
}

void assay_protobuf_bytes(assay_writer *writer, uint32_t field, const void *data, size_t size) {
    if (size) assay_protobuf_entry(writer, field, data, size);
}

void assay_protobuf_message(assay_writer *writer, uint32_t field, const assay_writer *message) {
    if (message->failed) writer->failed = true;
    assay_protobuf_entry(writer, field, message->data, message->size);
}

size_t assay_protobuf_varint_size(uint64_t value) {
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}
