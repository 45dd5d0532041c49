// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server by libmicrohttpd: bounded bodies, connections and request rates; one
// handler that sees whole requests and fills whole replies.
#ifndef ASSAY_NODE_HTTP_SERVER_H
#define ASSAY_NODE_HTTP_SERVER_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/status.h"

typedef struct assay_http_server assay_http_server;

enum { ASSAY_HTTP_ARGUMENTS_MAX = 8 };

// "?name=value", both decoded; a name alone has the value "".
typedef struct {
    const char *name;
    const char *value;
} assay_http_pair;

// Plain data, borrowed for the handler's call.
typedef struct {
    const char *method; // HEAD arrives as GET: its reply loses the body on the way
    const char *path;   // decoded, without the query
    assay_bytes body;
    assay_http_pair arguments[ASSAY_HTTP_ARGUMENTS_MAX];
    uint32_t argument_count;
} assay_http_request;

// What goes back. The handler allocates body; the server frees it.
typedef struct {
    unsigned code; // HTTP status
    const char *content_type;
    uint8_t *body;
    size_t body_size;
} assay_http_reply;

typedef void (*assay_http_handler)(void *context, const assay_http_request *request,
                                   assay_http_reply *reply);

typedef struct {
    const char *listen;           // "HOST:PORT"; HOST an IPv4 or [IPv6] address, PORT 0: any free
    size_t body_max;              // bytes; of all bodies at once sixteen times as many
    unsigned connections_max;     // at once, a quarter of them of one peer; more are turned away
    unsigned requests_per_second; // per peer address, 0: no limit
    unsigned head_seconds;        // for a request's head to come; 0: 30
    assay_http_handler handle;    // from several threads at once
    void *context;
} assay_http_options;

// Checks a "HOST:PORT" without listening on it. Errors: USAGE, RANGE (port). Spec: F-40.
assay_status assay_http_listen_check(const char *listen, assay_error *err);

// Listens and answers on threads of its own. Errors: BUSY (port in use), PERMISSION, USAGE
// (address), RANGE (port), MEMORY. Lives: until close. Spec: F-40.
assay_status assay_http_server_open(assay_http_server **out, const assay_http_options *options,
                                    assay_error *err);

// Takes no more connections or requests (STOPPED), and waits for those in progress, wait_ms at
// most. As often as wanted, by whoever closes.
void assay_http_server_drain(assay_http_server *server, uint32_t wait_ms);

// Drains for 10 s, if nobody did, and ends what is still in progress.
void assay_http_server_close(assay_http_server *server);

// "http://HOST:PORT" with the port really taken. Lives: as long as the server.
const char *assay_http_server_url(const assay_http_server *server);

// A query argument's value, NULL if absent. Lives: as long as the request.
const char *assay_http_argument(const assay_http_request *request, const char *name);

// Whether the request has the one method that its path takes. Errors: UNSUPPORTED (names both).
// Spec: F-40.
assay_status assay_http_method_check(const assay_http_request *request, const char *method,
                                     assay_error *err);

// Replies with a JSON document and releases it.
void assay_http_reply_json(assay_http_reply *reply, unsigned code, json_t *document);

// The HTTP status that fits one of ours: F-40's table. Spec: F-40.
unsigned assay_http_code(assay_status status);

// Replies with {"error":{"code","name","reject","text"}} and the HTTP status that fits. Spec: F-40.
void assay_http_reply_error(assay_http_reply *reply, const assay_error *err);

// Replies with a copy of bytes.
void assay_http_reply_bytes(assay_http_reply *reply, const void *data, size_t size);

#endif
