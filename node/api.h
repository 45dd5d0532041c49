// SPDX-License-Identifier: Apache-2.0
// The node's HTTP API: JSON over the last committed block, transactions in, proofs out.
// docs/api.md lists the paths with curl lines.
#ifndef ASSAY_NODE_API_H
#define ASSAY_NODE_API_H

#include "consensus/solo.h"
#include "ledger/view.h"
#include "node/http_server.h"

enum {
    ASSAY_API_SEGMENTS_MAX = 6,
    ASSAY_API_TXS_MAX = 1000,      // transactions of one request
    ASSAY_API_PAGE_MAX = 256,      // entries of one list
    ASSAY_API_WAIT_MS_MAX = 60000, // longest ?wait=
};

// Borrowed; all outlive the server. One handler call a thread.
typedef struct {
    assay_app *app;
    assay_solo *solo; // NULL: no blocks, transactions and proofs, only state (an audit's replay)
    const assay_genesis *genesis;
} assay_api;

// The path after /v1/, cut at slashes.
typedef struct {
    const assay_http_request *request;
    char text[256];
    const char *segments[ASSAY_API_SEGMENTS_MAX];
    uint32_t count;
} assay_api_call;

// An assay_http_handler; context is an assay_api. Spec: F-40.
void assay_api_handle(void *context, const assay_http_request *request, assay_http_reply *reply);

// One group of paths each: fills the reply, or returns NOT_FOUND for a path that is none of its.
// Errors: those of the reads; the caller turns them into a reply. Spec: F-40.
assay_status assay_api_chain(const assay_api *api, const assay_api_call *call,
                             assay_http_reply *reply, assay_error *err);
assay_status assay_api_registry(const assay_api *api, const assay_api_call *call,
                                const assay_view *view, assay_http_reply *reply, assay_error *err);
assay_status assay_api_work(const assay_api *api, const assay_api_call *call,
                            const assay_view *view, assay_http_reply *reply, assay_error *err);

// The supply equation as every document states it: pools count as balances. A new reference.
// Spec: P-24.
json_t *assay_api_supply(const assay_totals *totals, uint64_t genesis);

// Is segment `index` this word, and are there `count` segments in all?
bool assay_api_is(const assay_api_call *call, const char *word, uint32_t count);

// A segment as a number, hash or address. Errors: USAGE, FORMAT, RANGE.
assay_status assay_api_number(uint64_t *out, const assay_api_call *call, uint32_t index,
                              assay_error *err);
assay_status assay_api_hash(assay_hash *out, const assay_api_call *call, uint32_t index,
                            assay_error *err);
assay_status assay_api_address(assay_address *out, const assay_api_call *call, uint32_t index,
                               assay_error *err);

// Query arguments with a value where they are absent. Errors: as above.
assay_status assay_api_query_number(uint64_t *out, const assay_api_call *call, const char *name,
                                    uint64_t absent, uint64_t max, assay_error *err);
assay_status assay_api_query_hash(assay_hash *out, const assay_api_call *call, const char *name,
                                  assay_error *err);

#endif
