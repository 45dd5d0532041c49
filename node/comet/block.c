// SPDX-License-Identifier: Apache-2.0
#include "node/comet/block.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/merkle.h"
#include "consensus/abci/message.h"
#include "consensus/light/block.h"

assay_status assay_comet_result_read(assay_tx_result *out, const json_t *result, assay_error *err) {
    uint64_t code;
    size_t size;
    const char *data = json_string_value(json_object_get(result, "data"));
    if (!data) data = ""; // CometBFT writes null for no bytes
    ASSAY_TRY(assay_json_u64(&code, result, "code", 0, UINT32_MAX, err));
    ASSAY_TRY(assay_base64_decode(out->data, &size, sizeof out->data, data, strlen(data), err));
    out->code = (uint32_t)code;
    out->data_size = (uint8_t)size;
    return ASSAY_OK;
}

// A list of at most as many entries as a block has transactions; null is an empty one.
static assay_status list_get(const json_t **out, const json_t *object, const char *name,
                             assay_error *err) {
    *out = NULL;
    if (json_is_null(json_object_get(object, name))) return ASSAY_OK;
    return assay_json_array(out, object, name, ASSAY_BLOCK_TXS_MAX, err);
}

static assay_status txs_read(assay_block *out, const json_t *list, assay_arena *arena,
                             assay_error *err) {
    void *room;
    uint32_t count = (uint32_t)json_array_size(list);
    ASSAY_TRY(assay_arena_get(arena, count, sizeof *out->txs, "transactions", &room, err));
    assay_bytes *txs = room;
    for (uint32_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text) return ASSAY_FAIL(err, FORMAT, "transaction %u is no text", i);
        size_t length = strlen(text), capacity = length / 4 * 3;
        ASSAY_TRY(assay_arena_get(arena, capacity, 1, "a transaction", &room, err));
        ASSAY_TRY(assay_base64_decode(room, &txs[i].size, capacity, text, length, err));
        txs[i].data = room;
    }
    out->txs = txs;
    out->tx_count = count;
    return ASSAY_OK;
}

static assay_status results_read(assay_block *out, const json_t *list, assay_arena *arena,
                                 assay_error *err) {
    void *room;
    if (json_array_size(list) != out->tx_count)
        return ASSAY_FAIL(err, MISMATCH, "%zu results for %u transactions", json_array_size(list),
                          out->tx_count);
    ASSAY_TRY(assay_arena_get(arena, out->tx_count, sizeof *out->results, "results", &room, err));
    assay_tx_result *results = room;
    for (uint32_t i = 0; i < out->tx_count; i++)
        ASSAY_TRY(assay_comet_result_read(&results[i], json_array_get(list, i), err));
    out->results = results;
    return ASSAY_OK;
}

static assay_status header_read(assay_block *out, const json_t *header, const json_t *answer,
                                uint64_t height, assay_arena *arena, assay_error *err) {
    assay_header_view view;
    assay_hash hash;
    ASSAY_TRY(assay_light_header_read(&view, header, arena, err));
    ASSAY_TRY(assay_light_block_id_read(&out->commit.block, answer, "block_id", arena, err));
    if (view.height != height)
        return ASSAY_FAIL(err, MISMATCH, "a block of height %llu, asked for %llu", (ull)view.height,
                          (ull)height);
    assay_header_view_hash(&hash, &view);
    if (!assay_hash_equal(&hash, &out->commit.block.hash))
        return ASSAY_FAIL(err, MISMATCH, "the header of block %llu does not have its hash",
                          (ull)height);
    return assay_header_of_view(&out->header, &view, err);
}

static assay_status data_check(const assay_block *block, assay_arena *arena, assay_error *err) {
    void *ids;
    assay_hash hash;
    ASSAY_TRY(assay_arena_get(arena, block->tx_count, sizeof(assay_hash), "ids", &ids, err));
    assay_block_tx_ids(ids, block);
    ASSAY_TRY(assay_block_data_hash(&hash, ids, block->tx_count, arena, err));
    if (assay_hash_equal(&hash, &block->header.data_hash)) return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH, "the transactions of block %llu are not its header's",
                      (ull)block->header.height);
}

static assay_status app_hash_read(assay_hash *out, const json_t *results, assay_error *err) {
    const char *text;
    size_t size;
    ASSAY_TRY(assay_json_text(&text, results, "app_hash", ASSAY_BASE64_SIZE(ASSAY_HASH_SIZE), err));
    ASSAY_TRY(assay_base64_decode(out->bytes, &size, ASSAY_HASH_SIZE, text, strlen(text), err));
    if (size == ASSAY_HASH_SIZE) return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT, "an app_hash of %zu bytes, not %d", size, ASSAY_HASH_SIZE);
}

assay_status assay_comet_block_read(assay_block *out, const json_t *block, const json_t *results,
                                    uint64_t height, assay_arena *arena, assay_error *err) {
    const json_t *body, *header, *data, *txs, *list;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_object(&body, block, "block", err));
    ASSAY_TRY(assay_json_object(&header, body, "header", err));
    ASSAY_TRY(assay_json_object(&data, body, "data", err));
    ASSAY_TRY(list_get(&txs, data, "txs", err));
    ASSAY_TRY(header_read(out, header, block, height, arena, err));
    ASSAY_TRY(txs_read(out, txs, arena, err));
    ASSAY_TRY(data_check(out, arena, err));
    if (!results) return ASSAY_OK;
    ASSAY_TRY(list_get(&list, results, "txs_results", err));
    ASSAY_TRY(results_read(out, list, arena, err));
    return app_hash_read(&out->app_hash_after, results, err);
}

assay_status assay_comet_rest_check(const assay_block *block, const json_t *answer,
                                    assay_arena *arena, assay_error *err) {
    const json_t *body, *commit, *evidence, *list;
    assay_hash hash, none;
    ASSAY_TRY(assay_json_object(&body, answer, "block", err));
    ASSAY_TRY(assay_json_object(&commit, body, "last_commit", err));
    ASSAY_TRY(assay_json_object(&evidence, body, "evidence", err));
    ASSAY_TRY(list_get(&list, evidence, "evidence", err));
    ASSAY_TRY(assay_light_commit_hash(&hash, commit, arena, err));
    if (!assay_hash_equal(&hash, &block->header.last_commit_hash))
        return ASSAY_FAIL(err, MISMATCH, "the last commit of block %llu is not its header's",
                          (ull)block->header.height);
    assay_merkle_root(&none, NULL, 0);
    if (assay_hash_equal(&none, &block->header.evidence_hash) != (json_array_size(list) == 0))
        return ASSAY_FAIL(err, MISMATCH, "the evidence of block %llu is not its header's",
                          (ull)block->header.height);
    return ASSAY_OK;
}

// --- evidence ---

static assay_status accused_read(assay_misbehavior *out, const json_t *object, const char *name,
                                 assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, object, name, 2 * ASSAY_ADDRESS_SIZE, err));
    if (strlen(text) == 2 * ASSAY_ADDRESS_SIZE &&
        assay_hex_decode(out->validator.bytes, ASSAY_ADDRESS_SIZE, text, NULL) == ASSAY_OK)
        return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT, "%s is not %d bytes in hexadecimal", name, ASSAY_ADDRESS_SIZE);
}

// One piece of evidence accuses one validator, or several. Source: CometBFT types/evidence.go.
static assay_status evidence_read(assay_misbehavior *list, uint32_t *count, const json_t *evidence,
                                  assay_error *err) {
    const char *kind;
    const json_t *value, *inner;
    assay_misbehavior one = {.type = ASSAY_MISBEHAVIOR_DOUBLE_SIGN};
    ASSAY_TRY(assay_json_text(&kind, evidence, "type", 64, err));
    ASSAY_TRY(assay_json_object(&value, evidence, "value", err));
    if (strcmp(kind, "tendermint/DuplicateVoteEvidence") == 0) {
        ASSAY_TRY(assay_json_object(&inner, value, "vote_a", err));
        ASSAY_TRY(assay_json_u64(&one.height, inner, "height", 1, INT64_MAX, err));
        ASSAY_TRY(accused_read(&one, inner, "validator_address", err));
        if (*count == ASSAY_ABCI_MISBEHAVIOR_MAX)
            return ASSAY_FAIL(err, CAPACITY, "misbehaviour, limit %d", ASSAY_ABCI_MISBEHAVIOR_MAX);
        list[(*count)++] = one;
        return ASSAY_OK;
    }
    if (strcmp(kind, "tendermint/LightClientAttackEvidence") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "evidence of type \"%.40s\"", kind);
    one.type = ASSAY_MISBEHAVIOR_LIGHT_CLIENT;
    ASSAY_TRY(assay_json_u64(&one.height, value, "CommonHeight", 1, INT64_MAX, err));
    ASSAY_TRY(assay_json_array(&inner, value, "ByzantineValidators",
                               ASSAY_ABCI_MISBEHAVIOR_MAX - *count, err));
    for (size_t i = 0; i < json_array_size(inner); i++) {
        ASSAY_TRY(accused_read(&one, json_array_get(inner, i), "address", err));
        list[(*count)++] = one;
    }
    return ASSAY_OK;
}

assay_status assay_comet_misbehaviors_read(const assay_misbehavior **out, uint32_t *count,
                                           const json_t *block, assay_arena *arena,
                                           assay_error *err) {
    const json_t *body, *evidence, *list;
    void *room;
    *out = NULL;
    *count = 0;
    ASSAY_TRY(assay_json_object(&body, block, "block", err));
    ASSAY_TRY(assay_json_object(&evidence, body, "evidence", err));
    ASSAY_TRY(list_get(&list, evidence, "evidence", err));
    if (json_array_size(list) == 0) return ASSAY_OK;
    ASSAY_TRY(assay_arena_get(arena, ASSAY_ABCI_MISBEHAVIOR_MAX, sizeof **out, "misbehaviour",
                              &room, err));
    for (size_t i = 0; i < json_array_size(list); i++)
        ASSAY_TRY(evidence_read(room, count, json_array_get(list, i), err));
    *out = room;
    return ASSAY_OK;
}
