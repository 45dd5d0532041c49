// SPDX-License-Identifier: Apache-2.0
// ABCI messages between bytes and structs, by nanopb. Reading takes nothing but arena: bytes are
// views into the frame, and every list has its limit.
#ifndef ASSAY_CONSENSUS_ABCI_WIRE_H
#define ASSAY_CONSENSUS_ABCI_WIRE_H

#include "consensus/abci/message.h"

// Reads one Request. Unknown fields are skipped; of a field that comes twice the last one counts;
// no request at all is kind NONE. Errors: FORMAT (no protobuf, or a kind that is not known),
// CAPACITY (a list over its limit, or the arena). Lives: as data and arena. Spec: E-3, E-4.
assay_status assay_abci_request_read(assay_abci_request *out, const uint8_t *data, size_t size,
                                     assay_arena *arena, assay_error *err);

// Bytes to be sent, growing. A zeroed struct is empty and safe to close.
typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} assay_abci_buffer;

// Makes room for `more` bytes. Errors: MEMORY; what is there stays.
assay_status assay_abci_buffer_reserve(assay_abci_buffer *buffer, size_t more, assay_error *err);
void assay_abci_buffer_close(assay_abci_buffer *buffer);

// Appends one Response with its length before it. Errors: MEMORY, FORMAT (a kind without an
// answer); the buffer is as before. Spec: E-1, E-3.
assay_status assay_abci_reply_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                    assay_error *err);

// Appends an Exception: the engine ends when it reads it. Errors: MEMORY. Spec: E-4.
assay_status assay_abci_exception_write(assay_abci_buffer *buffer, const char *text,
                                        assay_error *err);

#endif
