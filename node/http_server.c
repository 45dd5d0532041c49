// SPDX-License-Identifier: Apache-2.0
#include "node/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "node/options.h"

// Idle connections are dropped after this; peers are counted in a table of fixed size, where
// colliding addresses share one allowance.
enum { IDLE_SECONDS = 30, PEER_SLOTS = 1024, URL_MAX = 96, PATH_MAX_BYTES = 1024 };

typedef struct {
    time_t second;
    unsigned count;
} peer_slot;

struct assay_http_server {
    struct MHD_Daemon *daemon;
    assay_http_options options;
    char url[URL_MAX];
    pthread_mutex_t lock; // guards peers
    peer_slot peers[PEER_SLOTS];
};

// A request as its body arrives.
typedef struct {
    uint8_t *body;
    size_t size;
    size_t capacity;
    bool too_large;
} upload;

static bool peer_allowed(assay_http_server *server, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!server->options.requests_per_second || !info) return true;
    const struct sockaddr *address = info->client_addr;
    const uint8_t *bytes;
    size_t size;
    if (address->sa_family == AF_INET) {
        bytes = (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
        size = 4;
    } else {
        bytes = (const uint8_t *)&((const struct sockaddr_in6 *)address)->sin6_addr;
        size = 8; // a /64 is one peer
    }
    uint32_t slot = 2166136261u; // FNV-1a
    for (size_t i = 0; i < size; i++)
        slot = (slot ^ bytes[i]) * 16777619u;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&server->lock);
    peer_slot *peer = &server->peers[slot % PEER_SLOTS];
    if (peer->second != now.tv_sec) *peer = (peer_slot){now.tv_sec, 0};
    bool allowed = peer->count++ < server->options.requests_per_second;
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
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, reply->code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned code, const char *format,
                              unsigned long long limit) {
    assay_http_reply reply = {0};
    assay_error err = {0};
    assay_fail(&err, ASSAY_CAPACITY, 0, "%s, limit %llu", format, limit);
    assay_http_reply_error(&reply, &err);
    reply.code = code;
    return reply_send(connection, &reply);
}

static void upload_add(upload *body, const char *data, size_t size, size_t size_max) {
    if (size > size_max - body->size) body->too_large = true;
    if (body->too_large) return;
    if (body->size + size > body->capacity) {
        size_t capacity = 2 * (body->size + size);
        uint8_t *grown = realloc(body->body, capacity);
        if (!grown) {
            body->too_large = true;
            return;
        }
        body->body = grown;
        body->capacity = capacity;
    }
    memcpy(body->body + body->size, data, size);
    body->size += size;
}

// Called first with the head, then with parts of the body, then with none left.
static enum MHD_Result request_step(void *context, struct MHD_Connection *connection,
                                    const char *path, const char *method, const char *version,
                                    const char *data, size_t *data_size, void **state) {
    assay_http_server *server = context;
    upload *body = *state;
    if (!body) {
        if (strlen(path) > PATH_MAX_BYTES) return MHD_NO;
        *state = calloc(1, sizeof(upload));
        return *state ? MHD_YES : MHD_NO;
    }
    if (*data_size) {
        upload_add(body, data, *data_size, server->options.body_max);
        *data_size = 0;
        return MHD_YES;
    }
    if (!peer_allowed(server, connection))
        return refuse(connection, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests a second",
                      server->options.requests_per_second);
    if (body->too_large)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "request body is too large",
                      server->options.body_max);
    assay_http_request request = {method, path, {body->body, body->size}, connection};
    assay_http_reply reply = {0};
    server->options.handle(server->options.context, &request, &reply);
    return reply_send(connection, &reply);
}

static void request_end(void *context, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why) {
    upload *body = *state;
    if (!body) return;
    free(body->body);
    free(body);
    *state = NULL;
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
    return ASSAY_FAIL(err, USAGE, "\"%.60s\" is no IPv4 or [IPv6] address to listen on", host);
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

assay_status assay_http_server_open(assay_http_server **out, const assay_http_options *options,
                                    assay_error *err) {
    int fd;
    *out = NULL;
    assay_http_server *server = calloc(1, sizeof *server);
    if (!server) return ASSAY_FAIL(err, MEMORY, "no memory for the HTTP server");
    server->options = *options;
    assay_status status = listener_open(&fd, server->url, options->listen, err);
    if (status != ASSAY_OK) {
        free(server);
        return status;
    }
    pthread_mutex_init(&server->lock, NULL);
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL,
        NULL, request_step, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_NOTIFY_COMPLETED, request_end, NULL, MHD_OPTION_END);
    if (!server->daemon) {
        close(fd);
        pthread_mutex_destroy(&server->lock);
        free(server);
        return ASSAY_FAIL(err, MEMORY, "cannot start the HTTP server on %s", options->listen);
    }
    *out = server;
    return ASSAY_OK;
}

void assay_http_server_close(assay_http_server *server) {
    if (!server) return;
    MHD_stop_daemon(server->daemon);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *assay_http_server_url(const assay_http_server *server) {
    return server->url;
}

const char *assay_http_argument(const assay_http_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

void assay_http_reply_json(assay_http_reply *reply, unsigned code, json_t *document) {
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    reply->code = text ? code : MHD_HTTP_INTERNAL_SERVER_ERROR;
    reply->content_type = "application/json";
    reply->body = (uint8_t *)text;
    reply->body_size = text ? strlen(text) : 0;
}

static unsigned code_of(assay_status status) {
    switch (status) {
    case ASSAY_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case ASSAY_CAPACITY:
        return MHD_HTTP_CONTENT_TOO_LARGE;
    case ASSAY_BUSY:
    case ASSAY_STOPPED:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    case ASSAY_TIMEOUT:
        return MHD_HTTP_GATEWAY_TIMEOUT;
    case ASSAY_FORBIDDEN:
        return MHD_HTTP_FORBIDDEN;
    case ASSAY_REJECTED:
        return MHD_HTTP_UNPROCESSABLE_CONTENT;
    case ASSAY_USAGE:
        return MHD_HTTP_BAD_REQUEST;
    default:
        return status >= ASSAY_TRUNCATED ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

void assay_http_reply_error(assay_http_reply *reply, const assay_error *err) {
    unsigned code = err->status == ASSAY_REJECTED ? err->reject : (unsigned)err->status;
    json_t *body =
        json_pack("{s:i,s:s,s:i,s:s}", "code", (int)code, "name", assay_status_name(err->status),
                  "reject", (int)err->reject, "text", err->text);
    assay_http_reply_json(reply, code_of(err->status), json_pack("{s:o}", "error", body));
}

void assay_http_reply_bytes(assay_http_reply *reply, const void *data, size_t size) {
    reply->body = malloc(size ? size : 1);
    reply->code = reply->body ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
    reply->content_type = "application/octet-stream";
    reply->body_size = reply->body ? size : 0;
    if (reply->body && size) memcpy(reply->body, data, size);
}
