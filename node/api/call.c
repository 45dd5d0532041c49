// SPDX-License-Identifier: Apache-2.0
#include "node/api/call.h"

#include "base/hex.h"
#include "base/json.h"
#include "ledger/tx/tx_json.h"
#include "node/options.h"

assay_status assay_api_call_read(assay_api_call *call, const assay_http_request *request,
                                 assay_error *err) {
    static const char root[] = "/v1/";
    const size_t root_size = sizeof root - 1;
    call->request = request;
    call->count = 0;
    if (strncmp(request->path, root, root_size) != 0)
        return ASSAY_FAIL(err, NOT_FOUND, "no path \"%.60s\", see docs/api.md", request->path);
    size_t size = strlen(request->path + root_size);
    if (size == 0 || size >= sizeof call->text)
        return ASSAY_FAIL(err, NOT_FOUND, "path of %zu bytes after /v1/, limits 1 to %d", size,
                          ASSAY_API_PATH_MAX - 1);
    memcpy(call->text, request->path + root_size, size + 1);
    for (char *at = call->text; at;) {
        if (call->count == ASSAY_API_SEGMENTS_MAX)
            return ASSAY_FAIL(err, NOT_FOUND, "path has more than %d parts",
                              ASSAY_API_SEGMENTS_MAX);
        call->segments[call->count++] = at;
        at = strchr(at, '/');
        if (at) *at++ = 0;
    }
    return ASSAY_OK;
}

bool assay_api_is(const assay_api_call *call, const char *word, uint32_t count) {
    return call->count == count && strcmp(call->segments[0], word) == 0;
}

assay_status assay_api_number(uint64_t *out, const assay_api_call *call, uint32_t index,
                              uint64_t max, assay_error *err) {
    return assay_number_parse(out, call->segments[index], "number in the path", 0, max, err);
}

// what: "account in the path", "?after". Says it where the hexadecimal alone would puzzle.
static assay_status hex_read(uint8_t *out, size_t size, const char *text, const char *what,
                             const char *name, assay_error *err) {
    assay_error inner = {0};
    if (assay_hex_decode(out, size, text, &inner) == ASSAY_OK) return ASSAY_OK;
    return assay_fail(err, inner.status, 0, "%s%.20s: %s", what, name, inner.text);
}

assay_status assay_api_hash(assay_hash *out, const assay_api_call *call, uint32_t index,
                            assay_error *err) {
    return hex_read(out->bytes, ASSAY_HASH_SIZE, call->segments[index], "hash in the path", "",
                    err);
}

assay_status assay_api_address(assay_address *out, const assay_api_call *call, uint32_t index,
                               assay_error *err) {
    return hex_read(out->bytes, ASSAY_ADDRESS_SIZE, call->segments[index], "address in the path",
                    "", err);
}

assay_status assay_api_query_number(uint64_t *out, const assay_api_call *call, const char *name,
                                    uint64_t max, assay_error *err) {
    const char *text = assay_http_argument(call->request, name);
    *out = 0;
    return text ? assay_number_parse(out, text, name, 0, max, err) : ASSAY_OK;
}

assay_status assay_api_query_hash(assay_hash *out, const assay_api_call *call, const char *name,
                                  assay_error *err) {
    const char *text = assay_http_argument(call->request, name);
    memset(out, 0, sizeof *out);
    return text ? hex_read(out->bytes, ASSAY_HASH_SIZE, text, "?", name, err) : ASSAY_OK;
}

assay_status assay_api_query_address(assay_address *out, const assay_api_call *call,
                                     const char *name, assay_error *err) {
    const char *text = assay_http_argument(call->request, name);
    memset(out, 0, sizeof *out);
    return text ? hex_read(out->bytes, ASSAY_ADDRESS_SIZE, text, "?", name, err) : ASSAY_OK;
}

static assay_status tx_text_read(assay_bytes *out, const json_t *entry, assay_arena *arena,
                                 assay_error *err) {
    void *room;
    const char *text = json_string_value(entry);
    size_t digits = text ? strlen(assay_hex_digits(text)) : 0;
    if (digits < 2 || digits > 2 * ASSAY_TX_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "transaction of %zu hexadecimal digits, limits 2 to %d",
                          digits, 2 * ASSAY_TX_SIZE_MAX);
    ASSAY_TRY(assay_arena_get(arena, 1, digits / 2, "transaction", &room, err));
    ASSAY_TRY(assay_hex_decode(room, digits / 2, text, err));
    *out = (assay_bytes){room, digits / 2};
    return ASSAY_OK;
}

// A transaction spelt out, as wallets without the wire's encoding send it.
static assay_status tx_object_read(assay_bytes *out, const json_t *entry, assay_arena *arena,
                                   assay_error *err) {
    assay_arena scratch;
    assay_tx tx;
    void *room;
    size_t size = 0;
    assay_arena_init(&scratch, ASSAY_TX_ARENA_MAX + ASSAY_TX_SIZE_MAX);
    assay_status status = assay_tx_from_json(&tx, NULL, entry, &scratch, err);
    if (status == ASSAY_OK)
        status = assay_arena_get(&scratch, 1, ASSAY_TX_SIZE_MAX, "transaction", &room, err);
    uint8_t *bytes = room;
    if (status == ASSAY_OK) status = assay_tx_encode(&tx, bytes, ASSAY_TX_SIZE_MAX, &size, err);
    if (status == ASSAY_OK) status = assay_arena_copy(arena, bytes, size, "transaction", out, err);
    assay_arena_close(&scratch);
    return status;
}

static assay_status tx_read(assay_bytes *out, const json_t *entry, assay_arena *arena,
                            assay_error *err) {
    *out = (assay_bytes){NULL, 0};
    if (json_is_string(entry)) return tx_text_read(out, entry, arena, err);
    if (json_is_object(entry)) return tx_object_read(out, entry, arena, err);
    return ASSAY_FAIL(err, FORMAT, "a transaction is neither a text nor an object");
}

static assay_status list_read(assay_api_txs *out, const json_t *body, assay_arena *arena,
                              assay_error *err) {
    static const char *const names[] = {"tx", "txs", NULL};
    const json_t *list, *one;
    void *room;
    ASSAY_TRY(assay_json_names(body, names, "request", err));
    one = json_object_get(body, "tx");
    out->single = one != NULL;
    out->count = 1;
    if (json_object_size(body) != 1)
        return ASSAY_FAIL(err, MISSING, "a request names tx or txs, one of them");
    if (!one) {
        ASSAY_TRY(assay_json_array(&list, body, "txs", ASSAY_API_TXS_MAX, err));
        out->count = (uint32_t)json_array_size(list);
    }
    ASSAY_TRY(assay_arena_get(arena, out->count, sizeof *out->items, "transactions", &room, err));
    out->items = room;
    for (uint32_t i = 0; i < out->count; i++) {
        const json_t *entry = one ? one : json_array_get(list, i);
        struct assay_api_tx *item = &out->items[i];
        tx_read(&item->bytes, entry, arena, &item->err);
    }
    return ASSAY_OK;
}

assay_status assay_api_txs_read(assay_api_txs *out, const assay_bytes *body, assay_arena *arena,
                                assay_error *err) {
    json_t *json;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_parse_many(&json, body->data, body->size, body->size, ASSAY_API_VALUES_MAX,
                                    "request", err));
    assay_status status = list_read(out, json, arena, err);
    json_decref(json);
    return status;
}
