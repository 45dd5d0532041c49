// SPDX-License-Identifier: Apache-2.0
// Paths about the chain itself: status, genesis, transactions, blocks, proofs.
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "consensus/ledger_application.h"
#include "consensus/proof.h"
#include "ledger/tx_json.h"
#include "node/api.h"

enum {
    STATUS_DEPTH = 256, // blocks read for a transaction that is not among the recent ones
    BLOCK_ARENA_MAX = 64 << 20,
    HEADER_BYTES_MAX = 1024,
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
        bool healthy = !api->solo || assay_solo_health(api->solo, &health) == ASSAY_OK;
        assay_http_reply_json(
            reply, 200,
            json_pack("{s:s,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:s,s:s}", "name",
                      api->genesis->name, "chain_id", assay_json_from_u64(api->genesis->chain_id),
                      "genesis", assay_json_from_hash(&api->genesis->hash), "testnet",
                      (int)api->genesis->testnet, "height", assay_json_from_u64(view.height),
                      "epoch", assay_json_from_u64(assay_params_epoch(view.params, next)),
                      "app_hash", assay_json_from_hash(&view.app_hash), "state_root",
                      assay_json_from_hash(&view.state_root), "history_root",
                      assay_json_from_hash(&view.history_root), "supply", supply, "healthy",
                      (int)healthy, "problem", health.text, "version", ASSAY_PROGRAM_VERSION));
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
    const char *reason = assay_reject_text(fate->result.code);
    json_object_set_new(object, "reason", json_string(reason));
    json_object_set_new(object, "text", json_string(*fate->text ? fate->text : reason));
    json_object_set_new(object, "data",
                        assay_json_from_hex(fate->result.data, fate->result.data_size));
    return object;
}

// Waits until the transaction is in a block, at most wait_ms.
static assay_status fate_wait(const assay_api *api, const assay_hash *id, uint64_t wait_ms,
                              assay_tx_fate *fate, assay_error *err) {
    uint64_t seen = assay_solo_height(api->solo);
    ASSAY_TRY(assay_solo_find(api->solo, id, 0, fate, err));
    while (fate->state == ASSAY_TX_PENDING && wait_ms) {
        uint32_t part = wait_ms < 1000 ? (uint32_t)wait_ms : 1000;
        uint64_t reached = assay_solo_wait(api->solo, seen, part);
        // A block that came early still costs its share of the patience: bounded either way.
        wait_ms -= reached > seen ? 1 : part;
        seen = reached;
        ASSAY_TRY(assay_solo_find(api->solo, id, 0, fate, err));
        ASSAY_TRY(assay_solo_health(api->solo, err));
    }
    return ASSAY_OK;
}

static assay_status tx_submit(const assay_api *api, const char *text, assay_hash *id,
                              assay_error *err) {
    size_t digits = strlen(text);
    size_t size = digits / 2;
    if (digits >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) size--;
    if (size == 0 || size > ASSAY_TX_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "transaction of %zu bytes, limits 1 to %d", size,
                          ASSAY_TX_SIZE_MAX);
    uint8_t *bytes = malloc(size);
    if (!bytes) return ASSAY_FAIL(err, MEMORY, "no memory for a transaction");
    assay_status status = assay_hex_decode(bytes, size, text, err);
    if (status == ASSAY_OK) status = assay_solo_submit(api->solo, bytes, size, id, err);
    free(bytes);
    return status;
}

static json_t *error_json(const assay_error *err) {
    return json_pack("{s:s,s:i,s:s}", "name", assay_status_name(err->status), "reject",
                     (int)err->reject, "text", err->text);
}

// {"txs":["0x…"]}: each is taken or refused by itself, in order; waits for the last one.
static assay_status txs_post(const assay_api *api, const json_t *list, uint64_t wait_ms,
                             assay_http_reply *reply, assay_error *err) {
    json_t *results = json_array();
    assay_status status = ASSAY_OK;
    size_t count = json_array_size(list);
    assay_hash *ids = calloc(count + 1, sizeof *ids);
    for (size_t i = 0; ids && i < count; i++) {
        assay_error why = {0};
        const char *text = json_string_value(json_array_get(list, i));
        assay_status taken = text ? tx_submit(api, text, &ids[i], &why)
                                  : ASSAY_FAIL(&why, FORMAT, "entry %zu is not a text", i);
        json_array_append_new(results, taken == ASSAY_OK
                                           ? json_pack("{s:o}", "id", assay_json_from_hash(&ids[i]))
                                           : json_pack("{s:o}", "error", error_json(&why)));
    }
    for (size_t i = 0; ids && i < count && wait_ms && status == ASSAY_OK; i++) {
        assay_tx_fate fate;
        if (!json_object_get(json_array_get(results, i), "id")) continue;
        status = fate_wait(api, &ids[i], wait_ms, &fate, err);
        if (status == ASSAY_OK) json_array_set_new(results, i, fate_json(&ids[i], &fate));
    }
    free(ids);
    if (status == ASSAY_OK)
        assay_http_reply_json(reply, 200, json_pack("{s:o}", "results", results));
    else
        json_decref(results);
    return status;
}

static assay_status tx_post(const assay_api *api, const assay_api_call *call,
                            assay_http_reply *reply, assay_error *err) {
    static const char *const names[] = {"tx", "txs", NULL};
    json_t *body;
    const json_t *list;
    const char *text;
    uint64_t wait_ms;
    assay_hash id;
    assay_tx_fate fate;
    const assay_bytes *bytes = &call->request->body;
    ASSAY_TRY(assay_api_query_number(&wait_ms, call, "wait", 0, ASSAY_API_WAIT_MS_MAX, err));
    ASSAY_TRY(assay_json_parse(&body, bytes->data, bytes->size, bytes->size, "request", err));
    assay_status status = assay_json_names(body, names, "request", err);
    if (status == ASSAY_OK && json_object_get(body, "txs")) {
        status = assay_json_array(&list, body, "txs", ASSAY_API_TXS_MAX, err);
        if (status == ASSAY_OK) status = txs_post(api, list, wait_ms, reply, err);
    } else if (status == ASSAY_OK) {
        status = assay_json_text(&text, body, "tx", 2 * ASSAY_TX_SIZE_MAX + 2, err);
        if (status == ASSAY_OK) status = tx_submit(api, text, &id, err);
        if (status == ASSAY_OK) status = fate_wait(api, &id, wait_ms, &fate, err);
        if (status == ASSAY_OK) assay_http_reply_json(reply, 200, fate_json(&id, &fate));
    }
    json_decref(body);
    return status;
}

static assay_status tx_get(const assay_api *api, const assay_api_call *call,
                           assay_http_reply *reply, assay_error *err) {
    assay_hash id;
    assay_tx_fate fate;
    ASSAY_TRY(assay_api_hash(&id, call, 1, err));
    ASSAY_TRY(assay_solo_find(api->solo, &id, STATUS_DEPTH, &fate, err));
    if (fate.state == ASSAY_TX_UNKNOWN)
        return ASSAY_FAIL(err, NOT_FOUND,
                          "no such transaction among the last %d nor in the last %d blocks",
                          ASSAY_FATES_MAX, STATUS_DEPTH);
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
    json_t *txs = json_array();
    for (uint32_t i = 0; i < block->tx_count; i++)
        json_array_append_new(txs, tx_json(&block->txs[i], &block->results[i]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "height",
                     assay_json_from_u64(block->header.height), "time",
                     assay_json_from_u64(block->header.time.seconds), "hash",
                     assay_json_from_hash(&block->commit.block.hash), "app_hash",
                     assay_json_from_hash(&block->header.app_hash), "app_hash_after",
                     assay_json_from_hash(&block->app_hash_after), "header",
                     assay_json_from_hex(header, header_writer.size), "commit",
                     assay_json_from_hex(commit, commit_writer.size), "txs", txs);
}

static assay_status block_get(const assay_api *api, const assay_api_call *call,
                              assay_http_reply *reply, assay_error *err) {
    uint64_t height;
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    ASSAY_TRY(assay_api_number(&height, call, 1, err));
    assay_arena_init(&arena, BLOCK_ARENA_MAX);
    assay_status status = assay_solo_block(api->solo, height, &block, &arena, &data, err);
    if (status == ASSAY_OK) assay_http_reply_json(reply, 200, block_json(&block));
    free(data);
    assay_arena_close(&arena);
    return status;
}

// The header after the view's state; waits for it where the view is of the last block.
static assay_status proof_finish(const assay_api *api, assay_proof *proof, uint64_t height,
                                 assay_error *err) {
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    assay_arena_init(&arena, BLOCK_ARENA_MAX);
    assay_status status = assay_solo_block(api->solo, height + 1, &block, &arena, &data, err);
    if (status == ASSAY_OK) {
        proof->header = block.header;
        proof->commit = block.commit;
    }
    free(data);
    assay_arena_close(&arena);
    return status;
}

// /proof/payout/EPOCH/ACCOUNT. The state's own header is the next block's, so one is asked for and
// waited for: an idle chain makes it only for this.
static assay_status proof_get(const assay_api *api, const assay_api_call *call,
                              assay_http_reply *reply, assay_error *err) {
    uint64_t epoch;
    assay_address account;
    assay_view view;
    assay_proof *proof = calloc(1, sizeof *proof);
    if (!proof) return ASSAY_FAIL(err, MEMORY, "no memory for a proof");
    assay_status status = assay_api_number(&epoch, call, 2, err);
    if (status == ASSAY_OK) status = assay_api_address(&account, call, 3, err);
    if (status == ASSAY_OK) status = assay_view_open(&view, api->app, err);
    if (status == ASSAY_OK) {
        uint64_t height = view.height;
        status = assay_proof_make(proof, &view, epoch, &account, err);
        assay_view_close(&view);
        if (status == ASSAY_OK) {
            assay_solo_nudge(api->solo);
            assay_solo_wait(api->solo, height, ASSAY_API_WAIT_MS_MAX);
            status = proof_finish(api, proof, height, err);
        }
    }
    if (status == ASSAY_OK)
        assay_http_reply_json(reply, 200, assay_proof_json(proof, api->genesis));
    free(proof);
    return status;
}

assay_status assay_api_chain(const assay_api *api, const assay_api_call *call,
                             assay_http_reply *reply, assay_error *err) {
    bool post = strcmp(call->request->method, "POST") == 0;
    if (!post && assay_api_is(call, "status", 1)) return status_get(api, reply, err);
    if (!post && assay_api_is(call, "genesis", 1)) {
        assay_http_reply_json(reply, 200, assay_genesis_json(api->genesis));
        return ASSAY_OK;
    }
    if (!api->solo) return ASSAY_NOT_FOUND;
    if (assay_api_is(call, "tx", 1) && post) return tx_post(api, call, reply, err);
    if (post) return ASSAY_NOT_FOUND;
    if (assay_api_is(call, "tx", 2)) return tx_get(api, call, reply, err);
    if (assay_api_is(call, "block", 2)) return block_get(api, call, reply, err);
    if (assay_api_is(call, "proof", 4) && strcmp(call->segments[1], "payout") == 0)
        return proof_get(api, call, reply, err);
    return ASSAY_NOT_FOUND;
}
