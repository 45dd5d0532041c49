// SPDX-License-Identifier: Apache-2.0
#include "node/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "consensus/clock.h"
#include "node/http/peers.h"
#include "node/options.h"

enum {
    IDLE_SECONDS = 30, // of a connection on which nothing moves
    HEAD_SECONDS = 30, // for a whole head, however steadily it drips; so a body and a reply
    UPLOAD_SECONDS = 120,
    REPLY_SECONDS = 600,
    CLOSE_MS = 10000, // for requests in progress when the server closes
    BODIES = 16,      // of the greatest size, which all at once may take
    URL_MAX = 96,
    PATH_SIZE_MAX = 1024,
};

// Each has a moment by which what it does must be done: libmicrohttpd's own timeout begins anew
// with every byte.
typedef struct connection_entry {
    struct connection_entry *next;
    struct connection_entry **link; // what points here
    assay_http_peer_slot *slot;
    MHD_socket fd;
    time_t due; // 0: the handler works
} connection_entry;

struct assay_http_server {
    struct MHD_Daemon *daemon;
    MHD_socket listener; // ours again once it drains
    pthread_t sweeper;
    assay_http_options options;
    char url[URL_MAX];
    pthread_mutex_t lock; // guards all below
    pthread_cond_t idle;  // requests is 0
    pthread_cond_t ended; // the sweeper ends
    connection_entry *connections;
    assay_http_peers peers;
    unsigned requests; // in progress
    bool closing;
    bool swept;
};

// A request as its body arrives.
typedef struct {
    assay_http_peer_slot *slot; // whose capacity is counted
    uint8_t *body;
    size_t size;
    size_t capacity;
    size_t received; // bytes, those thrown away too
    bool failed;     // too large
    bool crowded;    // no room beside the bodies of others, or no memory
    bool answered;
} upload;

static time_t seconds_now(void) {
    return (time_t)(assay_clock_ms() / 1000);
}

// --- deadlines ---

// NULL: it was shut as it began.
static connection_entry *entry_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// In `seconds` from now, 0: none while the handler works.
static void due_set(assay_http_server *server, struct MHD_Connection *connection,
                    unsigned seconds) {
    connection_entry *entry = entry_of(connection);
    if (!entry) return;
    pthread_mutex_lock(&server->lock);
    entry->due = seconds ? seconds_now() + seconds : 0;
    pthread_mutex_unlock(&server->lock);
}

static void connection_begin(assay_http_server *server, struct MHD_Connection *connection,
                             void **context) {
    unsigned share = server->options.connections_max / ASSAY_HTTP_PEER_SHARE;
    MHD_socket fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    connection_entry *entry = *context = peer ? calloc(1, sizeof *entry) : NULL;
    if (!entry) {
        shutdown(fd, SHUT_RDWR); // none goes without a deadline, nor without a peer
        return;
    }
    entry->fd = fd;
    entry->due = seconds_now() + server->options.head_seconds;
    pthread_mutex_lock(&server->lock);
    entry->slot = assay_http_peers_enter(&server->peers, peer->client_addr, share ? share : 1);
    if (!entry->slot) shutdown(fd, SHUT_RDWR);
    entry->next = server->connections;
    entry->link = &server->connections;
    if (entry->next) entry->next->link = &entry->next;
    server->connections = entry;
    pthread_mutex_unlock(&server->lock);
}

// Told of a connection's end, libmicrohttpd has not closed its socket yet: one that is listed is
// this connection's.
static void connection_note(void *self, struct MHD_Connection *connection, void **context,
                            enum MHD_ConnectionNotificationCode code) {
    assay_http_server *server = self;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_begin(server, connection, context);
        return;
    }
    connection_entry *entry = *context;
    if (!entry) return;
    pthread_mutex_lock(&server->lock);
    *entry->link = entry->next;
    if (entry->next) entry->next->link = entry->link;
    if (entry->slot) assay_http_peers_leave(entry->slot);
    pthread_mutex_unlock(&server->lock);
    free(entry);
}

// Shuts the sockets that are overdue, within a second of it; their threads see it and end.
static void *sweep(void *self) {
    assay_http_server *server = self;
    pthread_mutex_lock(&server->lock);
    while (!server->swept) {
        struct timespec tick;
        time_t now = seconds_now();
        for (connection_entry *entry = server->connections; entry; entry = entry->next)
            if (entry->due && now >= entry->due) shutdown(entry->fd, SHUT_RDWR);
        assay_deadline_in(&tick, 1000);
        pthread_cond_timedwait(&server->ended, &server->lock, &tick);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

// --- requests ---

static bool peer_allowed(assay_http_server *server, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!server->options.requests_per_second || !info) return true;
    pthread_mutex_lock(&server->lock);
    bool allowed = assay_http_peers_take(&server->peers, info->client_addr, (uint64_t)seconds_now(),
                                         server->options.requests_per_second);
    pthread_mutex_unlock(&server->lock);
    return allowed;
}

static enum MHD_Result reply_send(struct MHD_Connection *connection, assay_http_reply *reply) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body_size, reply->body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(reply->body);
        return MHD_NO;
    }
    if (reply->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    if (reply->code == MHD_HTTP_TOO_MANY_REQUESTS || reply->code == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, reply->code, response);
    MHD_destroy_response(response);
    return result;
}

// http_status 0: the one that fits the status.
static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned http_status,
                              const assay_error *err) {
    assay_http_reply reply = {0};
    assay_http_reply_error(&reply, err);
    if (http_status) reply.code = http_status;
    return reply_send(connection, &reply);
}

// A body far over the limit, or one that waits for leave, is refused by its head. Others are read
// to their end and then refused: a client that only sends, then reads, gets its answer.
static assay_status length_check(const assay_http_server *server, struct MHD_Connection *connection,
                                 assay_error *err) {
    uint64_t size;
    size_t limit = server->options.body_max;
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *expect =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    if (!length) return ASSAY_OK;
    if (assay_number_parse(&size, length, "Content-Length", 0, UINT64_MAX, NULL) == ASSAY_OK &&
        (size <= limit || (size <= 2 * limit && !expect)))
        return ASSAY_OK;
    return ASSAY_FAIL(err, CAPACITY, "body of %.20s bytes, limit %zu", length, limit);
}

// What the head alone already rules out. Returns: the status, and in *http_status its HTTP form.
static assay_status head_check(assay_http_server *server, struct MHD_Connection *connection,
                               const char *path, unsigned *http_status, assay_error *err) {
    *http_status = 0;
    pthread_mutex_lock(&server->lock);
    bool closing = server->closing;
    pthread_mutex_unlock(&server->lock);
    if (closing) return ASSAY_FAIL(err, STOPPED, "the server is stopping");
    if (!peer_allowed(server, connection)) {
        *http_status = MHD_HTTP_TOO_MANY_REQUESTS;
        return ASSAY_FAIL(err, BUSY, "too many requests in this second, limit %u",
                          server->options.requests_per_second);
    }
    if (strlen(path) > PATH_SIZE_MAX) {
        *http_status = MHD_HTTP_URI_TOO_LONG;
        return ASSAY_FAIL(err, CAPACITY, "path of %zu bytes, limit %d", strlen(path),
                          PATH_SIZE_MAX);
    }
    return length_check(server, connection, err);
}

static enum MHD_Result request_begin(assay_http_server *server, struct MHD_Connection *connection,
                                     const char *path, void **state) {
    assay_error err = {0};
    unsigned http_status;
    connection_entry *entry = entry_of(connection);
    upload *body = entry && entry->slot ? calloc(1, sizeof *body) : NULL;
    if (!body) return MHD_NO;
    body->slot = entry->slot;
    *state = body;
    due_set(server, connection, UPLOAD_SECONDS);
    pthread_mutex_lock(&server->lock);
    server->requests++;
    pthread_mutex_unlock(&server->lock);
    if (head_check(server, connection, path, &http_status, &err) == ASSAY_OK) return MHD_YES;
    body->answered = true;
    return refuse(connection, http_status, &err);
}

// Room in memory for `size` bytes of a body. Returns: whether there is.
static bool upload_grow(assay_http_server *server, upload *body, size_t size) {
    size_t limit = BODIES * server->options.body_max;
    size_t capacity = 2 * size < server->options.body_max ? 2 * size : server->options.body_max;
    if (size <= body->capacity) return true;
    size_t more = capacity - body->capacity;
    pthread_mutex_lock(&server->lock);
    bool fits = assay_http_peers_hold(&server->peers, body->slot, more, limit);
    uint8_t *grown = fits ? realloc(body->body, capacity) : NULL;
    if (fits && !grown) assay_http_peers_release(&server->peers, body->slot, more);
    pthread_mutex_unlock(&server->lock);
    if (!grown) return false;
    body->body = grown;
    body->capacity = capacity;
    return true;
}

static void upload_free(assay_http_server *server, upload *body) {
    free(body->body);
    pthread_mutex_lock(&server->lock);
    assay_http_peers_release(&server->peers, body->slot, body->capacity);
    pthread_mutex_unlock(&server->lock);
    body->body = NULL;
    body->size = body->capacity = 0;
}

// Keeps a part of the body; throws away what is over the limit, but not for ever. Returns: whether
// the connection is worth going on with.
static bool upload_add(assay_http_server *server, upload *body, const char *data, size_t size) {
    size_t size_max = server->options.body_max;
    body->received += size;
    if (body->received > 2 * size_max) return false;
    if (size > size_max - body->size) body->failed = true;
    if (body->failed || body->crowded) return true;
    body->crowded = !upload_grow(server, body, body->size + size);
    if (body->crowded) return true;
    memcpy(body->body + body->size, data, size);
    body->size += size;
    return true;
}

typedef struct {
    assay_http_request *request;
    bool too_many;
} arguments;

static enum MHD_Result argument_take(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value) {
    arguments *taken = context;
    assay_http_request *request = taken->request;
    taken->too_many = request->argument_count == ASSAY_HTTP_ARGUMENTS_MAX;
    if (taken->too_many) return MHD_NO;
    request->arguments[request->argument_count++] = (assay_http_pair){name, value ? value : ""};
    return MHD_YES;
}

static enum MHD_Result request_answer(assay_http_server *server, struct MHD_Connection *connection,
                                      const char *path, const char *method, upload *body) {
    assay_error err = {0};
    assay_http_reply reply = {0};
    bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    assay_http_request request = {.method = head ? MHD_HTTP_METHOD_GET : method,
                                  .path = path,
                                  .body = {body->body, body->size}};
    arguments taken = {&request, false};
    body->answered = true;
    if (body->failed) {
        ASSAY_FAIL(&err, CAPACITY, "body of %zu bytes, limit %zu", body->received,
                   server->options.body_max);
        return refuse(connection, 0, &err);
    }
    if (body->crowded) {
        size_t limit = BODIES * server->options.body_max;
        ASSAY_FAIL(&err, BUSY,
                   "the bodies of other requests take up the %zu bytes for all of them, or one "
                   "peer's %zu",
                   limit, limit / ASSAY_HTTP_PEER_SHARE);
        return refuse(connection, 0, &err);
    }
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, argument_take, &taken);
    if (taken.too_many) {
        ASSAY_FAIL(&err, USAGE, "more than %d query arguments", ASSAY_HTTP_ARGUMENTS_MAX);
        return refuse(connection, 0, &err);
    }
    due_set(server, connection, 0);
    server->options.handle(server->options.context, &request, &reply);
    upload_free(server, body); // a peer may take its time over the reply
    due_set(server, connection, REPLY_SECONDS);
    return reply_send(connection, &reply);
}

// Called first with the head, then with parts of the body, then with none left.
static enum MHD_Result request_step(void *context, struct MHD_Connection *connection,
                                    const char *path, const char *method, const char *version,
                                    const char *data, size_t *data_size, void **state) {
    assay_http_server *server = context;
    upload *body = *state;
    if (!body) return request_begin(server, connection, path, state);
    if (*data_size) {
        bool going = body->answered || upload_add(server, body, data, *data_size);
        *data_size = 0;
        return going ? MHD_YES : MHD_NO;
    }
    if (body->answered) return MHD_YES;
    return request_answer(server, connection, path, method, body);
}

static void request_end(void *context, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why) {
    assay_http_server *server = context;
    upload *body = *state;
    due_set(server, connection, server->options.head_seconds); // of the next one
    if (!body) return;
    upload_free(server, body);
    free(body);
    *state = NULL;
    pthread_mutex_lock(&server->lock);
    if (--server->requests == 0) pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
}

static assay_status address_parse(struct sockaddr_storage *out, socklen_t *size, const char *listen,
                                  assay_error *err) {
    char host[64];
    uint64_t port;
    const char *colon = strrchr(listen, ':');
    if (!colon || (size_t)(colon - listen) >= sizeof host)
        return ASSAY_FAIL(err, USAGE, "\"%.60s\" is not HOST:PORT", listen);
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = 0;
    ASSAY_TRY(assay_number_parse(&port, colon + 1, "port", 0, 65535, err));
    memset(out, 0, sizeof *out);
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
        host[length - 1] = 0;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        *size = sizeof *six;
        if (inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1) return ASSAY_OK;
    } else {
        struct sockaddr_in *four = (struct sockaddr_in *)out;
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *size = sizeof *four;
        if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &four->sin_addr) ==
            1)
            return ASSAY_OK;
    }
    return ASSAY_FAIL(err, USAGE, "\"%.60s\" does not name an IPv4 or [IPv6] address", listen);
}

assay_status assay_http_listen_check(const char *listen, assay_error *err) {
    struct sockaddr_storage address;
    socklen_t size;
    return address_parse(&address, &size, listen, err);
}

// Our own socket, so that a port in use is told apart from every other failure.
static assay_status listener_open(int *fd, char *url, const char *listen_at, assay_error *err) {
    struct sockaddr_storage address;
    socklen_t size;
    int one = 1;
    ASSAY_TRY(address_parse(&address, &size, listen_at, err));
    *fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0) return assay_fail_errno(err, errno, "cannot open a socket");
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(*fd, (struct sockaddr *)&address, size) != 0 || listen(*fd, 128) != 0 ||
        getsockname(*fd, (struct sockaddr *)&address, &size) != 0) {
        int saved = errno;
        close(*fd);
        return assay_fail_errno(err, saved, "cannot listen on %s", listen_at);
    }
    const char *colon = strrchr(listen_at, ':');
    unsigned port =
        ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                            : ((struct sockaddr_in *)&address)->sin_port);
    snprintf(url, URL_MAX, "http://%.*s:%u", (int)(colon - listen_at), listen_at, port);
    return ASSAY_OK;
}

static void server_free(assay_http_server *server) {
    pthread_cond_destroy(&server->ended);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

assay_status assay_http_server_open(assay_http_server **out, const assay_http_options *options,
                                    assay_error *err) {
    int fd;
    *out = NULL;
    assay_http_server *server = calloc(1, sizeof *server);
    if (!server) return ASSAY_FAIL(err, MEMORY, "no memory for the HTTP server");
    server->options = *options;
    if (!options->head_seconds) server->options.head_seconds = HEAD_SECONDS;
    pthread_mutex_init(&server->lock, NULL);
    assay_deadline_cond_init(&server->idle);
    assay_deadline_cond_init(&server->ended);
    assay_status status = assay_http_peers_init(&server->peers, err);
    if (status == ASSAY_OK) status = listener_open(&fd, server->url, options->listen, err);
    if (status != ASSAY_OK) {
        server_free(server);
        return status;
    }
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ITC,
        0, NULL, NULL, request_step, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, request_end, server,
        MHD_OPTION_NOTIFY_CONNECTION, connection_note, server, MHD_OPTION_END);
    if (!server->daemon || pthread_create(&server->sweeper, NULL, sweep, server) != 0) {
        if (server->daemon)
            MHD_stop_daemon(server->daemon); // and closes its socket
        else
            close(fd);
        server_free(server);
        return ASSAY_FAIL(err, MEMORY, "cannot start the HTTP server on %s", options->listen);
    }
    *out = server;
    return ASSAY_OK;
}

void assay_http_server_drain(assay_http_server *server, uint32_t wait_ms) {
    struct timespec deadline;
    // Only this thread writes it.
    if (!server->closing) server->listener = MHD_quiesce_daemon(server->daemon);
    assay_deadline_in(&deadline, wait_ms);
    pthread_mutex_lock(&server->lock);
    server->closing = true;
    while (server->requests &&
           pthread_cond_timedwait(&server->idle, &server->lock, &deadline) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&server->lock);
}

void assay_http_server_close(assay_http_server *server) {
    if (!server) return;
    if (!server->closing) assay_http_server_drain(server, CLOSE_MS);
    MHD_stop_daemon(server->daemon);
    pthread_mutex_lock(&server->lock);
    server->swept = true;
    pthread_cond_signal(&server->ended);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->sweeper, NULL);
    if (server->listener != MHD_INVALID_SOCKET) close(server->listener);
    server_free(server);
}

const char *assay_http_server_url(const assay_http_server *server) {
    return server->url;
}

const char *assay_http_argument(const assay_http_request *request, const char *name) {
    for (uint32_t i = 0; i < request->argument_count; i++)
        if (strcmp(request->arguments[i].name, name) == 0) return request->arguments[i].value;
    return NULL;
}
