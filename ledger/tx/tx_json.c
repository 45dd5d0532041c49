// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/tx_json.h"

#include "base/json.h"
#include "ledger/tx/field.h"
#include "ledger/tx/field_json.h"

enum { KIND_NAME_MAX = 32 };

static bool set(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static json_t *finished(json_t *object, bool ok) {
    if (ok) return object;
    json_decref(object);
    return NULL;
}

static assay_status signature_read(assay_signature *out, const json_t *object, assay_error *err) {
    if (!json_object_get(object, "signature")) return ASSAY_OK;
    return assay_json_hex(out->bytes, ASSAY_SIGNATURE_SIZE, object, "signature", err);
}

assay_status assay_tx_from_json(assay_tx *out, assay_hash *genesis, const json_t *object,
                                assay_arena *arena, assay_error *err) {
    static const char *const envelope[] = {"kind",  "chain_id",  "signer",  "principal",
                                           "nonce", "signature", "genesis", NULL};
    const char *name;
    *out = (assay_tx){0};
    if (!json_is_object(object)) return ASSAY_FAIL(err, FORMAT, "a transaction is not an object");
    ASSAY_TRY(assay_json_text(&name, object, "kind", KIND_NAME_MAX, err));
    uint32_t kind = assay_tx_kind_find(name);
    if (!kind) return ASSAY_FAIL(err, UNKNOWN, "kind \"%s\" is none", name);
    out->kind = (assay_tx_kind)kind;
    out->lane = assay_tx_lane(out->kind);
    const assay_schema *schema = assay_tx_schema(out->kind);
    ASSAY_TRY(assay_schema_json_names(schema, envelope, object, name, err));
    ASSAY_TRY(assay_json_u64(&out->chain_id, object, "chain_id", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_address(&out->signer, object, "signer", err));
    out->principal = out->signer;
    if (json_object_get(object, "principal"))
        ASSAY_TRY(assay_json_address(&out->principal, object, "principal", err));
    ASSAY_TRY(assay_json_u64(&out->nonce, object, "nonce", 0, UINT64_MAX, err));
    ASSAY_TRY(signature_read(&out->signature, object, err));
    if (genesis) *genesis = (assay_hash){{0}};
    if (json_object_get(object, "genesis")) {
        assay_hash unused;
        ASSAY_TRY(assay_json_hash(genesis ? genesis : &unused, object, "genesis", err));
    }
    ASSAY_TRY(assay_schema_json_read(schema, &out->body, object, arena, err));
    return assay_tx_check(out, err);
}

json_t *assay_tx_to_json(const assay_tx *tx) {
    json_t *object = json_object();
    bool ok =
        object && set(object, "kind", json_string(assay_tx_kind_name(tx->kind))) &&
        set(object, "chain_id", assay_json_from_u64(tx->chain_id)) &&
        set(object, "signer", assay_json_from_address(&tx->signer)) &&
        set(object, "principal", assay_json_from_address(&tx->principal)) &&
        set(object, "nonce", assay_json_from_u64(tx->nonce)) &&
        assay_schema_json_add(object, assay_tx_schema(tx->kind), &tx->body, ASSAY_JSON_PLAIN) &&
        set(object, "signature", assay_json_from_hex(tx->signature.bytes, ASSAY_SIGNATURE_SIZE));
    return finished(object, ok);
}

assay_status assay_request_from_json(assay_request *out, const json_t *object, assay_error *err) {
    static const char *const more[] = {"signature", NULL};
    *out = (assay_request){0};
    ASSAY_TRY(assay_schema_json_names(&assay_request_schema, more, object, "request", err));
    ASSAY_TRY(assay_schema_json_read(&assay_request_schema, out, object, NULL, err));
    return signature_read(&out->signature, object, err);
}

json_t *assay_request_to_json(const assay_request *request) {
    json_t *object = json_object();
    bool ok = object &&
              assay_schema_json_add(object, &assay_request_schema, request, ASSAY_JSON_PLAIN) &&
              set(object, "signature",
                  assay_json_from_hex(request->signature.bytes, ASSAY_SIGNATURE_SIZE));
    return finished(object, ok);
}

static assay_status attribution_read(assay_receipt *out, const json_t *object, assay_error *err) {
    static const char *const names[] = {"dataset", "ppm", NULL};
    const json_t *rows;
    ASSAY_TRY(assay_json_array(&rows, object, "attribution", ASSAY_ATTRIBUTION_MAX, err));
    out->attribution_count = (uint8_t)json_array_size(rows);
    for (size_t i = 0; i < out->attribution_count; i++) {
        const json_t *row = json_array_get(rows, i);
        uint64_t ppm;
        ASSAY_TRY(assay_json_names(row, names, "attribution row", err));
        ASSAY_TRY(assay_json_hash(&out->attribution[i].dataset, row, "dataset", err));
        ASSAY_TRY(assay_json_u64(&ppm, row, "ppm", 0, UINT32_MAX, err));
        out->attribution[i].ppm = (uint32_t)ppm;
    }
    return ASSAY_OK;
}

assay_status assay_receipt_from_json(assay_receipt *out, const json_t *object, assay_error *err) {
    static const char *const names[] = {"request", "output_digest", "output_count", "stop",
                                        "trace",   "attribution",   "fee",          NULL};
    const json_t *request;
    uint64_t output_count, stop;
    *out = (assay_receipt){0};
    ASSAY_TRY(assay_json_names(object, names, "receipt", err));
    ASSAY_TRY(assay_json_object(&request, object, "request", err));
    ASSAY_TRY(assay_request_from_json(&out->request, request, err));
    ASSAY_TRY(assay_json_hash(&out->output_digest, object, "output_digest", err));
    ASSAY_TRY(assay_json_u64(&output_count, object, "output_count", 0, UINT32_MAX, err));
    ASSAY_TRY(assay_json_u64(&stop, object, "stop", 0, ASSAY_RECEIPT_STOP_FAULT, err));
    ASSAY_TRY(assay_json_hash(&out->trace, object, "trace", err));
    ASSAY_TRY(attribution_read(out, object, err));
    ASSAY_TRY(assay_json_u64(&out->fee, object, "fee", 0, UINT64_MAX, err));
    out->output_count = (uint32_t)output_count;
    out->stop = (uint8_t)stop;
    return assay_receipt_check(out, err);
}

json_t *assay_receipt_to_json(const assay_receipt *receipt) {
    json_t *rows = json_array();
    json_t *object = json_object();
    bool ok = rows && object;
    for (uint32_t i = 0; ok && i < receipt->attribution_count; i++) {
        json_t *row = json_object();
        ok = row && set(row, "dataset", assay_json_from_hash(&receipt->attribution[i].dataset)) &&
             set(row, "ppm", assay_json_from_u64(receipt->attribution[i].ppm));
        if (json_array_append_new(rows, row) != 0) ok = false;
    }
    ok = ok && set(object, "request", assay_request_to_json(&receipt->request)) &&
         set(object, "output_digest", assay_json_from_hash(&receipt->output_digest)) &&
         set(object, "output_count", assay_json_from_u64(receipt->output_count)) &&
         set(object, "stop", assay_json_from_u64(receipt->stop)) &&
         set(object, "trace", assay_json_from_hash(&receipt->trace)) &&
         set(object, "attribution", json_incref(rows)) &&
         set(object, "fee", assay_json_from_u64(receipt->fee));
    json_decref(rows);
    return finished(object, ok);
}
