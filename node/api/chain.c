// SPDX-License-Identifier: Apache-2.0
// Paths about the chain itself: status, genesis, transactions, blocks, proofs.
#include <stdlib.h>

#include "base/json.h"
#include "consensus/clock.h"
#include "consensus/ledger_application.h"
#include "consensus/proof.h"
#include "ledger/tx/tx_json.h"
#include "node/api/api.h"
#include "node/error_json.h"

enum {
    SEARCH_DEPTH = 256, // blocks read for a transaction that is not among the recent ones
    HEADER_BYTES_MAX = 1024,
    MS = 1000000,   // ns, of assay_clock_ns
    SLICE_MS = 250, // a wait looks so often whether the node ends
};

json_t *assay_api_supply(const assay_totals *totals, uint64_t genesis) {
    const uint64_t *nopen = totals->nopen;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "genesis", assay_json_from_u64(genesis),
                     "balances",
                     assay_json_from_u64(nopen[ASSAY_MONEY_BALANCES] + nopen[ASSAY_MONEY_POOLS]),
                     "deposits", assay_json_from_u64(nopen[ASSAY_MONEY_DEPOSITS]), "bonds",
                     assay_json_from_u64(nopen[ASSAY_MONEY_BONDS]), "claims",
                     assay_json_from_u64(nopen[ASSAY_MONEY_CLAIMS]), "burned",
                     assay_json_from_u64(nopen[ASSAY_MONEY_BURNED]));
}

static assay_status status_get(const assay_api *api, assay_http_reply *reply, assay_error *err) {
    assay_view view;
    assay_totals totals;
    assay_error health = {0};
    ASSAY_TRY(assay_view_open(&view, api->app, err));
    assay_status status = assay_totals_get(&totals, &view.reader, err);
    if (status == ASSAY_OK) {
        uint64_t next = view.height + 1;
        json_t *supply = assay_api_supply(&totals, api->genesis->supply);
        uint32_t waiting = api->engine ? api->engine->waiting(api->engine->self) : 0;
        bool healthy = assay_api_health(api, &health) == ASSAY_OK;
        assay_http_reply_json(
            reply, 200,
            json_pack("{s:s,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:b,s:s,s:s}", "name",
                      api->genesis->name, "chain_id", assay_json_from_u64(api->genesis->chain_id),
                      "genesis", assay_json_from_hash(&api->genesis->hash), "testnet",
                      (int)api->genesis->testnet, "height", assay_json_from_u64(view.height),
                      "epoch", assay_json_from_u64(assay_params_epoch(view.params, next)),
                      "app_hash", assay_json_from_hash(&view.app_hash), "state_root",
                      assay_json_from_hash(&view.state_root), "history_root",
                      assay_json_from_hash(&view.history_root), "supply", supply, "waiting",
                      (int)waiting, "healthy", (int)healthy, "problem", health.text, "version",
                      ASSAY_PROGRAM_VERSION));
    }
    assay_view_close(&view);
    return status;
}

static json_t *fate_json(const assay_hash *id, const assay_tx_fate *fate) {
    static const char *const states[] = {"unknown", "pending", "committed"};
    json_t *object =
        json_pack("{s:o,s:s}", "id", assay_json_from_hash(id), "state", states[fate->state]);
    if (fate->state != ASSAY_TX_COMMITTED) return object;
    json_object_set_new(object, "height", assay_json_from_u64(fate->height));
    json_object_set_new(object, "index", json_integer(fate->index));
    json_object_set_new(object, "code", json_integer(fate->result.code));
    if (fate->result.code) {
        const char *reason = assay_reject_text(fate->result.code);
        json_object_set_new(object, "reason", json_string(reason));
        json_object_set_new(object, "text", json_string(*fate->text ? fate->text : reason));
    }
    json_object_set_new(object, "data",
                        assay_json_from_hex(fate->result.data, fate->result.data_size));
    return object;
}

// Waits for a block above `height`, at most until the deadline. Returns: whether there is a reason
// to wait on: neither the node nor the engine ends, and the deadline has not come.
static bool block_wait(const assay_api *api, uint64_t height, uint64_t deadline) {
    for (;;) {
        uint64_t now = assay_clock_ns();
        if (now >= deadline || atomic_load(&api->closing)) return false;
        uint64_t left = (deadline - now + MS - 1) / MS;
        uint32_t slice = left < SLICE_MS ? (uint32_t)left : SLICE_MS;
        if (api->engine->wait(api->engine->self, height, slice) > height) return true;
        if (assay_clock_ns() < now + slice * MS)
            return false; // neither a block nor the time: it stops
    }
}

// Waits until the transaction is in a block, at most until the deadline. An engine that fails says
// nothing about what it took: a block of its log may hold it, so it is pending, and is not to be
// sent again.
static void fate_wait(const assay_api *api, const assay_hash *id, uint64_t deadline,
                      assay_tx_fate *fate) {
    const assay_chain_engine *engine = api->engine;
    for (bool waits = true;;) {
        uint64_t seen = engine->height(engine->self);
        if (engine->find(engine->self, id, 0, fate, NULL) != ASSAY_OK)
            *fate = (assay_tx_fate){.state = ASSAY_TX_PENDING};
        if (fate->state != ASSAY_TX_PENDING || !waits) return;
        waits = block_wait(api, seen, deadline) && engine->health(engine->self, NULL) == ASSAY_OK;
    }
}

// It waits, or is in a block; *id: its own.
static bool is_known(const assay_api *api, const struct assay_api_tx *tx, assay_hash *id) {
    assay_tx_fate fate;
    assay_tx_id(id, tx->bytes.data, tx->bytes.size);
    return api->engine->find(api->engine->self, id, 0, &fate, NULL) == ASSAY_OK &&
           fate.state != ASSAY_TX_UNKNOWN;
}

static assay_status tx_submit(const assay_api *api, const struct assay_api_tx *tx, assay_hash *id,
                              assay_error *err) {
    assay_error why = tx->err;
    assay_status status = why.status;
    if (atomic_load(&api->closing)) return ASSAY_FAIL(err, STOPPED, "the node is ending");
    // Whoever sends it again, because an answer was lost, is told what became of it.
    if (status == ASSAY_OK && is_known(api, tx, id)) return ASSAY_OK;
    if (status == ASSAY_OK && api->behind)
        status = assay_app_room(api->app, tx->bytes.data, tx->bytes.size, &why);
    if (status == ASSAY_OK)
        status = api->engine->submit(api->engine->self, tx->bytes.data, tx->bytes.size, id, &why);
    // A full queue is the node's trouble, not the transaction's.
    if (status == ASSAY_CAPACITY && tx->bytes.data) why.status = ASSAY_BUSY;
    return status == ASSAY_OK ? status : assay_error_pass(err, &why);
}

// Each is taken or refused by itself, in order; then all are waited for.
static assay_status txs_post(const assay_api *api, const assay_api_txs *txs, uint64_t deadline,
                             assay_http_reply *reply, assay_error *err) {
    assay_hash *ids = calloc((size_t)txs->count + 1, sizeof *ids);
    if (!ids) return ASSAY_FAIL(err, MEMORY, "no memory for %u transactions", txs->count);
    json_t *results = json_array();
    assay_error why = {0};
    for (uint32_t i = 0; i < txs->count; i++) {
        // Where CometBFT does not answer, each would take as long as the one before.
        bool away = why.status == ASSAY_NETWORK || why.status == ASSAY_TIMEOUT;
        if (!away) why = (assay_error){0};
        bool taken = !away && tx_submit(api, &txs->items[i], &ids[i], &why) == ASSAY_OK;
        json_array_append_new(results,
                              taken ? json_null()
                                    : json_pack("{s:o}", "error", assay_error_to_json(&why, NULL)));
    }
    for (uint32_t i = 0; i < txs->count; i++) {
        assay_tx_fate fate;
        if (!json_is_null(json_array_get(results, i))) continue;
        fate_wait(api, &ids[i], deadline, &fate);
        json_array_set_new(results, i, fate_json(&ids[i], &fate));
    }
    free(ids);
    assay_http_reply_json(reply, 200, json_pack("{s:o}", "results", results));
    return ASSAY_OK;
}

static assay_status tx_post(const assay_api *api, const assay_api_call *call,
                            assay_http_reply *reply, assay_error *err) {
    uint64_t wait_ms;
    assay_api_txs txs;
    assay_arena arena;
    assay_hash id;
    assay_tx_fate fate;
    const assay_bytes *body = &call->request->body;
    ASSAY_TRY(assay_api_query_number(&wait_ms, call, "wait", api->wait_ms_max, err));
    uint64_t deadline = assay_clock_ns() + wait_ms * MS;
    assay_arena_init(&arena, 2 * body->size + ASSAY_API_TXS_MAX * (sizeof *txs.items + 64));
    assay_status status = assay_api_txs_read(&txs, body, &arena, err);
    if (status == ASSAY_OK && !txs.single) {
        status = txs_post(api, &txs, deadline, reply, err);
    } else if (status == ASSAY_OK) {
        status = tx_submit(api, txs.items, &id, err);
        if (status == ASSAY_OK) {
            fate_wait(api, &id, deadline, &fate);
            assay_http_reply_json(reply, 200, fate_json(&id, &fate));
        }
    }
    assay_arena_close(&arena);
    return status;
}

static assay_status tx_get(assay_api *api, const assay_api_call *call, assay_http_reply *reply,
                           assay_error *err) {
    assay_hash id;
    assay_tx_fate fate;
    ASSAY_TRY(assay_api_hash(&id, call, 1, err));
    ASSAY_TRY(api->engine->find(api->engine->self, &id, 0, &fate, err));
    if (fate.state == ASSAY_TX_UNKNOWN) {
        ASSAY_TRY(assay_api_slow_begin(api, ASSAY_API_TURNS_SEARCH_MAX, err));
        assay_status status = api->engine->find(api->engine->self, &id, SEARCH_DEPTH, &fate, err);
        assay_api_slow_end(api);
        ASSAY_TRY(status);
    }
    if (fate.state == ASSAY_TX_UNKNOWN)
        return ASSAY_FAIL(err, NOT_FOUND,
                          "no such transaction among the last %d nor in the last %d blocks",
                          ASSAY_FATES_MAX, SEARCH_DEPTH);
    assay_http_reply_json(reply, 200, fate_json(&id, &fate));
    return ASSAY_OK;
}

static json_t *tx_json(const assay_bytes *tx, const assay_tx_result *result) {
    assay_arena arena;
    assay_tx decoded;
    assay_hash id;
    json_t *object = NULL;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    if (assay_tx_decode(&decoded, tx->data, tx->size, &arena, NULL) == ASSAY_OK)
        object = assay_tx_to_json(&decoded);
    assay_arena_close(&arena);
    assay_tx_id(&id, tx->data, tx->size);
    return json_pack("{s:o,s:i,s:o*}", "id", assay_json_from_hash(&id), "code", (int)result->code,
                     "tx", object);
}

static json_t *block_json(const assay_block *block) {
    uint8_t header[HEADER_BYTES_MAX], commit[HEADER_BYTES_MAX];
    assay_writer header_writer, commit_writer;
    assay_writer_init(&header_writer, header, sizeof header);
    assay_header_write(&header_writer, &block->header);
    assay_writer_init(&commit_writer, commit, sizeof commit);
    assay_commit_write(&commit_writer, &block->commit);
    bool one_signed = block->commit.height > 0; // else it is not in C-7's form
    json_t *txs = json_array();
    for (uint32_t i = 0; i < block->tx_count; i++)
        json_array_append_new(txs, tx_json(&block->txs[i], &block->results[i]));
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "height", assay_json_from_u64(block->header.height),
        "time", assay_json_from_u64(block->header.time.seconds), "hash",
        assay_json_from_hash(&block->commit.block.hash), "app_hash",
        assay_json_from_hash(&block->header.app_hash), "app_hash_after",
        assay_json_from_hash(&block->app_hash_after), "header",
        assay_json_from_hex(header, header_writer.size), "commit",
        one_signed ? assay_json_from_hex(commit, commit_writer.size) : json_null(), "txs", txs);
}

static assay_status block_get(assay_api *api, const assay_api_call *call, assay_http_reply *reply,
                              assay_error *err) {
    uint64_t height;
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    ASSAY_TRY(assay_api_number(&height, call, 1, UINT64_MAX, err));
    // A block and its document take ten times its bytes, and CometBFT is far away: one at a time,
    // until there is the text alone. E-91
    ASSAY_TRY(assay_api_slow_begin(api, ASSAY_API_TURNS_MAX, err));
    assay_arena_init(&arena, ASSAY_API_BLOCK_ARENA_MAX);
    assay_status status = api->engine->block(api->engine->self, height, &block, &arena, &data, err);
    if (status == ASSAY_OK) assay_http_reply_json(reply, 200, block_json(&block));
    free(data);
    assay_arena_close(&arena);
    assay_api_slow_end(api);
    return status;
}

// The state's part of a proof; *height: whose it is. It waits for its turn without a view.
static assay_status proof_make(assay_proof *proof, uint64_t *height, assay_api *api, uint64_t epoch,
                               const assay_address *account, assay_error *err) {
    assay_view view;
    ASSAY_TRY(assay_api_slow_begin(api, ASSAY_API_TURNS_MAX, err));
    assay_status status = assay_view_open(&view, api->app, err);
    if (status == ASSAY_OK) {
        *height = view.height;
        status = assay_proof_make(proof, &view, epoch, account, err);
        assay_view_close(&view);
    }
    assay_api_slow_end(api);
    return status;
}

// /proof/payout/EPOCH/ACCOUNT. The state's own header is the next block's, so one is asked for and
// waited for: an idle chain makes it only for this.
static assay_status proof_get(assay_api *api, const assay_api_call *call, assay_http_reply *reply,
                              assay_error *err) {
    uint64_t epoch, height;
    assay_address account;
    assay_proof *proof = calloc(1, sizeof *proof);
    if (!proof) return ASSAY_FAIL(err, MEMORY, "no memory for a proof");
    assay_status status = assay_api_number(&epoch, call, 2, UINT64_MAX, err);
    if (status == ASSAY_OK) status = assay_api_address(&account, call, 3, err);
    if (status == ASSAY_OK) status = proof_make(proof, &height, api, epoch, &account, err);
    if (status == ASSAY_OK) {
        api->engine->nudge(api->engine->self);
        block_wait(api, height, assay_clock_ns() + (uint64_t)api->wait_ms_max * MS);
        status = assay_api_slow_begin(api, ASSAY_API_TURNS_MAX, err);
    }
    if (status == ASSAY_OK) {
        status = api->engine->light_block(api->engine->self, height + 1, &proof->light_block, err);
        assay_light_document_strip(proof->light_block);
        assay_api_slow_end(api);
    }
    if (status == ASSAY_OK)
        assay_http_reply_json(reply, 200, assay_proof_json(proof, api->genesis));
    assay_proof_close(proof);
    free(proof);
    return status;
}

assay_status assay_api_chain(assay_api *api, const assay_api_call *call, assay_http_reply *reply,
                             assay_error *err) {
    bool post = strcmp(call->request->method, "POST") == 0;
    if (!post && assay_api_is(call, "status", 1)) return status_get(api, reply, err);
    if (!post && assay_api_is(call, "genesis", 1)) {
        assay_http_reply_json(reply, 200, assay_genesis_json(api->genesis));
        return ASSAY_OK;
    }
    if (!api->engine) return ASSAY_NOT_FOUND;
    if (assay_api_is(call, "tx", 1)) {
        ASSAY_TRY(assay_http_method_check(call->request, "POST", err));
        return tx_post(api, call, reply, err);
    }
    if (post) return ASSAY_NOT_FOUND;
    if (assay_api_is(call, "tx", 2)) return tx_get(api, call, reply, err);
    if (assay_api_is(call, "block", 2)) return block_get(api, call, reply, err);
    if (assay_api_is(call, "proof", 4) && strcmp(call->segments[1], "payout") == 0)
        return proof_get(api, call, reply, err);
    return ASSAY_NOT_FOUND;
}
