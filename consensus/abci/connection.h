// SPDX-License-Identifier: Apache-2.0
// One connection: its socket belongs to the loop's thread, its requests to a worker. Between them
// lie two buffers of bytes, one each way. Where nothing waits to be written, the worker writes what
// the socket takes at once: a response then waits for no other thread to be woken.
//
//   1. Requests are answered one after the other, in the order they came, and their responses
//      leave in that order (test_fifo).
//   2. Bytes read and not yet taken are at most INPUT_MAX and one piece; the socket is not read
//      above it (test_pipelined).
//   3. Bytes to be written are at most OUTPUT_MAX and one response on each side of the swap; the
//      worker waits above it, and only that worker (test_slow_reader).
//   4. A connection is freed after its worker ended, so that joining it never waits
//      (test_close_while_busy).
//
//   serving --peer ended, all answered--> finished ----all written----> closed
//   serving --refused, Exception made---> finished --written--> lingering --peer ended--> closed
//   any     --socket failed, server closes--> dropped --worker ended--> closed
#ifndef ASSAY_CONSENSUS_ABCI_CONNECTION_H
#define ASSAY_CONSENSUS_ABCI_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "consensus/abci/buffer.h"
#include "consensus/abci/server.h"

enum {
    ASSAY_ABCI_PIECE_SIZE = 64 << 10, // bytes read at once
    ASSAY_ABCI_INPUT_MAX = 256 << 10,
    ASSAY_ABCI_OUTPUT_MAX = 1 << 20,
    ASSAY_ABCI_LINGER_MS = 1000, // in which a refused peer may read why
    // What the application may take for one answer, beside what the request's lists take.
    ASSAY_ABCI_ARENA_MAX = 256 << 20,
};

typedef struct assay_abci_connection assay_abci_connection;

// What the connections of a server share.
typedef struct {
    assay_abci_application application;
    uint32_t frame_max;
    uv_async_t wake;                    // any thread, after it changed what the loop looks at
    assay_abci_connection *connections; // loop
    bool stopping;                      // loop
    pthread_mutex_t lock;
    assay_abci_server_state state; // under lock
} assay_abci_hub;

typedef union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
} assay_abci_socket;

struct assay_abci_connection {
    assay_abci_connection *next;
    assay_abci_hub *hub;

    // The loop's.
    assay_abci_socket socket;
    uv_timer_t linger;
    uv_write_t write;
    uv_shutdown_t shutdown;
    assay_abci_buffer writing;
    unsigned handles; // not closed yet
    bool has_worker, reading, lingering, closing;
    char piece[ASSAY_ABCI_PIECE_SIZE];

    pthread_t worker;
    int fd;              // the socket's, open until the worker ended
    atomic_bool dropped; // nothing of it matters any more; set under lock
    pthread_mutex_t lock;
    pthread_cond_t changed; // for the worker
    // Under lock.
    assay_abci_buffer in, out;
    bool writes;          // the loop, what is in `writing`
    bool ended, finished; // ended: the peer sends no more
};

// A socket that can take what `listener` got. Returns: 0 or libuv's error. Loop's thread.
int assay_abci_socket_init(assay_abci_socket *socket, uv_loop_t *loop, const uv_stream_t *listener);

// Takes a connection that `listener` got and serves it until it ends. Loop's thread. Errors:
// MEMORY, NETWORK, BUSY; it is then closed. Spec: E-6.
assay_status assay_abci_connection_open(assay_abci_hub *hub, uv_stream_t *listener,
                                        assay_error *err);

// Looks at what its worker changed. Loop's thread.
void assay_abci_connection_attend(assay_abci_connection *connection);

// Ends it after the call in progress. Loop's thread.
void assay_abci_connection_drop(assay_abci_connection *connection);

// The worker's thread, of which the argument is its connection.
void *assay_abci_worker_run(void *connection);

// Remembers why a frame or connection was refused. Any thread.
void assay_abci_hub_refused(assay_abci_hub *hub, const char *why);

#endif
