// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/batch_json.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "ledger/tx/field_json.h"

static assay_status u32_read(uint32_t *out, const json_t *object, const char *name,
                             assay_error *err) {
    uint64_t value;
    ASSAY_TRY(assay_json_u64(&value, object, name, 0, UINT32_MAX, err));
    *out = (uint32_t)value;
    return ASSAY_OK;
}

static assay_status state_read(assay_batch *out, const json_t *object, assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, object, "state", 16, err));
    for (int i = ASSAY_BATCH_WAITING; i <= ASSAY_BATCH_VOID; i++) {
        if (strcmp(text, assay_batch_state_names[i]) != 0) continue;
        out->state = (assay_batch_state)i;
        return ASSAY_OK;
    }
    return ASSAY_FAIL(err, FORMAT, "state \"%.16s\" is none of a batch", text);
}

static assay_status record_read(assay_batch *out, const json_t *object, assay_error *err) {
    const char *uri;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(state_read(out, object, err));
    ASSAY_TRY(assay_json_address(&out->provider, object, "provider", err));
    ASSAY_TRY(assay_json_u64(&out->height, object, "height", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_hash(&out->root, object, "root", err));
    ASSAY_TRY(u32_read(&out->count, object, "count", err));
    ASSAY_TRY(assay_json_u64(&out->fee_total, object, "fee_total", 0, UINT64_MAX, err));
    ASSAY_TRY(u32_read(&out->receipt_bytes, object, "receipt_bytes", err));
    ASSAY_TRY(assay_json_u64(&out->beacon_height, object, "beacon_height", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_hash(&out->beacon, object, "beacon", err));
    ASSAY_TRY(u32_read(&out->sample_count, object, "sample_count", err));
    ASSAY_TRY(assay_json_u64(&out->ended, object, "ended", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_text(&uri, object, "uri", ASSAY_URI_SIZE_MAX, err));
    out->uri_size = (uint16_t)strlen(uri);
    memcpy(out->uri, uri, out->uri_size);
    return ASSAY_OK;
}

assay_status assay_batch_read(assay_batch *out, assay_batch_tables *tables, const json_t *object,
                              assay_arena *arena, assay_error *err) {
    const json_t *rows;
    ASSAY_TRY(record_read(out, object, err));
    ASSAY_TRY(assay_json_object(&rows, object, "tables", err));
    return assay_schema_json_read(&assay_batch_tables_schema, tables, rows, arena, err);
}

assay_status assay_batch_fetch(assay_batch *out, assay_batch_tables *tables,
                               const assay_client *client, const assay_hash *id, assay_arena *arena,
                               assay_error *err) {
    json_t *object;
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(text, id->bytes, ASSAY_HASH_SIZE);
    // Rows and payment lines together are more than a client reads (VALUES_MAX).
    ASSAY_TRY(assay_client_get(&object, client, err, "batch/%s?rows=1", text));
    assay_status status = assay_batch_read(out, tables, object, arena, err);
    json_decref(object);
    return status;
}

assay_status assay_session_read(assay_session *out, const json_t *object, assay_error *err) {
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_address(&out->principal, object, "principal", err));
    ASSAY_TRY(assay_json_address(&out->opener, object, "opener", err));
    ASSAY_TRY(assay_json_address(&out->provider, object, "provider", err));
    ASSAY_TRY(assay_json_u64(&out->price_in, object, "price_in", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->price_out, object, "price_out", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->expiry, object, "expiry", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->end, object, "end", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->ended, object, "ended", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->last_sequence, object, "last_sequence", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->free, object, "free", 0, UINT64_MAX, err));
    return assay_json_u64(&out->reserved, object, "reserved", 0, UINT64_MAX, err);
}

assay_status assay_session_fetch(assay_session *out, const assay_client *client,
                                 const assay_hash *id, assay_error *err) {
    json_t *object;
    ASSAY_TRY(assay_client_get_id(&object, client, "session", id->bytes, ASSAY_HASH_SIZE, err));
    assay_status status = assay_session_read(out, object, err);
    json_decref(object);
    return status;
}

assay_status assay_genesis_fetch(assay_genesis *out, const assay_client *client, assay_error *err) {
    json_t *object;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_client_get(&object, client, err, "genesis"));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!text) return ASSAY_FAIL(err, MEMORY, "no memory for a genesis");
    assay_status status = assay_genesis_parse(out, text, strlen(text), err);
    free(text);
    if (status == ASSAY_OK && !assay_hash_equal(&out->hash, &client->domain.genesis)) {
        assay_genesis_close(out);
        status = ASSAY_FAIL(err, MISMATCH, "%s gives another chain's genesis", client->url);
    }
    return status;
}
