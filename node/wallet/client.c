// SPDX-License-Identifier: Apache-2.0
#include "node/wallet/client.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "ledger/genesis.h"
#include "ledger/tx/reject.h"
#include "node/ending.h"

enum {
    TIMEOUT_MS = 30000,
    PATH_TEXT_MAX = 512,
    NONCE_TRIES = 5,
    VALUES_MAX = 1 << 18,          // a batch's rows, a proof's signatures
    ROW_SIZE_MIN = 32 + 8 + 4 + 8, // of a session's row (P-8), which has the most values a byte:
    ROW_VALUES = 1 + 2 * 4,        // itself, its members and their names
    OTHER_VALUES = 256,            // of a batch without rows and payment lines
};
static_assert(ASSAY_TX_SIZE_MAX / ROW_SIZE_MIN * ROW_VALUES + OTHER_VALUES <= VALUES_MAX,
              "a client reads every batch");

// The operator names the node, so a private address is what it is meant to be.
static assay_fetch_limits limits_of(const assay_client *client, uint32_t wait_ms) {
    return (assay_fetch_limits){.size_max = ASSAY_CLIENT_ANSWER_MAX,
                                .values_max = VALUES_MAX,
                                .timeout_ms = TIMEOUT_MS + wait_ms,
                                .allow_private = true,
                                .stop = client->stop};
}

assay_status assay_client_get(json_t **out, const assay_client *client, assay_error *err,
                              const char *path, ...) {
    char url[ASSAY_CLIENT_URL_MAX + PATH_TEXT_MAX];
    va_list args;
    int used = snprintf(url, sizeof url, "%s/v1/", client->url);
    va_start(args, path);
    int length = vsnprintf(url + used, sizeof url - (size_t)used, path, args);
    va_end(args);
    *out = NULL;
    if (length < 0 || length >= PATH_TEXT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "path of %d characters, limit %d", length,
                          PATH_TEXT_MAX - 1);
    assay_fetch_limits limits = limits_of(client, 0);
    if (strcmp(path, "genesis") == 0) limits.values_max = ASSAY_GENESIS_JSON_VALUES_MAX;
    return assay_fetch_json(out, url, NULL, &limits, err);
}

assay_status assay_client_get_id(json_t **out, const assay_client *client, const char *kind,
                                 const uint8_t *id, size_t id_size, assay_error *err) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(text, id, id_size);
    return assay_client_get(out, client, err, "%s/%s", kind, text);
}

// What else people take for a node's address is a provider's.
static assay_status no_node_fail(const assay_client *client, const assay_error *why,
                                 assay_error *err) {
    json_t *provider;
    if (why->status != ASSAY_NOT_FOUND) return assay_error_pass(err, why);
    if (assay_client_get(&provider, client, NULL, "provider") != ASSAY_OK)
        return ASSAY_FAIL(err, NOT_FOUND, "%.200s is no node: %.100s", client->url, why->text);
    json_decref(provider);
    return ASSAY_FAIL(err, NOT_FOUND, "%.200s is no node: a provider answers there", client->url);
}

assay_status assay_client_open(assay_client *client, const char *url, const assay_hash *genesis,
                               assay_error *err) {
    json_t *status;
    uint64_t chain_id;
    assay_hash hash;
    *client = (assay_client){.stop = assay_ending_asked()};
    size_t length = assay_url_length(url);
    if (length == 0 || length >= sizeof client->url)
        return ASSAY_FAIL(err, USAGE, "--node has %zu characters, limits 1 to %d", length,
                          ASSAY_CLIENT_URL_MAX - 1);
    ASSAY_TRY(assay_url_check(url, "--node", err));
    memcpy(client->url, url, length);
    assay_error why = {0};
    if (assay_client_get(&status, client, &why, "status") != ASSAY_OK)
        return no_node_fail(client, &why, err);
    assay_status result = assay_json_u64(&chain_id, status, "chain_id", 1, UINT64_MAX, err);
    if (result == ASSAY_OK) result = assay_json_hash(&hash, status, "genesis", err);
    client->testnet = json_is_true(json_object_get(status, "testnet"));
    json_decref(status);
    ASSAY_TRY(result);
    if (genesis && !assay_hash_equal(genesis, &hash))
        return ASSAY_FAIL(err, MISMATCH, "%s is a node of another chain", client->url);
    assay_domain_init(&client->domain, chain_id, &hash);
    return ASSAY_OK;
}

assay_status assay_client_nonce(uint64_t *out, const assay_client *client,
                                const assay_address *signer, uint8_t lane, assay_error *err) {
    json_t *account;
    ASSAY_TRY(
        assay_client_get_id(&account, client, "account", signer->bytes, ASSAY_ADDRESS_SIZE, err));
    const json_t *nonces = json_object_get(account, "next_nonces");
    json_t *wrapped = json_pack("{s:O*}", "nonce", json_array_get(nonces, lane));
    assay_status status = assay_json_u64(out, wrapped, "nonce", 0, UINT64_MAX, err);
    json_decref(wrapped);
    json_decref(account);
    return status;
}

assay_status assay_client_param(uint64_t *out, const assay_client *client, const char *name,
                                assay_error *err) {
    json_t *genesis;
    const json_t *params;
    ASSAY_TRY(assay_client_get(&genesis, client, err, "genesis"));
    assay_status status = assay_json_object(&params, genesis, "params", err);
    if (status == ASSAY_OK) status = assay_json_u64(out, params, name, 0, UINT64_MAX, err);
    json_decref(genesis);
    return status;
}

// Reads {"state","height","code","text"} of the node's answer.
static assay_status fate_read(assay_sent *out, const json_t *answer, uint32_t wait_ms,
                              assay_error *err) {
    const char *state, *text;
    uint64_t code;
    ASSAY_TRY(assay_json_hash(&out->id, answer, "id", err));
    ASSAY_TRY(assay_json_text(&state, answer, "state", 32, err));
    out->height = 0;
    if (strcmp(state, "unknown") == 0)
        return ASSAY_FAIL(err, NOT_FOUND,
                          "the node dropped the transaction: others took its nonce or its money");
    if (strcmp(state, "committed") != 0) {
        if (!wait_ms) return ASSAY_OK;
        return ASSAY_FAIL(err, TIMEOUT, "the transaction waits, in no block after %u ms", wait_ms);
    }
    ASSAY_TRY(assay_json_u64(&out->height, answer, "height", 1, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&code, answer, "code", 0, UINT32_MAX, err));
    if (code == 0) return ASSAY_OK;
    ASSAY_TRY(assay_json_text(&text, answer, "text", ASSAY_ERROR_TEXT_MAX, err));
    return assay_fail(err, ASSAY_REJECTED, (uint32_t)code, "%s, in block %llu", text,
                      (ull)out->height);
}

assay_status assay_client_send_bytes(assay_sent *out, const assay_client *client,
                                     const uint8_t *data, size_t size, uint32_t wait_ms,
                                     assay_error *err) {
    char url[ASSAY_CLIENT_URL_MAX + 64];
    json_t *answer;
    assay_fetch_limits limits = limits_of(client, wait_ms);
    snprintf(url, sizeof url, "%s/v1/tx?wait=%u", client->url, wait_ms);
    json_t *body = json_pack("{s:o}", "tx", assay_json_from_hex(data, size));
    if (!body) return ASSAY_FAIL(err, MEMORY, "no memory for a transaction of %zu bytes", size);
    out->size = size;
    assay_tx_id(&out->id, data, size); // without an answer too, it may have been taken
    ASSAY_TRY(assay_fetch_json(&answer, url, body, &limits, err));
    assay_status status = fate_read(out, answer, wait_ms, err);
    json_decref(answer);
    return status;
}

assay_status assay_client_fate(assay_sent *out, const assay_client *client, const assay_hash *id,
                               assay_error *err) {
    json_t *answer;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_client_get_id(&answer, client, "tx", id->bytes, ASSAY_HASH_SIZE, err));
    assay_status status = fate_read(out, answer, 0, err);
    json_decref(answer);
    return status;
}

// Signs with the signer's next nonce and sends.
static assay_status send_once(assay_sent *out, const assay_client *client, assay_tx *tx,
                              const assay_key *key, uint8_t *room, uint32_t wait_ms,
                              assay_error *err) {
    size_t size = 0;
    ASSAY_TRY(assay_client_nonce(&tx->nonce, client, &tx->signer, tx->lane, err));
    ASSAY_TRY(assay_tx_sign(tx, &client->domain, key, err));
    assay_tx_digest(&out->digest, tx, &client->domain);
    ASSAY_TRY(assay_tx_encode(tx, room, ASSAY_TX_SIZE_MAX, &size, err));
    return assay_client_send_bytes(out, client, room, size, wait_ms, err);
}

assay_status assay_client_send(assay_sent *out, const assay_client *client, assay_tx *tx,
                               const assay_key *key, uint32_t wait_ms, assay_error *err) {
    assay_error why = {0};
    memset(out, 0, sizeof *out);
    tx->chain_id = client->domain.chain_id;
    tx->lane = assay_tx_lane(tx->kind);
    ASSAY_TRY(assay_key_address(&tx->signer, key, err));
    if (assay_address_is_zero(&tx->principal)) tx->principal = tx->signer;
    uint8_t *room = malloc(ASSAY_TX_SIZE_MAX);
    if (!room) return ASSAY_FAIL(err, MEMORY, "no memory for a transaction");
    assay_status status;
    int tries = 0;
    do {
        status = send_once(out, client, tx, key, room, wait_ms, &why);
        // Another program with the same key was quicker, before any block: the next nonce is free.
    } while (status == ASSAY_REJECTED && why.reject == ASSAY_REJECT_NONCE && !out->height &&
             ++tries < NONCE_TRIES);
    free(room);
    return status == ASSAY_OK ? status : assay_error_pass(err, &why);
}
