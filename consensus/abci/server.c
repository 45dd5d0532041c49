// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/server.h"

#include <signal.h>
#include <stdlib.h>

#include "consensus/abci/listen.h"

enum { FRAME_DEFAULT = 32 << 20, CONNECTIONS_DEFAULT = 16 };

struct assay_abci_server {
    assay_abci_hub hub;
    uv_loop_t loop;
    assay_abci_socket listener;
    assay_abci_socket spare; // takes whom nothing else can take; the loop's, as both below
    bool spare_closing;
    bool owed; // libuv has somebody, who waits until it has closed
    pthread_t thread;
    uint32_t connections_max;
    atomic_bool stop; // close was called
    char address[ASSAY_ABCI_ADDRESS_MAX];
};

static void connection_got(uv_stream_t *listener, int status);

static void spare_closed(uv_handle_t *handle) {
    assay_abci_server *server = handle->data;
    server->spare_closing = false;
    if (!server->owed || server->hub.stopping) return;
    server->owed = false;
    connection_got(&server->listener.stream, 0);
}

// Takes a connection that is not served, and closes it: so the peer learns, and libuv, which pauses
// until it is taken, goes on. That needs no memory.
static void turn_away(assay_abci_server *server) {
    // Fills it in and cannot fail.
    (void)assay_abci_socket_init(&server->spare, &server->loop, &server->listener.stream);
    server->spare.handle.data = server;
    server->spare_closing = true;
    (void)uv_accept(&server->listener.stream, &server->spare.stream); // may be taken already
    uv_close(&server->spare.handle, spare_closed);
}

static void connection_got(uv_stream_t *listener, int status) {
    assay_abci_server *server = listener->data;
    assay_abci_server_state state;
    assay_error err = {0};
    if (status < 0) { // out of descriptors, say; libuv tries again
        assay_abci_hub_refused(&server->hub, uv_strerror(status));
        return;
    }
    if (server->spare_closing) { // the next one waits for that
        server->owed = true;
        return;
    }
    assay_abci_server_state_get(server, &state);
    if (state.connections >= server->connections_max)
        (void)ASSAY_FAIL(&err, CAPACITY, "a connection over the limit of %u",
                         server->connections_max);
    else
        (void)assay_abci_connection_open(&server->hub, listener, &err);
    if (err.status == ASSAY_OK) return;
    assay_abci_hub_refused(&server->hub, err.text);
    turn_away(server);
}

static void woken(uv_async_t *wake) {
    assay_abci_server *server = wake->data;
    assay_abci_hub *hub = &server->hub;
    if (server->stop && !hub->stopping) {
        hub->stopping = true;
        uv_close(&server->listener.handle, NULL); // and removes a unix socket's file
        for (assay_abci_connection *c = hub->connections; c; c = c->next)
            assay_abci_connection_drop(c);
        if (!hub->connections) uv_close((uv_handle_t *)&hub->wake, NULL);
    }
    // Nothing is freed in here: libuv calls back for that from the loop.
    for (assay_abci_connection *c = hub->connections; c; c = c->next)
        assay_abci_connection_attend(c);
}

static void *loop_run(void *argument) {
    assay_abci_server *server = argument;
    uv_run(&server->loop, UV_RUN_DEFAULT);
    return NULL;
}

// Signals are for the program's own threads; a peer that went away then raises no SIGPIPE either,
// here and in the workers, which inherit the mask.
static assay_status thread_start(assay_abci_server *server, assay_error *err) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&server->thread, NULL, loop_run, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) return assay_fail_errno(err, code, "cannot start the server's thread");
    return ASSAY_OK;
}

static assay_status parts_open(assay_abci_server *server, const char *address, assay_error *err) {
    int code = uv_async_init(&server->loop, &server->hub.wake, woken);
    if (code != 0) return assay_fail_errno(err, -code, "cannot make an event");
    server->hub.wake.data = server;
    ASSAY_TRY(assay_abci_listen(&server->listener, &server->loop, address, connection_got,
                                server->address, err));
    server->listener.handle.data = server;
    return thread_start(server, err);
}

static void handle_close(uv_handle_t *handle, void *unused) {
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void server_free(assay_abci_server *server) {
    uv_walk(&server->loop, handle_close, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    ASSAY_ASSERT(uv_loop_close(&server->loop) == 0);
    pthread_mutex_destroy(&server->hub.lock);
    free(server);
}

assay_status assay_abci_server_open(assay_abci_server **out,
                                    const assay_abci_server_options *options, assay_error *err) {
    *out = NULL;
    assay_abci_server *server = calloc(1, sizeof *server);
    if (!server) return ASSAY_FAIL(err, MEMORY, "no memory for an ABCI server");
    int code = uv_loop_init(&server->loop);
    if (code != 0) {
        free(server);
        return assay_fail_errno(err, -code, "cannot make an event loop");
    }
    pthread_mutex_init(&server->hub.lock, NULL);
    server->hub.application = options->application;
    server->hub.frame_max = options->frame_max ? options->frame_max : FRAME_DEFAULT;
    server->connections_max =
        options->connections_max ? options->connections_max : CONNECTIONS_DEFAULT;
    assay_status status = parts_open(server, options->address, err);
    if (status != ASSAY_OK) {
        server_free(server);
        return status;
    }
    *out = server;
    return ASSAY_OK;
}

const char *assay_abci_server_address(const assay_abci_server *server) {
    return server->address;
}

void assay_abci_server_state_get(assay_abci_server *server, assay_abci_server_state *out) {
    pthread_mutex_lock(&server->hub.lock);
    *out = server->hub.state;
    pthread_mutex_unlock(&server->hub.lock);
}

void assay_abci_server_close(assay_abci_server *server) {
    if (!server) return;
    server->stop = true;
    uv_async_send(&server->hub.wake);
    pthread_join(server->thread, NULL);
    server_free(server);
}
