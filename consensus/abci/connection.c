// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/connection.h"

#include <stdlib.h>

int assay_abci_socket_init(assay_abci_socket *socket, uv_loop_t *loop,
                           const uv_stream_t *listener) {
    if (listener->type == UV_TCP) return uv_tcp_init(loop, &socket->tcp);
    return uv_pipe_init(loop, &socket->pipe, 0);
}

void assay_abci_hub_refused(assay_abci_hub *hub, const char *why) {
    pthread_mutex_lock(&hub->lock);
    hub->state.refused++;
    snprintf(hub->state.problem, sizeof hub->state.problem, "%s", why);
    pthread_mutex_unlock(&hub->lock);
}

static void handle_closed(uv_handle_t *handle) {
    assay_abci_connection *connection = handle->data;
    assay_abci_hub *hub = connection->hub;
    if (--connection->handles > 0) return;
    if (connection->has_worker) pthread_join(connection->worker, NULL); // it finished
    assay_abci_connection **link = &hub->connections;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    assay_abci_buffer_close(&connection->in);
    assay_abci_buffer_close(&connection->out);
    assay_abci_buffer_close(&connection->writing);
    pthread_cond_destroy(&connection->changed);
    pthread_mutex_destroy(&connection->lock);
    free(connection);
    pthread_mutex_lock(&hub->lock);
    hub->state.connections--;
    pthread_mutex_unlock(&hub->lock);
    if (hub->stopping && !hub->connections) uv_close((uv_handle_t *)&hub->wake, NULL);
}

static void handles_close(assay_abci_connection *connection) {
    if (connection->closing) return;
    connection->closing = true;
    uv_close(&connection->socket.handle, handle_closed);
    uv_close((uv_handle_t *)&connection->linger, handle_closed);
}

void assay_abci_connection_drop(assay_abci_connection *connection) {
    pthread_mutex_lock(&connection->lock);
    connection->dropped = true;
    pthread_cond_broadcast(&connection->changed);
    pthread_mutex_unlock(&connection->lock);
    uv_async_send(&connection->hub->wake);
}

static void piece_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    assay_abci_connection *connection = handle->data;
    *out = uv_buf_init(connection->piece, sizeof connection->piece);
}

static void read_stop(assay_abci_connection *connection) {
    uv_read_stop(&connection->socket.stream);
    connection->reading = false;
}

static void read_done(uv_stream_t *stream, ssize_t count, const uv_buf_t *piece) {
    assay_abci_connection *connection = stream->data;
    if (count == 0) return;
    if (connection->lingering) {
        if (count < 0) handles_close(connection);
        return;
    }
    pthread_mutex_lock(&connection->lock);
    bool added = count < 0 || assay_abci_buffer_add(&connection->in, piece->base, (size_t)count);
    bool full = connection->in.size >= ASSAY_ABCI_INPUT_MAX;
    if (count == UV_EOF) connection->ended = true;
    pthread_cond_broadcast(&connection->changed);
    pthread_mutex_unlock(&connection->lock);
    if (count < 0 || full) read_stop(connection);
    if ((count < 0 && count != UV_EOF) || !added) {
        assay_abci_hub_refused(connection->hub, added ? uv_strerror((int)count) : "out of memory");
        assay_abci_connection_drop(connection);
    }
}

static bool read_start(assay_abci_connection *connection) {
    if (uv_read_start(&connection->socket.stream, piece_alloc, read_done) != 0) return false;
    connection->reading = true;
    return true;
}

static void write_done(uv_write_t *request, int status) {
    assay_abci_connection *connection = request->data;
    assay_abci_buffer_reset(&connection->writing);
    pthread_mutex_lock(&connection->lock);
    connection->writes = false;
    pthread_mutex_unlock(&connection->lock);
    if (connection->closing) return;
    if (status < 0) assay_abci_connection_drop(connection);
    assay_abci_connection_attend(connection);
}

static bool write_start(assay_abci_connection *connection) {
    uv_buf_t out = {.base = (char *)connection->writing.data, .len = connection->writing.size};
    connection->write.data = connection;
    return uv_write(&connection->write, &connection->socket.stream, &out, 1, write_done) == 0;
}

static void linger_over(uv_timer_t *timer) {
    handles_close(timer->data);
}

// A refused peer may still be sending. Closing with bytes unread would reset a TCP connection and
// take the Exception with it, so what comes is thrown away until the peer ends, or for a second.
static void linger(assay_abci_connection *connection) {
    if (connection->lingering) return;
    connection->lingering = true;
    if (uv_shutdown(&connection->shutdown, &connection->socket.stream, NULL) != 0 ||
        uv_timer_start(&connection->linger, linger_over, ASSAY_ABCI_LINGER_MS, 0) != 0 ||
        (!connection->reading && !read_start(connection)))
        handles_close(connection);
}

void assay_abci_connection_attend(assay_abci_connection *connection) {
    if (connection->closing) return;
    pthread_mutex_lock(&connection->lock);
    bool dropped = connection->dropped, finished = connection->finished;
    bool ended = connection->ended;
    bool write = !connection->writes && !dropped && connection->out.size > 0;
    if (write) {
        connection->writes = true;
        assay_abci_buffer_swap(&connection->out, &connection->writing);
        pthread_cond_broadcast(&connection->changed);
    }
    bool read = !connection->reading && !ended && !finished && !dropped &&
                connection->in.size < ASSAY_ABCI_INPUT_MAX;
    bool left = connection->out.size > 0;
    pthread_mutex_unlock(&connection->lock);
    if ((write && !write_start(connection)) || (read && !read_start(connection)))
        assay_abci_connection_drop(connection);
    if (!finished) return;
    if (dropped)
        handles_close(connection);
    else if (connection->writes || left)
        return;
    else if (ended)
        handles_close(connection);
    else
        linger(connection);
}

static int handles_init(assay_abci_connection *connection, uv_stream_t *listener) {
    uv_loop_t *loop = listener->loop;
    int code = assay_abci_socket_init(&connection->socket, loop, listener);
    if (code != 0) return code;
    connection->handles = 2;
    connection->socket.handle.data = connection;
    uv_timer_init(loop, &connection->linger); // cannot fail
    connection->linger.data = connection;
    code = uv_accept(listener, &connection->socket.stream);
    if (code != 0) return code;
    if (listener->type == UV_TCP) uv_tcp_nodelay(&connection->socket.tcp, 1);
    return read_start(connection) ? 0 : UV_ENOTCONN;
}

assay_status assay_abci_connection_open(assay_abci_hub *hub, uv_stream_t *listener,
                                        assay_error *err) {
    assay_abci_connection *connection = calloc(1, sizeof *connection);
    if (!connection) return ASSAY_FAIL(err, MEMORY, "no memory for a connection");
    connection->hub = hub;
    pthread_mutex_init(&connection->lock, NULL);
    pthread_cond_init(&connection->changed, NULL);
    connection->next = hub->connections;
    hub->connections = connection;
    pthread_mutex_lock(&hub->lock);
    hub->state.connections++;
    pthread_mutex_unlock(&hub->lock);
    int code = handles_init(connection, listener);
    if (code == 0) code = uv_fileno(&connection->socket.handle, &connection->fd);
    if (code == 0)
        code = -pthread_create(&connection->worker, NULL, assay_abci_worker_run, connection);
    connection->has_worker = code == 0;
    if (code == 0) return ASSAY_OK;
    ASSAY_ASSERT(connection->handles > 0); // libuv's init of a socket only fills it in
    handles_close(connection);
    return assay_fail_errno(err, -code, "cannot take a connection");
}
