// SPDX-License-Identifier: Apache-2.0
#include "node/comet/comet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "node/comet/block.h"
#include "node/http/client.h"

enum {
    TIMEOUT_MS = 20000, // a transaction waits behind others, and for a commit
    GLANCE_MS = 2000,   // what somebody's scrape waits for
    PATH_SIZE = ASSAY_COMET_URL_MAX + 128,
    PAGE_SIZE = 100, // of validators, CometBFT's most
};

#define NO_INDEX "indexing is disabled" // of transactions, with indexer = "null"

#define WITHIN(size, values, ms)                                                                   \
    { .size_max = (size), .values_max = (values), .timeout_ms = (ms), .allow_private = true }

// What each answer can honestly need; a vote takes some 230 bytes and 9 values, a validator 250 and
// 13, a transaction one value in its block and 17 in the results.
static const assay_fetch_limits few = WITHIN(2 << 20, 1 << 14, TIMEOUT_MS);
static const assay_fetch_limits glance = WITHIN(1 << 20, 1 << 16, GLANCE_MS);
static const assay_fetch_limits commit = WITHIN(4 << 20, 1 << 17, TIMEOUT_MS);
static const assay_fetch_limits page_of_set = WITHIN(128 << 10, 1 << 11, TIMEOUT_MS);
static const assay_fetch_limits whole_block = WITHIN(64 << 20, 1 << 19, TIMEOUT_MS);
static const assay_fetch_limits block_results = WITHIN(64 << 20, 1 << 22, TIMEOUT_MS);

assay_status assay_comet_open(assay_comet *comet, const char *url, assay_error *err) {
    size_t length = assay_url_length(url);
    size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
    if (!scheme || length <= scheme || length >= sizeof comet->url)
        return ASSAY_FAIL(err, USAGE,
                          "\"%.64s\" is no address of CometBFT's RPC: http://HOST:PORT, at most %d "
                          "characters",
                          url, ASSAY_COMET_URL_MAX - 1);
    memcpy(comet->url, url, length);
    comet->url[length] = 0;
    comet->stop = NULL;
    comet->light_ms = 0;
    comet->light_until = 0;
    return ASSAY_OK;
}

// --- answers: {"result": …} or {"error": {"code", "message", "data"}} ---

static const char *text_or(const json_t *object, const char *name, const char *absent) {
    const char *text = json_string_value(json_object_get(object, name));
    return text && *text ? text : absent;
}

static assay_status error_read(const json_t *error, assay_error *err) {
    const char *data = text_or(error, "data", "");
    const char *message = text_or(error, "message", "no reason given");
    bool other_height =
        strstr(data, "must be less than or equal to") || strstr(data, "is not available");
    // Results that were never stored, or not yet, or pruned before their block.
    bool no_results = strstr(data, "could not find") || strstr(data, "not persisting");
    bool no_index = strstr(data, NO_INDEX);
    if (other_height || no_results || no_index || strstr(data, "not found"))
        return ASSAY_FAIL(err, NOT_FOUND, "CometBFT: %.200s", data);
    if (strstr(data, "mempool is full")) return ASSAY_FAIL(err, CAPACITY, "CometBFT: %.200s", data);
    return ASSAY_FAIL(err, NETWORK, "CometBFT: %.60s: %.200s", message, data);
}

static assay_status answer_read(json_t **out, const void *data, size_t size,
                                const assay_fetch_limits *within, assay_error *err) {
    json_t *answer;
    *out = NULL;
    ASSAY_TRY(assay_json_parse_many(&answer, data, size, within->size_max, within->values_max,
                                    "CometBFT's answer", err));
    const json_t *error = json_object_get(answer, "error");
    json_t *result = json_object_get(answer, "result");
    assay_status status = ASSAY_OK;
    if (error)
        status = error_read(error, err);
    else if (!json_is_object(result))
        status = ASSAY_FAIL(err, MISSING, "CometBFT's answer has no result");
    else
        *out = json_incref(result);
    json_decref(answer);
    return status;
}

// A source that always has the next answer almost ready ends too.
static assay_status time_left(uint32_t *timeout_ms, const assay_comet *comet, assay_error *err) {
    uint64_t now = assay_clock_ns();
    if (comet->light_until == 0) return ASSAY_OK;
    if (now >= comet->light_until)
        return ASSAY_FAIL(err, TIMEOUT, "%.200s took longer than %u s for all that was asked",
                          comet->url, comet->light_ms / 1000);
    uint64_t left_ms = (comet->light_until - now) / 1000000;
    if (left_ms < *timeout_ms) *timeout_ms = (uint32_t)left_ms;
    return ASSAY_OK;
}

static assay_status fetch(assay_fetched *out, const assay_comet *comet, const char *url,
                          const assay_bytes *body, const assay_fetch_limits *within,
                          assay_error *err) {
    assay_fetch_limits limits = *within;
    limits.stop = comet->stop;
    ASSAY_TRY(time_left(&limits.timeout_ms, comet, err));
    return assay_fetch(out, url, body, &limits, err);
}

static assay_status get_within(json_t **out, const assay_comet *comet, const char *path,
                               const assay_fetch_limits *within, assay_error *err) {
    char url[PATH_SIZE];
    assay_fetched fetched;
    *out = NULL;
    snprintf(url, sizeof url, "%s%s", comet->url, path);
    ASSAY_TRY(fetch(&fetched, comet, url, NULL, within, err));
    assay_status status = answer_read(out, fetched.body, fetched.body_size, within, err);
    free(fetched.body);
    return status;
}

assay_status assay_comet_get(json_t **out, const assay_comet *comet, const char *path,
                             assay_error *err) {
    return get_within(out, comet, path, &block_results, err);
}

assay_status assay_comet_peers(uint32_t *out, const assay_comet *comet, assay_error *err) {
    json_t *result;
    uint64_t count;
    ASSAY_TRY(get_within(&result, comet, "/net_info", &glance, err));
    assay_status status = assay_json_u64(&count, result, "n_peers", 0, UINT32_MAX, err);
    json_decref(result);
    if (status == ASSAY_OK) *out = (uint32_t)count;
    return status;
}

// --- transactions ---

assay_status assay_comet_submit_read(const void *data, size_t size, assay_error *err) {
    json_t *result;
    assay_error why = {0};
    uint64_t code;
    assay_status status = answer_read(&result, data, size, &few, &why);
    // It waits, or is in a block, already.
    if (status == ASSAY_NETWORK && strstr(why.text, "already exists in cache")) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = assay_json_u64(&code, result, "code", 0, UINT32_MAX, err);
    if (status == ASSAY_OK && code == ASSAY_ABCI_NOT_NOW)
        status = ASSAY_FAIL(err, BUSY, "CometBFT: %.200s", text_or(result, "log", "not now"));
    else if (status == ASSAY_OK && code != 0)
        status = assay_fail(err, ASSAY_REJECTED, (uint32_t)code, "%.*s", ASSAY_ERROR_TEXT_MAX - 1,
                            text_or(result, "log", "refused"));
    json_decref(result);
    return status;
}

static assay_status submit(void *self, const void *tx, size_t size, assay_error *err) {
    static const char head[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_sync\",\"params\":{\"tx\":\"";
    static const char tail[] = "\"}}";
    const assay_comet *comet = self;
    assay_fetched fetched;
    size_t length = sizeof head - 1 + ASSAY_BASE64_SIZE(size);
    char *body = malloc(length + sizeof tail);
    if (!body) return ASSAY_FAIL(err, MEMORY, "no memory for a request of %zu bytes", length);
    memcpy(body, head, sizeof head - 1);
    assay_base64_encode(body + sizeof head - 1, tx, size);
    memcpy(body + length, tail, sizeof tail);
    const assay_bytes bytes = {(const uint8_t *)body, length + sizeof tail - 1};
    assay_status status = fetch(&fetched, comet, comet->url, &bytes, &few, err);
    free(body);
    ASSAY_TRY(status);
    status = assay_comet_submit_read(fetched.body, fetched.body_size, err);
    free(fetched.body);
    return status;
}

// The answer to /tx: a committed transaction's fate.
static assay_status fate_read(assay_tx_fate *out, const json_t *result, assay_error *err) {
    uint64_t index;
    const json_t *execution;
    *out = (assay_tx_fate){.state = ASSAY_TX_COMMITTED};
    ASSAY_TRY(assay_json_u64(&out->height, result, "height", 1, INT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&index, result, "index", 0, UINT32_MAX, err));
    ASSAY_TRY(assay_json_object(&execution, result, "tx_result", err));
    out->index = (uint32_t)index;
    snprintf(out->text, sizeof out->text, "%s", text_or(execution, "log", ""));
    return assay_comet_result_read(&out->result, execution, err);
}

static assay_status find(void *self, const assay_hash *id, assay_tx_fate *out, assay_error *err) {
    char path[2 * ASSAY_HASH_SIZE + 32] = "/tx?hash=";
    json_t *result;
    assay_error why = {0};
    assay_hex_encode_0x(path + strlen(path), id->bytes, ASSAY_HASH_SIZE);
    assay_status status = get_within(&result, self, path, &few, &why);
    // As unknown as before; without an index, whatever became of it.
    if (status == ASSAY_NOT_FOUND && !strstr(why.text, NO_INDEX)) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = fate_read(out, result, err);
    json_decref(result);
    return status;
}

// --- blocks ---

static assay_status height_get(json_t **out, const assay_comet *comet, const char *path,
                               uint64_t height, const assay_fetch_limits *within,
                               assay_error *err) {
    char text[64];
    snprintf(text, sizeof text, "%s?height=%llu", path, (ull)height);
    return get_within(out, comet, text, within, err);
}

static assay_status block_get(const assay_comet *comet, uint64_t height, assay_block *out,
                              assay_arena *arena, assay_error *err) {
    json_t *found, *results;
    ASSAY_TRY(height_get(&found, comet, "/block", height, &whole_block, err));
    assay_status status =
        height_get(&results, comet, "/block_results", height, &block_results, err);
    if (status == ASSAY_OK)
        status = assay_comet_block_read(out, found, results, height, arena, err);
    json_decref(found);
    json_decref(results);
    return status;
}

static assay_status block(void *self, uint64_t height, assay_block *out, assay_arena *arena,
                          uint8_t **data, assay_error *err) {
    assay_error why = {0};
    *data = NULL; // all of it is in the arena
    if (height == 0 || height > INT64_MAX)
        return ASSAY_FAIL(err, NOT_FOUND, "no block of height %llu", (ull)height);
    assay_status status = block_get(self, height, out, arena, &why);
    // Whoever asked is not to blame for an answer that is none.
    if (status == ASSAY_OK || status == ASSAY_NOT_FOUND || status == ASSAY_TIMEOUT ||
        status == ASSAY_STOPPED)
        return status == ASSAY_OK ? status : assay_error_pass(err, &why);
    return ASSAY_FAIL(err, NETWORK, "block %llu from CometBFT: %s", (ull)height, why.text);
}

assay_status assay_comet_block_get(assay_block *out, const assay_misbehavior **misbehaviors,
                                   uint32_t *misbehavior_count, const assay_comet *comet,
                                   uint64_t height, assay_arena *arena, assay_error *err) {
    json_t *found;
    ASSAY_TRY(height_get(&found, comet, "/block", height, &whole_block, err));
    assay_status status = assay_comet_block_read(out, found, NULL, height, arena, err);
    if (status == ASSAY_OK) status = assay_comet_rest_check(out, found, arena, err);
    if (status == ASSAY_OK)
        status = assay_comet_misbehaviors_read(misbehaviors, misbehavior_count, found, arena, err);
    json_decref(found);
    return status;
}

// --- light blocks ---

static assay_status validators_get(json_t **out, const assay_comet *comet, uint64_t height,
                                   assay_error *err) {
    uint64_t total = 1;
    *out = json_array();
    for (uint32_t page = 1; json_array_size(*out) < total; page++) {
        char path[128];
        json_t *result;
        snprintf(path, sizeof path, "/validators?height=%llu&per_page=%d&page=%u", (ull)height,
                 PAGE_SIZE, page);
        ASSAY_TRY(get_within(&result, comet, path, &page_of_set, err));
        json_t *list = json_object_get(result, "validators");
        size_t count = json_array_size(list);
        assay_status status =
            assay_json_u64(&total, result, "total", 1, ASSAY_LIGHT_VALIDATORS_MAX, err);
        bool short_page = count < PAGE_SIZE && json_array_size(*out) + count < total;
        if (status == ASSAY_OK && (short_page || count > PAGE_SIZE))
            status = ASSAY_FAIL(err, FORMAT, "page %u of the validators has %zu of %llu", page,
                                count, (ull)total);
        if (status == ASSAY_OK && json_array_extend(*out, list) != 0)
            status = ASSAY_FAIL(err, MEMORY, "no memory for %zu validators", count);
        json_decref(result);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

// Header, commit and the whole validator set of a height, 0: the last one. Each validator keeps its
// proposer_priority, which CometBFT's light client compares between nodes. E-46
static assay_status light_block(void *self, uint64_t height, json_t **out, assay_error *err) {
    const assay_comet *comet = self;
    char path[64] = "/commit";
    json_t *result, *validators = NULL;
    const json_t *header;
    uint64_t found;
    *out = NULL;
    if (height) snprintf(path, sizeof path, "/commit?height=%llu", (ull)height);
    ASSAY_TRY(get_within(&result, comet, path, &commit, err));
    json_t *signed_header = json_object_get(result, "signed_header");
    assay_status status = assay_json_object(&header, signed_header, "header", err);
    if (status == ASSAY_OK) status = assay_json_u64(&found, header, "height", 1, INT64_MAX, err);
    if (status == ASSAY_OK) status = validators_get(&validators, comet, found, err);
    if (status == ASSAY_OK) {
        *out = json_pack("{s:O,s:O}", "signed_header", signed_header, "validators", validators);
        if (!*out) status = ASSAY_FAIL(err, MEMORY, "no memory for a header");
    }
    json_decref(validators);
    json_decref(result);
    return status;
}

// Whether an arena that nothing else is in has room for it.
static bool fits_alone(const json_t *document, size_t capacity) {
    assay_light_block block;
    assay_arena alone;
    assay_arena_init(&alone, capacity);
    assay_status status = assay_light_document_read(&block, document, &alone, NULL);
    assay_arena_close(&alone);
    return status != ASSAY_CAPACITY;
}

// CAPACITY says that the client's own room is used up, which ends it: what asks too much of any
// room is an answer that is none.
static assay_status light_fetch(void *self, uint64_t height, assay_light_block *out,
                                assay_arena *arena, assay_error *err) {
    json_t *document;
    assay_error why = {0};
    assay_comet *comet = self;
    if (comet->light_ms && !comet->light_until)
        comet->light_until = assay_clock_ns() + comet->light_ms * UINT64_C(1000000);
    assay_status status = light_block(self, height, &document, &why);
    if (status != ASSAY_OK)
        return assay_fail(err, status == ASSAY_CAPACITY ? ASSAY_FORMAT : status, 0, "%s", why.text);
    assay_light_document_strip(document);
    status = assay_light_document_read(out, document, arena, &why);
    bool too_much = status == ASSAY_CAPACITY && !fits_alone(document, arena->capacity);
    json_decref(document);
    if (status == ASSAY_OK) return ASSAY_OK;
    return assay_fail(err, too_much ? ASSAY_FORMAT : status, 0, "%.80s: %s", comet->url, why.text);
}

assay_light_source assay_comet_light_source(const assay_comet *comet) {
    return (assay_light_source){(void *)comet, comet->url, light_fetch};
}

assay_abci_peer assay_comet_peer(const assay_comet *comet) {
    return (assay_abci_peer){(void *)comet, submit, find, block, light_block};
}
