// SPDX-License-Identifier: Apache-2.0
// The node's HTTP API: JSON over the last committed block, transactions in, proofs out.
// docs/api.md lists the paths with curl lines.
#ifndef ASSAY_NODE_API_API_H
#define ASSAY_NODE_API_API_H

#include <pthread.h>
#include <stdatomic.h>

#include "consensus/engine.h"
#include "ledger/view.h"
#include "node/api/call.h"
#include "node/home/facts.h"

enum {
    ASSAY_API_BLOCK_ARENA_MAX = 64 << 20, // one block of the engine
    // So many turns may be taken or waited for where another is asked for: mostly milliseconds
    // each, and many, since CometBFT's light clients drop a node that is BUSY; but a search lasts
    // up to 5 s and strangers can ask for any number of them, while a client waits for 30.
    ASSAY_API_TURNS_MAX = 32,
    ASSAY_API_TURNS_SEARCH_MAX = 4,
};

// Borrowed; all outlive the server. One handler call a thread.
typedef struct {
    assay_app *app;
    const assay_chain_engine
        *engine; // NULL: no blocks, transactions and proofs, only state (an audit's replay)
    const assay_genesis *genesis;
    const uint8_t *ed25519;  // key that this node proposes with; NULL: none
    const char *engine_name; // "solo"; NULL: unknown
    bool behind;             // CometBFT: it has the blocks, and makes them by itself
    void (*facts)(void *self, assay_engine_facts *facts); // of facts_self; NULL: knows nothing
    assay_status (*well)(void *self, assay_error *err);   // of facts_self: the engine's other half
    void *facts_self;
    uint32_t wait_ms_max; // longest ?wait=, at most ASSAY_API_WAIT_MS_MAX
    pthread_mutex_t slow; // requests that read much come one at a time
    atomic_uint turns;    // those that do, or wait for it
    atomic_bool closing;  // set before the server closes: nobody waits for a block any more
} assay_api;

// An assay_http_handler; context is an assay_api. Spec: F-40.
void assay_api_handle(void *context, const assay_http_request *request, assay_http_reply *reply);

// A turn of a request that reads much, or waits for CometBFT; `slow_end` where it is over. most:
// ASSAY_API_TURNS_MAX, or …_SEARCH_MAX. Errors: BUSY (so many are before it), STOPPED (the node
// ends: those that wait for a turn get none). Spec: F-40, F-77.
assay_status assay_api_slow_begin(assay_api *api, unsigned most, assay_error *err);
void assay_api_slow_end(assay_api *api);

// One group of paths each: fills the reply, or returns NOT_FOUND for a path that is none of its.
// Errors: those of the reads; the caller turns them into a reply. Spec: F-40.
assay_status assay_api_chain(assay_api *api, const assay_api_call *call, assay_http_reply *reply,
                             assay_error *err);
assay_status assay_api_registry(assay_api *api, const assay_api_call *call, const assay_view *view,
                                assay_http_reply *reply, assay_error *err);
assay_status assay_api_node(assay_api *api, const assay_api_call *call, const assay_view *view,
                            assay_http_reply *reply, assay_error *err);
assay_status assay_api_work(assay_api *api, const assay_api_call *call, const assay_view *view,
                            assay_http_reply *reply, assay_error *err);

// /commit, /validators and /status as CometBFT's RPC has them, and JSON-RPC by POST to /.
// Returns: false for another path, which is left alone; else the reply is filled, errors too.
// Spec: E-46.
bool assay_api_light(assay_api *api, const assay_http_request *request, assay_http_reply *reply);

// The last block's time, and how long after the one before it came; 0: not known.
typedef struct {
    uint64_t time_ns; // since 1970
    uint64_t interval_ns;
} assay_api_tip;

// From the application's counters; before its first block, from the engine's last one.
void assay_api_tip_get(assay_api_tip *out, const assay_api *api);
void assay_api_facts_get(assay_engine_facts *out, const assay_api *api);

// Whether blocks can come. Errors: why not: the engine's own reason, or its other half's. Spec:
// F-71.
assay_status assay_api_health(const assay_api *api, assay_error *err);

// Whoever has a place among the validators.
typedef struct {
    uint32_t weighty, jailed; // validators with power, and those in jail in the next block's epoch
    uint64_t all, own;        // power of all, and of the one that was asked for
} assay_api_powers;

// own: of this validator; NULL: of none. Errors: CORRUPT, MEMORY, IO. Spec: F-71, F-73.
assay_status assay_api_powers_get(assay_api_powers *out, const assay_view *view,
                                  const assay_address *own, assay_error *err);

// The account whose consensus key this node proposes with. *found false: it has none, or no account
// has it. Errors: CORRUPT, MEMORY, IO. Spec: F-73.
assay_status assay_api_operator_get(assay_address *out, bool *found, const assay_api *api,
                                    const assay_view *view, assay_error *err);

// /metrics. Bounded: a few hundred small reads of the state, whatever its size. Spec: F-71.
void assay_api_metrics(assay_api *api, assay_http_reply *reply);

// The supply equation as every document states it: pools count as balances. A new reference.
// Spec: P-24.
json_t *assay_api_supply(const assay_totals *totals, uint64_t genesis);

#endif
