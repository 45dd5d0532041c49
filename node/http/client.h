// SPDX-License-Identifier: Apache-2.0
// Fetching by libcurl with every limit set: size, time, redirects, schemes, and where a stranger's
// URL may lead.
#ifndef ASSAY_NODE_HTTP_CLIENT_H
#define ASSAY_NODE_HTTP_CLIENT_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/status.h"

// A zeroed struct is the strictest: no bytes, no time, no private addresses, no files, no
// redirects.
typedef struct {
    size_t size_max;     // bytes of the answer
    size_t values_max;   // values and names of an answer that is JSON (F-3)
    uint32_t timeout_ms; // for the whole exchange, redirects included
    uint32_t redirects_max;
    bool allow_private;      // loopback, private, link-local and other special addresses
    bool allow_file;         // file:// URLs, never as the target of a redirect
    const atomic_bool *stop; // ends the exchange, within a second, once it is true; NULL: never
} assay_fetch_limits;

typedef enum { ASSAY_LEAVE_NONE, ASSAY_LEAVE_PRIVATE, ASSAY_LEAVE_FILE } assay_fetch_leave;

typedef struct {
    assay_fetch_leave lacks; // which limit it would take, set with FORBIDDEN; NONE: none helps
    unsigned code;           // HTTP status; 200 for files
    uint8_t *body;           // the caller frees it
    size_t body_size;
} assay_fetched;

// Its length without the slashes at its end, before a path is put behind it.
size_t assay_url_length(const char *url);

// Whether an option's value is a URL of http or https. what: the option. Errors: USAGE. Spec: F-9.
assay_status assay_url_check(const char *url, const char *what, assay_error *err);

// GETs url, or POSTs body as JSON (NULL: GET). Errors: NETWORK (no connection), TIMEOUT, CAPACITY
// (over size_max), STOPPED, FORBIDDEN (scheme, private address, too many redirects), NOT_FOUND
// (404, no such file), FORMAT (no URL). Any other HTTP status is the caller's to judge. Nothing but
// `lacks` is left in *out after an error. Any thread. Spec: F-41.
assay_status assay_fetch(assay_fetched *out, const char *url, const assay_bytes *body,
                         const assay_fetch_limits *limits, assay_error *err);

// As assay_fetch for JSON; an {"error"} answer comes back as that error. body is released.
// Errors: also FORMAT, REJECTED with its code. Lives: the caller releases *out. Spec: F-40.
assay_status assay_fetch_json(json_t **out, const char *url, json_t *body,
                              const assay_fetch_limits *limits, assay_error *err);

#endif
