// SPDX-License-Identifier: Apache-2.0
// Requests and receipts from strangers: whatever decodes encodes to the same bytes, and its JSON
// reads as the same; whatever does not gets a number.
#include "ledger/tx/tx_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A request is read as the beginning of a receipt whose rest is zeros.
static void request_try(const uint8_t *data, size_t size) {
    assay_receipt receipt;
    assay_request request, back;
    uint8_t whole[ASSAY_RECEIPT_SIZE_MIN] = {0}, out[ASSAY_REQUEST_SIZE];
    if (size != ASSAY_REQUEST_SIZE) return;
    memcpy(whole, data, size);
    ASSAY_ASSERT(assay_receipt_decode(&receipt, whole, sizeof whole, NULL) == ASSAY_OK);
    request = receipt.request;
    assay_request_encode(&request, out);
    ASSAY_ASSERT(memcmp(out, data, size) == 0);
    assay_request_check(&request, 4096, NULL);
    assay_request_fee_check(&request, request.seed, request.max_fee, NULL);
    json_t *json = assay_request_to_json(&request);
    ASSAY_ASSERT(json && assay_request_from_json(&back, json, NULL) == ASSAY_OK);
    assay_request_encode(&back, out);
    ASSAY_ASSERT(memcmp(out, data, size) == 0);
    json_decref(json);
}

static void receipt_try(const uint8_t *data, size_t size) {
    assay_receipt receipt, back;
    assay_error err = {0};
    uint8_t out[ASSAY_RECEIPT_SIZE_MAX];
    if (assay_receipt_decode(&receipt, data, size, &err) != ASSAY_OK) {
        ASSAY_ASSERT(err.status == ASSAY_REJECTED && err.reject >= 100);
        return;
    }
    ASSAY_ASSERT(assay_receipt_encode(&receipt, out) == size && memcmp(out, data, size) == 0);
    json_t *json = assay_receipt_to_json(&receipt);
    ASSAY_ASSERT(json && assay_receipt_from_json(&back, json, NULL) == ASSAY_OK);
    ASSAY_ASSERT(assay_receipt_encode(&back, out) == size && memcmp(out, data, size) == 0);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    request_try(data, size);
    receipt_try(data, size);
    return 0;
}
