// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/tx.h"

#include <stdio.h>

#include "base/ed25519.h"
#include "base/sha256.h"
#include "ledger/tx/field.h"
#include "ledger/tx/reject.h"

const char *const assay_scope_names[] = {"transfer", "session", "register", "verify",
                                         "batch",    "bond",    "withdraw"};

void assay_scopes_text(char out[ASSAY_SCOPES_TEXT_MAX], uint32_t scopes) {
    size_t used = 0;
    *out = 0;
    for (uint32_t i = 0; i < ASSAY_SCOPE_COUNT; i++) {
        if (!(scopes >> i & 1)) continue;
        used += (size_t)snprintf(out + used, ASSAY_SCOPES_TEXT_MAX - used, "%s%s", used ? "," : "",
                                 assay_scope_names[i]);
        ASSAY_ASSERT(used < ASSAY_SCOPES_TEXT_MAX);
    }
}

#define U8(s, f, min, max)                                                                         \
    { #f, ASSAY_FIELD_U8, offsetof(s, f), min, max, NULL }
#define U16(s, f, min, max)                                                                        \
    { #f, ASSAY_FIELD_U16, offsetof(s, f), min, max, NULL }
#define U32(s, f, min, max)                                                                        \
    { #f, ASSAY_FIELD_U32, offsetof(s, f), min, max, NULL }
#define U64_TO(s, f, min, max)                                                                     \
    { #f, ASSAY_FIELD_U64, offsetof(s, f), min, max, NULL }
#define U64(s, f, min) U64_TO(s, f, min, UINT64_MAX)
#define U128(s, f)                                                                                 \
    { #f, ASSAY_FIELD_U128, offsetof(s, f), 0, 0, NULL }
#define HASH(s, f)                                                                                 \
    { #f, ASSAY_FIELD_HASH, offsetof(s, f), 0, 0, NULL }
#define ADDRESS(s, f)                                                                              \
    { #f, ASSAY_FIELD_ADDRESS, offsetof(s, f), 0, 0, NULL }
#define TEXT(s, f, min, max)                                                                       \
    { #f, ASSAY_FIELD_TEXT, offsetof(s, f), min, max, NULL }
#define BLOB(s, f, min, max)                                                                       \
    { #f, ASSAY_FIELD_BLOB, offsetof(s, f), min, max, NULL }
#define LIST(s, f, min, max, rows)                                                                 \
    { #f, ASSAY_FIELD_LIST, offsetof(s, f), min, max, &rows }
#define ROWS(name, fields, type, wire, key)                                                        \
    { name, fields, ASSAY_COUNT(fields), sizeof(type), wire, key }

// Rows. The key stands first in the struct, so that it compares as on the wire.
static const assay_field hash_fields[] = {{"hash", ASSAY_FIELD_HASH, 0, 0, 0, NULL}};
static const assay_schema hash_rows = ROWS(NULL, hash_fields, assay_hash, 32, 32);

static const assay_field source_fields[] = {
    HASH(assay_source_row, dataset),
    U32(assay_source_row, weight_ppm, 1, ASSAY_SHARE_SUM),
};
static const assay_schema source_rows =
    ROWS("SourceRow", source_fields, assay_source_row, 32 + 4, 32);

static const assay_field session_fields[] = {
    HASH(assay_session_row, session),
    U64(assay_session_row, first_sequence, 1),
    U32(assay_session_row, count, 1, ASSAY_BATCH_RECEIPTS_MAX),
    U64(assay_session_row, fee_sum, 1),
};
static const assay_schema session_rows =
    ROWS("SessionRow", session_fields, assay_session_row, 32 + 8 + 4 + 8, 32);

static const assay_field model_fields[] = {
    HASH(assay_model_row, model),
    HASH(assay_model_row, adapter),
    U64(assay_model_row, fee_sum, 1),
};
static const assay_schema model_rows = ROWS("ModelRow", model_fields, assay_model_row, 64 + 8, 64);
_Static_assert(offsetof(assay_model_row, adapter) == 32, "the key is one run of bytes");

static const assay_field dataset_fields[] = {
    HASH(assay_dataset_row, dataset),
    U128(assay_dataset_row, weight),
};
static const assay_schema dataset_rows =
    ROWS("DatasetRow", dataset_fields, assay_dataset_row, 32 + 16, 32);

const assay_schema *const assay_row_schemas[] = {&dataset_rows, &model_rows, &session_rows,
                                                 &source_rows, NULL};

// Bodies (P-8).
static const assay_field transfer[] = {
    ADDRESS(assay_tx_transfer, to),
    U64(assay_tx_transfer, amount, 1),
};
static const assay_field bond[] = {
    U8(assay_tx_bond, role, ASSAY_ROLE_PROVIDER, ASSAY_ROLE_CONSENSUS),
    U64(assay_tx_bond, amount, 1),
};
static const assay_field authorize_agent[] = {
    ADDRESS(assay_tx_authorize_agent, agent),
    U32(assay_tx_authorize_agent, scopes, 1, ASSAY_SCOPE_ALL),
    U64(assay_tx_authorize_agent, expiry, 1),
    U64(assay_tx_authorize_agent, limit, 0),
};
static const assay_field revoke_agent[] = {ADDRESS(assay_tx_revoke_agent, agent)};
static const assay_field commit_dataset[] = {HASH(assay_tx_commit_dataset, commitment)};
static const assay_field register_dataset[] = {
    HASH(assay_tx_register_dataset, root),
    HASH(assay_tx_register_dataset, salt),
    U64(assay_tx_register_dataset, chunk_count, 1),
    U64(assay_tx_register_dataset, byte_count, 1),
    TEXT(assay_tx_register_dataset, license, 1, ASSAY_LICENSE_SIZE_MAX),
    TEXT(assay_tx_register_dataset, name, 1, ASSAY_NAME_SIZE_MAX),
    TEXT(assay_tx_register_dataset, uri, 0, ASSAY_URI_SIZE_MAX),
    HASH(assay_tx_register_dataset, fingerprint_root),
};
static const assay_field retire_dataset[] = {HASH(assay_tx_retire_dataset, dataset)};
static const assay_field register_model[] = {
    HASH(assay_tx_register_model, root),
    U64_TO(assay_tx_register_model, byte_count, 1, ASSAY_FILE_BYTES_MAX),
    U32(assay_tx_register_model, royalty_ppm, 0, ASSAY_SHARE_SUM),
    TEXT(assay_tx_register_model, name, 1, ASSAY_NAME_SIZE_MAX),
    TEXT(assay_tx_register_model, uri, 0, ASSAY_URI_SIZE_MAX),
};
static const assay_field register_adapter[] = {
    HASH(assay_tx_register_adapter, base),
    HASH(assay_tx_register_adapter, root),
    U64_TO(assay_tx_register_adapter, byte_count, 1, ASSAY_FILE_BYTES_MAX),
    U32(assay_tx_register_adapter, royalty_ppm, 0, ASSAY_SHARE_SUM),
    TEXT(assay_tx_register_adapter, name, 1, ASSAY_NAME_SIZE_MAX),
    TEXT(assay_tx_register_adapter, uri, 0, ASSAY_URI_SIZE_MAX),
    LIST(assay_tx_register_adapter, sources, 0, ASSAY_SOURCES_MAX, source_rows),
};
static const assay_field declare_roots[] = {
    LIST(assay_tx_declare_roots, roots, 0, ASSAY_ROOTS_MAX, hash_rows),
};
static const assay_field register_chain[] = {
    HASH(assay_tx_register_chain, tip),
    U64(assay_tx_register_chain, length, 1),
};
static const assay_field open_session[] = {
    ADDRESS(assay_tx_open_session, provider), U64(assay_tx_open_session, deposit, 1),
    U64(assay_tx_open_session, price_in, 0),  U64(assay_tx_open_session, price_out, 0),
    U64(assay_tx_open_session, expiry, 1),
};
static const assay_field close_session[] = {HASH(assay_tx_close_session, session)};
static const assay_field submit_batch[] = {
    HASH(assay_tx_submit_batch, root),
    U32(assay_tx_submit_batch, count, 1, ASSAY_BATCH_RECEIPTS_MAX),
    U64(assay_tx_submit_batch, fee_total, 1),
    U32(assay_tx_submit_batch, receipt_bytes, 1, UINT32_MAX),
    TEXT(assay_tx_submit_batch, uri, 1, ASSAY_URI_SIZE_MAX),
    LIST(assay_tx_submit_batch, sessions, 1, ASSAY_BATCH_ROWS_MAX, session_rows),
    LIST(assay_tx_submit_batch, models, 1, ASSAY_BATCH_ROWS_MAX, model_rows),
    LIST(assay_tx_submit_batch, datasets, 0, ASSAY_BATCH_ROWS_MAX, dataset_rows),
};
static const assay_field batch_tables[] = {
    LIST(assay_batch_tables, sessions, 1, ASSAY_BATCH_ROWS_MAX, session_rows),
    LIST(assay_batch_tables, models, 1, ASSAY_BATCH_ROWS_MAX, model_rows),
    LIST(assay_batch_tables, datasets, 0, ASSAY_BATCH_ROWS_MAX, dataset_rows),
};
static const assay_field verdict_commit[] = {
    HASH(assay_tx_verdict_commit, batch),
    U32(assay_tx_verdict_commit, sample, 0, UINT32_MAX),
    U8(assay_tx_verdict_commit, round, 0, UINT8_MAX),
    HASH(assay_tx_verdict_commit, commitment),
};
static const assay_field verdict_reveal[] = {
    HASH(assay_tx_verdict_reveal, batch),
    U32(assay_tx_verdict_reveal, sample, 0, UINT32_MAX),
    U8(assay_tx_verdict_reveal, round, 0, UINT8_MAX),
    HASH(assay_tx_verdict_reveal, salt),
    U8(assay_tx_verdict_reveal, verdict, 0, ASSAY_VERDICT_DATA_MISSING),
    HASH(assay_tx_verdict_reveal, probe),
};
static const assay_field post_evidence[] = {
    HASH(assay_tx_post_evidence, batch),
    U32(assay_tx_post_evidence, sample, 0, UINT32_MAX),
    U16(assay_tx_post_evidence, part, 0, UINT16_MAX),
    U16(assay_tx_post_evidence, part_count, 1, UINT16_MAX),
    BLOB(assay_tx_post_evidence, data, 1, ASSAY_EVIDENCE_PART_MAX),
};
static const assay_field withdraw[] = {
    ADDRESS(assay_tx_withdraw, recipient),
    U64(assay_tx_withdraw, amount, 1),
};
static const assay_field beacon[] = {HASH(assay_tx_beacon, preimage)};
static const assay_field register_validator[] = {
    HASH(assay_tx_register_validator, ed25519),
    BLOB(assay_tx_register_validator, proof, ASSAY_ED25519_SIGNATURE_SIZE,
         ASSAY_ED25519_SIGNATURE_SIZE),
};
#define unbond bond

// EIP-712 types are the kinds' names in CamelCase.
static const assay_schema schemas[ASSAY_TX_KIND_COUNT + 1] = {
#define X(name, number, member, lane, scope)                                                       \
    [number] = {#member, member, ASSAY_COUNT(member), sizeof(assay_tx_##member), 0, 0},
    ASSAY_TX_KIND_LIST(X)
#undef X
};
#undef unbond

const assay_schema assay_batch_tables_schema = {
    "batch_tables", batch_tables, ASSAY_COUNT(batch_tables), sizeof(assay_batch_tables), 0, 0};

static bool kind_is_known(uint32_t kind) {
    return kind >= 1 && kind <= ASSAY_TX_KIND_COUNT;
}

const assay_schema *assay_tx_schema(assay_tx_kind kind) {
    ASSAY_ASSERT(kind_is_known(kind));
    return &schemas[kind];
}

const char *assay_tx_kind_name(uint32_t kind) {
    return kind_is_known(kind) ? schemas[kind].name : NULL;
}

uint32_t assay_tx_kind_find(const char *name) {
    for (uint32_t kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++)
        if (strcmp(schemas[kind].name, name) == 0) return kind;
    return 0;
}

uint8_t assay_tx_lane(assay_tx_kind kind) {
    static const uint8_t lanes[] = {
#define X(name, number, member, lane, scope) [number] = lane,
        ASSAY_TX_KIND_LIST(X)
#undef X
    };
    ASSAY_ASSERT(kind_is_known(kind));
    return lanes[kind];
}

uint32_t assay_tx_scope(assay_tx_kind kind) {
    static const uint32_t scopes[] = {
#define X(name, number, member, lane, scope) [number] = scope,
        ASSAY_TX_KIND_LIST(X)
#undef X
    };
    ASSAY_ASSERT(kind_is_known(kind));
    return scopes[kind];
}

bool assay_verdict_is_known(uint8_t verdict) {
    return verdict <= ASSAY_VERDICT_ATTRIBUTION ||
           (verdict >= ASSAY_VERDICT_UNAVAILABLE && verdict <= ASSAY_VERDICT_DATA_MISSING);
}

bool assay_verdict_has_probe(uint8_t verdict) {
    return verdict != ASSAY_VERDICT_REQUEST && verdict != ASSAY_VERDICT_UNAVAILABLE &&
           verdict != ASSAY_VERDICT_TABLE && verdict != ASSAY_VERDICT_TABLE_UNAVAILABLE;
}

void assay_verdict_commitment(assay_hash *out, const assay_address *validator,
                              const assay_hash *salt, uint8_t verdict, const assay_hash *probe) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, validator->bytes, ASSAY_ADDRESS_SIZE);
    assay_sha256_update(&sha, salt->bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, &verdict, 1);
    assay_sha256_update(&sha, probe->bytes, ASSAY_HASH_SIZE);
    assay_sha256_final(&sha, out);
}

// A beacon is put into a block by its proposer, whose consensus key signs it (P-8).
static assay_status beacon_check(const assay_tx *tx, assay_error *err) {
    if (assay_address_equal(&tx->signer, &tx->principal) &&
        tx->signature.bytes[ASSAY_ED25519_SIGNATURE_SIZE] == 0)
        return ASSAY_OK;
    return ASSAY_REJECT(err, TX_BEACON,
                        "a beacon has its signer as principal, and a signature of %d bytes and 0",
                        ASSAY_ED25519_SIGNATURE_SIZE);
}

static assay_status sources_check(const assay_source_list *sources, assay_error *err) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sources->count; i++)
        sum += sources->items[i].weight_ppm;
    if (sources->count && sum != ASSAY_SHARE_SUM)
        return ASSAY_REJECT(err, TX_SUM, "sources add up to %llu ppm, must be %d", (ull)sum,
                            ASSAY_SHARE_SUM);
    return ASSAY_OK;
}

assay_status assay_tx_check(const assay_tx *tx, assay_error *err) {
    if (!kind_is_known(tx->kind))
        return ASSAY_REJECT(err, TX_KIND, "kind %u, limits 1 to %d", (unsigned)tx->kind,
                            ASSAY_TX_KIND_COUNT);
    if (tx->lane != assay_tx_lane(tx->kind))
        return ASSAY_REJECT(err, TX_LANE, "lane %u, %s has lane %u", tx->lane,
                            schemas[tx->kind].name, assay_tx_lane(tx->kind));
    ASSAY_TRY(assay_schema_check(&schemas[tx->kind], &tx->body, err));
    switch (tx->kind) {
    case ASSAY_TX_REGISTER_ADAPTER:
        return sources_check(&tx->body.register_adapter.sources, err);
    case ASSAY_TX_VERDICT_REVEAL:
        if (!assay_verdict_is_known(tx->body.verdict_reveal.verdict))
            return ASSAY_REJECT(err, TX_RANGE, "verdict %u is none of 0 to 6 and 32 to 35",
                                tx->body.verdict_reveal.verdict);
        return ASSAY_OK;
    case ASSAY_TX_POST_EVIDENCE:
        if (tx->body.post_evidence.part >= tx->body.post_evidence.part_count)
            return ASSAY_REJECT(err, TX_RANGE, "part is %u, limits 0 to %u",
                                tx->body.post_evidence.part,
                                tx->body.post_evidence.part_count - 1u);
        return ASSAY_OK;
    case ASSAY_TX_BEACON:
        return beacon_check(tx, err);
    default:
        return ASSAY_OK;
    }
}

assay_status assay_tx_decode(assay_tx *tx, const uint8_t *data, size_t size, assay_arena *arena,
                             assay_error *err) {
    *tx = (assay_tx){0};
    if (size > ASSAY_TX_SIZE_MAX)
        return ASSAY_REJECT(err, TX_SIZE, "%zu bytes, limit %d", size, ASSAY_TX_SIZE_MAX);
    assay_cursor cursor;
    assay_cursor_init(&cursor, data, size);
    uint8_t version = assay_cursor_u8(&cursor);
    uint8_t kind = assay_cursor_u8(&cursor);
    tx->chain_id = assay_cursor_u64(&cursor);
    assay_cursor_address(&cursor, &tx->signer);
    assay_cursor_address(&cursor, &tx->principal);
    tx->lane = assay_cursor_u8(&cursor);
    tx->nonce = assay_cursor_u64(&cursor);
    if (cursor.failed)
        return ASSAY_REJECT(err, TX_TRUNCATED, "%zu bytes, the envelope alone has %d", size,
                            ASSAY_TX_HEAD_SIZE);
    if (version != ASSAY_TX_VERSION)
        return ASSAY_REJECT(err, TX_VERSION, "version %u, must be %d", version, ASSAY_TX_VERSION);
    if (!kind_is_known(kind))
        return ASSAY_REJECT(err, TX_KIND, "kind %u, limits 1 to %d", kind, ASSAY_TX_KIND_COUNT);
    tx->kind = (assay_tx_kind)kind;
    ASSAY_TRY(assay_schema_decode(&schemas[kind], &tx->body, &cursor, arena, err));
    assay_cursor_copy(&cursor, tx->signature.bytes, ASSAY_SIGNATURE_SIZE);
    if (cursor.failed) return ASSAY_REJECT(err, TX_TRUNCATED, "the bytes end inside the signature");
    if (assay_cursor_left(&cursor))
        return ASSAY_REJECT(err, TX_TRAILING, "%zu bytes after the signature, limit 0",
                            assay_cursor_left(&cursor));
    return assay_tx_check(tx, err);
}

size_t assay_tx_size(const assay_tx *tx) {
    return ASSAY_TX_HEAD_SIZE + assay_schema_wire_size(assay_tx_schema(tx->kind), &tx->body) +
           ASSAY_SIGNATURE_SIZE;
}

assay_status assay_tx_encode(const assay_tx *tx, uint8_t *out, size_t capacity, size_t *size,
                             assay_error *err) {
    ASSAY_TRY(assay_tx_check(tx, err));
    *size = assay_tx_size(tx);
    if (*size > ASSAY_TX_SIZE_MAX)
        return ASSAY_REJECT(err, TX_SIZE, "%zu bytes, limit %d", *size, ASSAY_TX_SIZE_MAX);
    if (*size > capacity)
        return ASSAY_FAIL(err, CAPACITY, "a transaction of %zu bytes, room for %zu", *size,
                          capacity);
    assay_writer writer;
    assay_writer_init(&writer, out, capacity);
    assay_writer_u8(&writer, ASSAY_TX_VERSION);
    assay_writer_u8(&writer, (uint8_t)tx->kind);
    assay_writer_u64(&writer, tx->chain_id);
    assay_writer_address(&writer, &tx->signer);
    assay_writer_address(&writer, &tx->principal);
    assay_writer_u8(&writer, tx->lane);
    assay_writer_u64(&writer, tx->nonce);
    assay_schema_encode(&schemas[tx->kind], &tx->body, &writer);
    assay_writer_copy(&writer, tx->signature.bytes, ASSAY_SIGNATURE_SIZE);
    ASSAY_ASSERT(!writer.failed && writer.size == *size);
    return ASSAY_OK;
}

void assay_tx_id(assay_hash *out, const uint8_t *data, size_t size) {
    assay_sha256_of(out, data, size);
}
