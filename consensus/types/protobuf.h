// SPDX-License-Identifier: Apache-2.0
// Writes the few protobuf fields of which CometBFT hashes or signs the bytes. Deterministic:
// fields in order, proto3 defaults left out. It reads nothing.
#ifndef ASSAY_CONSENSUS_TYPES_PROTOBUF_H
#define ASSAY_CONSENSUS_TYPES_PROTOBUF_H

#include "base/cursor.h"

// An unsigned LEB128 number. Spec: C-1.
void assay_protobuf_varint(assay_writer *writer, uint64_t value);

// Fields; each leaves out the default (0, empty) as proto3 does. Spec: C-1.
void assay_protobuf_u64(assay_writer *writer, uint32_t field, uint64_t value);
void assay_protobuf_sfixed64(assay_writer *writer, uint32_t field, uint64_t value);
void assay_protobuf_bytes(assay_writer *writer, uint32_t field, const void *data, size_t size);

// One entry of a repeated field, written even when it is empty. Spec: C-1.
void assay_protobuf_entry(assay_writer *writer, uint32_t field, const void *data, size_t size);

// A sub-message, written even when it is empty (gogoproto's non-nullable fields). Spec: C-1.
void assay_protobuf_message(assay_writer *writer, uint32_t field, const assay_writer *message);

// How many bytes assay_protobuf_varint writes. Spec: C-1.
size_t assay_protobuf_varint_size(uint64_t value);

#endif
