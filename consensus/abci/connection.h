// SPDX-License-Identifier: Apache-2.0
// Internal: one connection of a server, between the loop's thread and its worker.
//
//   open ──read──▶ in ──worker: frames──▶ calls ──replies──▶ out ──write──▶ sent
//   open ──end of stream, error, server closes──▶ cut ──worker ends──▶ closed
//   open ──wrong frame, failed call──▶ exception in out ──worker ends, all sent──▶ closed
#ifndef ASSAY_CONSENSUS_ABCI_CONNECTION_H
#define ASSAY_CONSENSUS_ABCI_CONNECTION_H

#include <uv.h>

#include "consensus/abci/server.h"
#include "consensus/abci/wire.h"

typedef struct assay_abci_connection assay_abci_connection;

// How a connection reaches its server. wake: from any thread, makes the loop look at all
// connections. ended: on the loop's thread, when the connection is gone and must not be touched.
typedef struct {
    void *self;
    void (*wake)(void *self);
    void (*ended)(void *self, assay_abci_connection *connection);
    void (*answered)(void *self);
    void (*refused)(void *self, const char *why);
} assay_abci_host;

struct assay_abci_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    assay_abci_connection *next; // in the server's list
    assay_abci_host host;
    assay_abci_application application;
    uint32_t frame_max;

    // The loop's thread.
    uv_write_t write;
    assay_abci_buffer writing; // size 0: nothing is being written
    uint8_t *read_buffer;
    bool reading, closing;

    // The worker's.
    uv_thread_t worker;
    bool started;
    assay_abci_buffer work; // the stream from its first frame that is not answered
    assay_abci_buffer replies;
    assay_arena arena;

    uv_mutex_t lock; // guards all below
    uv_cond_t changed;
    assay_abci_buffer in, out;
    bool cut;  // nothing more is read or sent
    bool done; // the worker has ended
};

// Makes a connection whose stream is to be initialised and accepted by the caller, on the loop's
// thread. Errors: MEMORY. Lives: until host.ended.
assay_status assay_abci_connection_make(assay_abci_connection **out, const assay_abci_host *host,
                                        const assay_abci_application *application,
                                        uint32_t frame_max, assay_error *err);

// Reads, answers and writes from now on. Errors: MEMORY (no thread): then close it.
assay_status assay_abci_connection_start(assay_abci_connection *connection, assay_error *err);

// Does what has become possible: writes what waits, reads on, closes. The loop's thread.
void assay_abci_connection_tend(assay_abci_connection *connection);

// Nothing more is read or sent; ends when the call in progress has. The loop's thread.
void assay_abci_connection_cut(assay_abci_connection *connection);

#endif
