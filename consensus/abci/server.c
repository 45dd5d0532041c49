// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "consensus/abci/connection.h"

enum {
    FRAME_MAX = 32 << 20,
    CONNECTIONS_MAX = 16, // CometBFT opens four
    BACKLOG = 32,
    ADDRESS_SIZE = 256,
};

struct assay_abci_server {
    assay_abci_application application;
    uint32_t frame_max, connections_max;
    char address[ADDRESS_SIZE];
    char path[ADDRESS_SIZE]; // of the socket file, "" for tcp

    uv_loop_t loop;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    uv_async_t wake;
    uv_thread_t thread;
    bool loop_made, wake_made, listener_made, started;
    assay_abci_connection *connections; // the loop's thread
    bool closing;                       // the loop's thread

    uv_mutex_t lock; // guards all below
    bool stopping;
    assay_abci_server_state state;
};

// --- what connections ask of their server ---

static void wake(void *self) {
    uv_async_send(&((assay_abci_server *)self)->wake);
}

static void answered(void *self) {
    assay_abci_server *server = self;
    uv_mutex_lock(&server->lock);
    server->state.requests++;
    uv_mutex_unlock(&server->lock);
}

static void refused(void *self, const char *why) {
    assay_abci_server *server = self;
    uv_mutex_lock(&server->lock);
    server->state.refused++;
    snprintf(server->state.problem, sizeof server->state.problem, "%s", why);
    uv_mutex_unlock(&server->lock);
}

static void ended(void *self, assay_abci_connection *connection) {
    assay_abci_server *server = self;
    assay_abci_connection **at = &server->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    uv_mutex_lock(&server->lock);
    server->state.connections--;
    uv_mutex_unlock(&server->lock);
    wake(server); // a server that closes may have waited for this one
}

// --- the loop ---

static void stray_closed(uv_handle_t *handle) {
    free(handle);
}

// Takes a connection only to end it.
static void turn_away(assay_abci_server *server) {
    uv_pipe_t *stray = malloc(sizeof *stray > sizeof(uv_tcp_t) ? sizeof *stray : sizeof(uv_tcp_t));
    refused(server, "too many connections");
    if (!stray) return;
    if (server->path[0])
        uv_pipe_init(&server->loop, stray, 0);
    else
        uv_tcp_init(&server->loop, (uv_tcp_t *)stray);
    uv_accept(&server->listener.stream, (uv_stream_t *)stray);
    uv_close((uv_handle_t *)stray, stray_closed);
}

static void arrived(uv_stream_t *listener, int status) {
    assay_abci_server *server = listener->data;
    const assay_abci_host host = {server, wake, ended, answered, refused};
    assay_abci_connection *c;
    if (status < 0 || server->closing) return;
    if (server->state.connections >= server->connections_max ||
        assay_abci_connection_make(&c, &host, &server->application, server->frame_max, NULL) !=
            ASSAY_OK) {
        turn_away(server);
        return;
    }
    if (server->path[0])
        uv_pipe_init(&server->loop, &c->pipe, 0);
    else
        uv_tcp_init(&server->loop, &c->tcp);
    int failed = uv_accept(listener, &c->stream);
    if (!failed && !server->path[0]) uv_tcp_nodelay(&c->tcp, 1);
    c->next = server->connections;
    server->connections = c;
    uv_mutex_lock(&server->lock);
    server->state.connections++;
    uv_mutex_unlock(&server->lock);
    if (assay_abci_connection_start(c, NULL) == ASSAY_OK && failed) assay_abci_connection_cut(c);
}

// Looks at everything once; runs after any number of wakes.
static void awake(uv_async_t *async) {
    assay_abci_server *server = async->data;
    uv_mutex_lock(&server->lock);
    bool stopping = server->stopping;
    uv_mutex_unlock(&server->lock);
    if (stopping && !server->closing) {
        server->closing = true;
        uv_close(&server->listener.handle, NULL);
        for (assay_abci_connection *c = server->connections; c; c = c->next)
            assay_abci_connection_cut(c);
    }
    for (assay_abci_connection *c = server->connections; c; c = c->next)
        assay_abci_connection_tend(c);
    if (server->closing && !server->connections && !uv_is_closing((uv_handle_t *)async))
        uv_close((uv_handle_t *)async, NULL);
}

static void loop_main(void *argument) {
    assay_abci_server *server = argument;
    uv_run(&server->loop, UV_RUN_DEFAULT);
}

// --- opening ---

static assay_status uv_fail(assay_error *err, int code, const char *address) {
    assay_status status = code == UV_EADDRINUSE ? ASSAY_EXISTS
                          : code == UV_EACCES   ? ASSAY_PERMISSION
                          : code == UV_ENOMEM   ? ASSAY_MEMORY
                                                : ASSAY_IO;
    return assay_fail(err, status, 0, "cannot serve at %s: %s", address, uv_strerror(code));
}

// A socket file that nobody answers at is a crash's: it is removed.
static assay_status stale_remove(const char *path, assay_error *err) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct stat info;
    if (strlen(path) >= sizeof to.sun_path)
        return ASSAY_FAIL(err, USAGE, "a socket's path of %zu characters, limit %zu", strlen(path),
                          sizeof to.sun_path - 1);
    if (lstat(path, &info) != 0 || !S_ISSOCK(info.st_mode)) return ASSAY_OK; // bind will tell
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return assay_fail_errno(err, errno, "cannot ask who serves at %s", path);
    bool served = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    int error_number = errno;
    close(fd);
    if (served) return ASSAY_FAIL(err, EXISTS, "another process serves at %s", path);
    if (error_number == ECONNREFUSED) unlink(path);
    return ASSAY_OK;
}

static assay_status unix_bind(assay_abci_server *server, assay_error *err) {
    ASSAY_TRY(stale_remove(server->path, err));
    uv_pipe_init(&server->loop, &server->listener.pipe, 0);
    server->listener_made = true;
    int code = uv_pipe_bind(&server->listener.pipe, server->path);
    if (code) server->path[0] = 0; // not this server's to remove
    if (code) return uv_fail(err, code, server->address);
    chmod(server->path, 0660);
    return ASSAY_OK;
}

static assay_status tcp_address(struct sockaddr_storage *out, const char *text, assay_error *err) {
    char host[ADDRESS_SIZE];
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon && colon[1] ? strtoul(colon + 1, &end, 10) : 0;
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (!end || *end || port > 65535 || length == 0 || length >= sizeof host)
        return ASSAY_FAIL(err, USAGE, "\"%.64s\" is not HOST:PORT", text);
    bool brackets = text[0] == '[' && text[length - 1] == ']';
    memcpy(host, text + brackets, length - 2 * brackets);
    host[length - 2 * brackets] = 0;
    if (strcmp(host, "localhost") == 0) snprintf(host, sizeof host, "127.0.0.1");
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out) == 0) return ASSAY_OK;
    if (uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "\"%.64s\" is no IP address", host);
}

static assay_status tcp_bind(assay_abci_server *server, const char *text, assay_error *err) {
    struct sockaddr_storage address;
    int size = sizeof address;
    ASSAY_TRY(tcp_address(&address, text, err));
    uv_tcp_init(&server->loop, &server->listener.tcp);
    server->listener_made = true;
    int code = uv_tcp_bind(&server->listener.tcp, (const struct sockaddr *)&address, 0);
    if (!code) code = uv_tcp_getsockname(&server->listener.tcp, (struct sockaddr *)&address, &size);
    if (code) return uv_fail(err, code, server->address);
    in_port_t port = address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                  : ((struct sockaddr_in6 *)&address)->sin6_port;
    char *colon = strrchr(server->address, ':');
    snprintf(colon, sizeof server->address - (size_t)(colon - server->address), ":%u", ntohs(port));
    return ASSAY_OK;
}

static assay_status address_bind(assay_abci_server *server, assay_error *err) {
    const char *address = server->address;
    if (strncmp(address, "unix://", 7) == 0 && address[7]) {
        snprintf(server->path, sizeof server->path, "%s", address + 7);
        return unix_bind(server, err);
    }
    if (strncmp(address, "tcp://", 6) == 0) return tcp_bind(server, address + 6, err);
    return ASSAY_FAIL(err, USAGE, "\"%.64s\" is neither unix:///PATH nor tcp://HOST:PORT", address);
}

static assay_status server_start(assay_abci_server *server, assay_error *err) {
    int code = uv_loop_init(&server->loop);
    server->loop_made = code == 0;
    if (!code) {
        server->wake.data = server;
        code = uv_async_init(&server->loop, &server->wake, awake);
        server->wake_made = code == 0;
    }
    if (code) return uv_fail(err, code, server->address);
    ASSAY_TRY(address_bind(server, err));
    server->listener.handle.data = server;
    code = uv_listen(&server->listener.stream, BACKLOG, arrived);
    if (!code) {
        code = uv_thread_create(&server->thread, loop_main, server);
        server->started = code == 0;
    }
    return code ? uv_fail(err, code, server->address) : ASSAY_OK;
}

assay_status assay_abci_server_open(assay_abci_server **out,
                                    const assay_abci_server_options *options, assay_error *err) {
    size_t length = strlen(options->address);
    *out = NULL;
    if (length >= ADDRESS_SIZE - 8)
        return ASSAY_FAIL(err, USAGE, "an address of %zu characters, limit %d", length,
                          ADDRESS_SIZE - 9);
    assay_abci_server *server = calloc(1, sizeof *server);
    if (!server) return ASSAY_FAIL(err, MEMORY, "no memory for a server");
    server->application = options->application;
    server->frame_max = options->frame_max ? options->frame_max : FRAME_MAX;
    server->connections_max = options->connections_max ? options->connections_max : CONNECTIONS_MAX;
    memcpy(server->address, options->address, length + 1);
    uv_mutex_init(&server->lock);
    assay_status status = server_start(server, err);
    if (status != ASSAY_OK) {
        assay_abci_server_close(server);
        return status;
    }
    *out = server;
    return ASSAY_OK;
}

void assay_abci_server_close(assay_abci_server *server) {
    if (!server) return;
    if (server->started) {
        uv_mutex_lock(&server->lock);
        server->stopping = true;
        uv_mutex_unlock(&server->lock);
        wake(server);
        uv_thread_join(&server->thread);
    } else if (server->loop_made) { // nobody runs the loop yet
        if (server->wake_made) uv_close((uv_handle_t *)&server->wake, NULL);
        if (server->listener_made) uv_close(&server->listener.handle, NULL);
        uv_run(&server->loop, UV_RUN_DEFAULT);
    }
    if (server->loop_made) uv_loop_close(&server->loop);
    if (server->path[0]) unlink(server->path);
    uv_mutex_destroy(&server->lock);
    free(server);
}

const char *assay_abci_server_address(const assay_abci_server *server) {
    return server->address;
}

void assay_abci_server_state_get(assay_abci_server *server, assay_abci_server_state *out) {
    uv_mutex_lock(&server->lock);
    *out = server->state;
    uv_mutex_unlock(&server->lock);
}
