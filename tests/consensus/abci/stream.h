// SPDX-License-Identifier: Apache-2.0
// A stream of requests answered as a server's workers do, without sockets and threads: frames out
// of bytes, and a call each.
#ifndef ASSAY_TESTS_CONSENSUS_ABCI_STREAM_H
#define ASSAY_TESTS_CONSENSUS_ABCI_STREAM_H

#include "base/cursor.h"
#include "consensus/abci/frame.h"
#include "consensus/abci/wire.h"

enum { STREAM_FRAME_MAX = 4096, STREAM_ARENA_MAX = 64 << 20 };

// Sees what the application answered, before it is written.
typedef void (*stream_witness)(void *self, const assay_abci_request *request,
                               const assay_abci_reply *reply);

// A response from `from` on: its length, and the one field that answers `kind`.
static inline void stream_reply_check(const assay_abci_buffer *out, size_t from,
                                      assay_abci_kind kind) {
    assay_cursor cursor;
    uint64_t numbers[2] = {0, 0}; // length, key
    size_t left = 0;
    assay_cursor_init(&cursor, out->data + from, out->size - from);
    for (int i = 0; i < 2; i++) {
        uint8_t byte = 0x80;
        for (unsigned shift = 0; byte & 0x80; shift += 7) {
            ASSAY_ASSERT(shift < 35 && assay_cursor_left(&cursor) > 0);
            byte = assay_cursor_u8(&cursor);
            numbers[i] |= (uint64_t)(byte & 0x7f) << shift;
        }
        if (i == 0) left = assay_cursor_left(&cursor);
    }
    ASSAY_ASSERT(numbers[0] == left);
    ASSAY_ASSERT(numbers[1] == ((uint64_t)kind + 1) * 8 + 2); // length-delimited
}

// Answers one frame. Errors: the request's and the application's.
static inline assay_status stream_call(assay_abci_application application, assay_bytes frame,
                                       assay_arena *arena, assay_abci_buffer *out,
                                       stream_witness witness, assay_error *err) {
    assay_abci_request request;
    size_t before = out->size;
    ASSAY_TRY(assay_abci_request_read(&request, frame, arena, err));
    if (request.kind <= ASSAY_ABCI_FLUSH) return ASSAY_OK; // the worker's own
    assay_abci_reply reply = {.kind = request.kind};
    ASSAY_TRY(application.call(application.self, &request, &reply, arena, err));
    ASSAY_ASSERT(reply.kind == request.kind);
    if (witness) witness(application.self, &request, &reply);
    ASSAY_TRY(assay_abci_reply_write(out, &reply, arena, err));
    stream_reply_check(out, before, request.kind);
    return ASSAY_OK;
}

// Appends the responses to out. A refusal ends a connection, not the application: the next request
// may come on another.
static inline void stream_answer(assay_abci_application application, const uint8_t *data,
                                 size_t size, assay_abci_buffer *out, stream_witness witness) {
    assay_abci_frames frames;
    assay_arena arena;
    assay_bytes frame;
    assay_abci_frames_init(&frames, STREAM_FRAME_MAX);
    assay_arena_init(&arena, STREAM_ARENA_MAX);
    ASSAY_ASSERT(assay_abci_frames_add(&frames, data, size, NULL) == ASSAY_OK);
    while (assay_abci_frames_next(&frames, &frame, NULL) == ASSAY_OK && frame.data) {
        assay_error err = {0};
        size_t before = out->size;
        assay_arena_reset(&arena);
        if (stream_call(application, frame, &arena, out, witness, &err) == ASSAY_OK) continue;
        ASSAY_ASSERT(err.text[0] && out->size == before);
        ASSAY_ASSERT(assay_abci_exception_write(out, err.text, NULL) == ASSAY_OK);
        stream_reply_check(out, before, ASSAY_ABCI_NONE);
    }
    assay_arena_close(&arena);
    assay_abci_frames_close(&frames);
}

#endif
