// SPDX-License-Identifier: Apache-2.0
// The JSON form from strangers, read as a transaction, a request and a receipt: what is accepted
// has a binary form, and its own JSON reads as the same.
#include "base/json.h"
#include "ledger/tx/tx_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[ASSAY_TX_SIZE_MAX], out_again[ASSAY_TX_SIZE_MAX];

static void tx_try(const json_t *json) {
    assay_arena arena;
    assay_tx tx, back;
    assay_hash genesis;
    size_t size = 0, again = 0;
    assay_arena_init(&arena, 2 * ASSAY_TX_ARENA_MAX);
    if (assay_tx_from_json(&tx, &genesis, json, &arena, NULL) == ASSAY_OK &&
        assay_tx_encode(&tx, out, sizeof out, &size, NULL) == ASSAY_OK) {
        json_t *own = assay_tx_to_json(&tx);
        ASSAY_ASSERT(own && assay_tx_from_json(&back, NULL, own, &arena, NULL) == ASSAY_OK);
        ASSAY_ASSERT(assay_tx_encode(&back, out_again, sizeof out_again, &again, NULL) == ASSAY_OK);
        ASSAY_ASSERT(size == again && memcmp(out, out_again, size) == 0);
        json_decref(own);
    }
    assay_arena_close(&arena);
}

static void request_try(const json_t *json) {
    assay_request request, back;
    if (assay_request_from_json(&request, json, NULL) != ASSAY_OK) return;
    json_t *own = assay_request_to_json(&request);
    ASSAY_ASSERT(own && assay_request_from_json(&back, own, NULL) == ASSAY_OK);
    assay_request_encode(&request, out);
    assay_request_encode(&back, out_again);
    ASSAY_ASSERT(memcmp(out, out_again, ASSAY_REQUEST_SIZE) == 0);
    json_decref(own);
}

static void receipt_try(const json_t *json) {
    assay_receipt receipt, back;
    if (assay_receipt_from_json(&receipt, json, NULL) != ASSAY_OK) return;
    json_t *own = assay_receipt_to_json(&receipt);
    ASSAY_ASSERT(own && assay_receipt_from_json(&back, own, NULL) == ASSAY_OK);
    size_t size = assay_receipt_encode(&receipt, out);
    ASSAY_ASSERT(assay_receipt_encode(&back, out_again) == size);
    ASSAY_ASSERT(memcmp(out, out_again, size) == 0);
    json_decref(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json;
    if (assay_json_parse(&json, data, size, ASSAY_TX_SIZE_MAX, "input", NULL) != ASSAY_OK) return 0;
    tx_try(json);
    request_try(json);
    receipt_try(json);
    json_decref(json);
    return 0;
}
