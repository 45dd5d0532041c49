// SPDX-License-Identifier: Apache-2.0
// What a request asks of the API, read from untrusted text: the path's parts, the query's numbers,
// the transactions of a body. Pure: no node is needed to read a request.
#ifndef ASSAY_NODE_API_CALL_H
#define ASSAY_NODE_API_CALL_H

#include "base/arena.h"
#include "ledger/tx/tx.h"
#include "node/http/server.h"

enum {
    ASSAY_API_SEGMENTS_MAX = 6,
    ASSAY_API_PATH_MAX = 256,       // bytes after /v1/
    ASSAY_API_TXS_MAX = 1000,       // transactions of one request
    ASSAY_API_VALUES_MAX = 1 << 16, // values and names of one, some 15 MB at worst
    ASSAY_API_PAGE_MAX = 256,       // entries of one list
    ASSAY_API_WAIT_MS_MAX = 60000,  // longest ?wait=
};

// The path after /v1/, cut at slashes. Borrows the request; segments point into text.
typedef struct {
    const assay_http_request *request;
    char text[ASSAY_API_PATH_MAX];
    const char *segments[ASSAY_API_SEGMENTS_MAX];
    uint32_t count;
} assay_api_call;

// Cuts "/v1/a/b" into "a", "b". Errors: NOT_FOUND. Spec: F-40.
assay_status assay_api_call_read(assay_api_call *call, const assay_http_request *request,
                                 assay_error *err);

// Is the first segment this word, and are there `count` segments in all?
bool assay_api_is(const assay_api_call *call, const char *word, uint32_t count);

// A segment as a number, hash or address. Errors: USAGE, RANGE, FORMAT. Spec: F-40.
assay_status assay_api_number(uint64_t *out, const assay_api_call *call, uint32_t index,
                              uint64_t max, assay_error *err);
assay_status assay_api_hash(assay_hash *out, const assay_api_call *call, uint32_t index,
                            assay_error *err);
assay_status assay_api_address(assay_address *out, const assay_api_call *call, uint32_t index,
                               assay_error *err);

// Query arguments; absent ones give zeros. Errors: as above. Spec: F-40.
assay_status assay_api_query_number(uint64_t *out, const assay_api_call *call, const char *name,
                                    uint64_t max, assay_error *err);
assay_status assay_api_query_hash(assay_hash *out, const assay_api_call *call, const char *name,
                                  assay_error *err);
assay_status assay_api_query_address(assay_address *out, const assay_api_call *call,
                                     const char *name, assay_error *err);

// The transactions of a POST, each read or refused by itself.
typedef struct {
    struct assay_api_tx {
        assay_bytes bytes; // data NULL: refused
        assay_error err;
    } * items; // [count]
    uint32_t count;
    bool single; // {"tx":…}: the one's refusal is the answer's
} assay_api_txs;

// Reads {"tx":TX} or {"txs":[TX…]}, TX a hexadecimal text of its wire bytes or an object (P-16),
// into the arena, which needs 2 * size bytes and sizeof(struct assay_api_tx) for each at most.
// Errors: those of JSON; CAPACITY (too many), MISSING, UNKNOWN. Spec: F-40.
assay_status assay_api_txs_read(assay_api_txs *out, const assay_bytes *body, assay_arena *arena,
                                assay_error *err);

#endif
