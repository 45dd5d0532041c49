// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server by libmicrohttpd: bounded bodies, connections and request rates; one
// handler that sees whole requests and fills whole replies.
#ifndef ASSAY_NODE_HTTP_SERVER_H
#define ASSAY_NODE_HTTP_SERVER_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/status.h"

typedef struct assay_http_server assay_http_server;
struct MHD_Connection;

// Borrowed for the handler's call.
typedef struct {
    const char *method;
    const char *path;
    assay_bytes body;
    struct MHD_Connection *connection;
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
    size_t body_max;              // bytes
    unsigned connections_max;     // at once; more are turned away
    unsigned requests_per_second; // per peer address, 0: no limit
    assay_http_handler handle;    // from several threads at once
    void *context;
} assay_http_options;

// Listens and answers on threads of its own. Errors: BUSY (port in use), PERMISSION, USAGE
// (address), MEMORY. Lives: until close, which waits for requests in progress. Spec: F-40.
assay_status assay_http_server_open(assay_http_server **out, const assay_http_options *options,
                                    assay_error *err);
void assay_http_server_close(assay_http_server *server);

// "http://HOST:PORT" with the port really taken. Lives: as long as the server.
const char *assay_http_server_url(const assay_http_server *server);

// A query argument's value, NULL if absent. Lives: as long as the request.
const char *assay_http_argument(const assay_http_request *request, const char *name);

// Replies with a JSON document and releases it.
void assay_http_reply_json(assay_http_reply *reply, unsigned code, json_t *document);

// Replies with {"error":{"code","name","reject","text"}} and the HTTP status that fits. Spec: F-40.
void assay_http_reply_error(assay_http_reply *reply, const assay_error *err);

// Replies with a copy of bytes.
void assay_http_reply_bytes(assay_http_reply *reply, const void *data, size_t size);

#endif
