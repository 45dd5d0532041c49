// SPDX-License-Identifier: Apache-2.0
// What a handler fills, and how statuses of ours become statuses of HTTP.
#include <stdlib.h>
#include <string.h>

#include "node/error_json.h"
#include "node/http/server.h"

assay_status assay_http_method_check(const assay_http_request *request, const char *method,
                                     assay_error *err) {
    if (strcmp(request->method, method) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, UNSUPPORTED, "%.60s takes %s, not %.16s", request->path, method,
                      request->method);
}

void assay_http_reply_json(assay_http_reply *reply, unsigned code, json_t *document) {
    static const char no_memory[] = "{\"error\":{\"code\":1,\"name\":\"MEMORY\",\"reject\":0,"
                                    "\"text\":\"no memory for an answer\"}}";
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    reply->code = text ? code : 500;
    reply->content_type = "application/json";
    if (!text) text = strdup(no_memory);
    reply->body = (uint8_t *)text;
    reply->body_size = text ? strlen(text) : 0;
}

unsigned assay_http_code(assay_status status) {
    switch (status) {
    case ASSAY_OK:
        return 200;
    case ASSAY_NOT_FOUND:
        return 404;
    case ASSAY_UNSUPPORTED:
        return 405;
    case ASSAY_CAPACITY:
        return 413;
    case ASSAY_REJECTED:
        return 422;
    case ASSAY_BUSY:
    case ASSAY_STOPPED:
        return 503;
    case ASSAY_TIMEOUT:
        return 504;
    case ASSAY_FORBIDDEN:
        return 403;
    case ASSAY_EXISTS:
        return 409;
    case ASSAY_CORRUPT:
        return 500;
    case ASSAY_USAGE:
        return 400;
    default:
        return status >= ASSAY_TRUNCATED ? 400 : 500;
    }
}

void assay_http_reply_error(assay_http_reply *reply, const assay_error *err) {
    assay_http_reply_json(reply, assay_http_code(err->status),
                          json_pack("{s:o}", "error", assay_error_to_json(err, NULL)));
}

void assay_http_reply_bytes(assay_http_reply *reply, const void *data, size_t size) {
    reply->body = malloc(size ? size : 1);
    reply->code = reply->body ? 200 : 500;
    reply->content_type = "application/octet-stream";
    reply->body_size = reply->body ? size : 0;
    if (reply->body && size) memcpy(reply->body, data, size);
}
