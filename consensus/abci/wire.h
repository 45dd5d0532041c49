// SPDX-License-Identifier: Apache-2.0
// Requests read and responses written as protobuf. Fields that are not known are skipped.
#ifndef ASSAY_CONSENSUS_ABCI_WIRE_H
#define ASSAY_CONSENSUS_ABCI_WIRE_H

#include "consensus/abci/buffer.h"
#include "consensus/abci/message.h"

// Reads a frame's content. Where several requests are named, the last stands. Errors: FORMAT (what
// protobuf or a field's type forbids; two keys of one validator), CAPACITY (a list over its limit,
// the arena), UNKNOWN (no request, or none that is known). Lives: as frame and arena, of which the
// lists take at most ASSAY_ABCI_READ_MAX bytes. Spec: E-3, E-4.
assay_status assay_abci_request_read(assay_abci_request *out, assay_bytes frame, assay_arena *arena,
                                     assay_error *err);
enum { ASSAY_ABCI_READ_MAX = 8 << 20 };

// Appends a response with its length. Errors: MEMORY, CAPACITY (over 1 GiB; the arena), all with
// nothing added. Spec: E-5.
assay_status assay_abci_reply_write(assay_abci_buffer *out, const assay_abci_reply *reply,
                                    assay_arena *arena, assay_error *err);

// Appends an Exception. Errors: MEMORY. Spec: E-5.
assay_status assay_abci_exception_write(assay_abci_buffer *out, const char *text, assay_error *err);

#endif
