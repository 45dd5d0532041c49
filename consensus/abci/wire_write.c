// SPDX-License-Identifier: Apache-2.0
#include <pb_encode.h>
#include <stdlib.h>

#include "consensus/abci/abci.pb.h"
#include "consensus/abci/wire.h"

enum { EXCEPTION_FIELD = 1, LENGTH_MAX = 10, HEAD_MAX = 2 * LENGTH_MAX + 5, GROWTH_MIN = 4096 };

assay_status assay_abci_buffer_reserve(assay_abci_buffer *buffer, size_t more, assay_error *err) {
    if (more <= buffer->capacity - buffer->size) return ASSAY_OK;
    size_t capacity = 2 * buffer->capacity;
    if (capacity < buffer->size + more) capacity = buffer->size + more;
    if (capacity < GROWTH_MIN) capacity = GROWTH_MIN;
    uint8_t *grown = realloc(buffer->data, capacity);
    if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes of replies", capacity);
    buffer->data = grown;
    buffer->capacity = capacity;
    return ASSAY_OK;
}

void assay_abci_buffer_close(assay_abci_buffer *buffer) {
    free(buffer->data);
    *buffer = (assay_abci_buffer){NULL, 0, 0};
}

// --- callbacks: each is asked twice, for the size and for the bytes ---

static bool bytes_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const assay_bytes *bytes = *arg;
    if (bytes->size == 0) return true;
    return pb_encode_tag_for_field(stream, field) &&
           pb_encode_string(stream, bytes->data, bytes->size);
}

static pb_callback_t bytes_of(const assay_bytes *bytes) {
    return (pb_callback_t){.funcs.encode = bytes_write, .arg = (void *)bytes};
}

typedef struct {
    const void *items;
    uint32_t count;
} list;

typedef bool (*list_writer)(pb_ostream_t *, const pb_field_t *, void *const *);

static pb_callback_t entries_of(const list *entries, list_writer write) {
    return (pb_callback_t){.funcs.encode = write, .arg = (void *)entries};
}

static bool strings_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const assay_bytes *items = l->items;
    for (uint32_t i = 0; i < l->count; i++)
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_string(stream, items[i].data, items[i].size))
            return false;
    return true;
}

static bool numbers_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const uint32_t *items = l->items;
    for (uint32_t i = 0; i < l->count; i++)
        if (!pb_encode_tag_for_field(stream, field) || !pb_encode_varint(stream, items[i]))
            return false;
    return true;
}

static bool attributes_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const assay_abci_attribute *items = l->items;
    for (uint32_t i = 0; i < l->count; i++) {
        tendermint_abci_EventAttribute pb = {bytes_of(&items[i].key), bytes_of(&items[i].value),
                                             items[i].index};
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_submessage(stream, tendermint_abci_EventAttribute_fields, &pb))
            return false;
    }
    return true;
}

static bool events_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const assay_abci_event *items = l->items;
    for (uint32_t i = 0; i < l->count; i++) {
        const list attributes = {items[i].attributes, items[i].attribute_count};
        tendermint_abci_Event pb = {bytes_of(&items[i].type),
                                    entries_of(&attributes, attributes_write)};
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_submessage(stream, tendermint_abci_Event_fields, &pb))
            return false;
    }
    return true;
}

// events: the caller's, who keeps it as long as the message.
static tendermint_abci_ExecTxResult result_of(const assay_abci_result *result, list *events) {
    *events = (list){result->events, result->event_count};
    return (tendermint_abci_ExecTxResult){.code = result->code,
                                          .data = bytes_of(&result->data),
                                          .log = bytes_of(&result->log),
                                          .info = bytes_of(&result->info),
                                          .gas_wanted = result->gas_wanted,
                                          .gas_used = result->gas_used,
                                          .events = entries_of(events, events_write),
                                          .codespace = bytes_of(&result->codespace)};
}

static bool results_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const assay_abci_result *items = l->items;
    for (uint32_t i = 0; i < l->count; i++) {
        list events;
        tendermint_abci_ExecTxResult pb = result_of(&items[i], &events);
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_submessage(stream, tendermint_abci_ExecTxResult_fields, &pb))
            return false;
    }
    return true;
}

static bool updates_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const assay_abci_validator_update *items = l->items;
    for (uint32_t i = 0; i < l->count; i++) {
        tendermint_abci_ValidatorUpdate pb = tendermint_abci_ValidatorUpdate_init_zero;
        bool ed25519 = items[i].key_type == ASSAY_ABCI_ED25519;
        pb.has_pub_key = true;
        *(ed25519 ? &pb.pub_key.ed25519 : &pb.pub_key.secp256k1) = bytes_of(&items[i].key);
        pb.power = items[i].power;
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_submessage(stream, tendermint_abci_ValidatorUpdate_fields, &pb))
            return false;
    }
    return true;
}

static bool snapshots_write(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const list *l = *arg;
    const assay_abci_snapshot *items = l->items;
    for (uint32_t i = 0; i < l->count; i++) {
        tendermint_abci_Snapshot pb = {items[i].height, items[i].format, items[i].chunks,
                                       bytes_of(&items[i].hash), bytes_of(&items[i].metadata)};
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_submessage(stream, tendermint_abci_Snapshot_fields, &pb))
            return false;
    }
    return true;
}

// --- replies ---

// Appends {length {field {message}}}.
static assay_status response_write(assay_abci_buffer *buffer, uint32_t field,
                                   const pb_msgdesc_t *type, const void *message,
                                   assay_error *err) {
    size_t size;
    uint8_t head[HEAD_MAX];
    if (!pb_get_encoded_size(&size, type, message))
        return ASSAY_FAIL(err, FORMAT, "a reply of field %u cannot be written", field);
    pb_ostream_t inner = pb_ostream_from_buffer(head, sizeof head);
    bool done = pb_encode_tag(&inner, PB_WT_STRING, field) && pb_encode_varint(&inner, size);
    size_t inner_size = inner.bytes_written;
    ASSAY_TRY(assay_abci_buffer_reserve(buffer, HEAD_MAX + size, err));
    pb_ostream_t out =
        pb_ostream_from_buffer(buffer->data + buffer->size, buffer->capacity - buffer->size);
    done = done && pb_encode_varint(&out, inner_size + size) && pb_write(&out, head, inner_size) &&
           pb_encode(&out, type, message);
    ASSAY_ASSERT(done);
    buffer->size += out.bytes_written;
    return ASSAY_OK;
}

assay_status assay_abci_exception_write(assay_abci_buffer *buffer, const char *text,
                                        assay_error *err) {
    const assay_bytes bytes = {(const uint8_t *)text, strlen(text)};
    const tendermint_abci_ResponseText pb = {bytes_of(&bytes)};
    return response_write(buffer, EXCEPTION_FIELD, tendermint_abci_ResponseText_fields, &pb, err);
}

static assay_status info_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                               assay_error *err) {
    const tendermint_abci_ResponseInfo pb = {
        bytes_of(&reply->info.data), bytes_of(&reply->info.version), reply->info.app_version,
        reply->info.height, bytes_of(&reply->info.app_hash)};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseInfo_fields, &pb, err);
}

static assay_status init_chain_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                     assay_error *err) {
    const list validators = {reply->init_chain.validators, reply->init_chain.validator_count};
    const tendermint_abci_ResponseInitChain pb = {entries_of(&validators, updates_write),
                                                  bytes_of(&reply->init_chain.app_hash)};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseInitChain_fields, &pb,
                          err);
}

static assay_status query_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                assay_error *err) {
    const assay_abci_result *result = &reply->query.result;
    const tendermint_abci_ResponseQuery pb = {.code = result->code,
                                              .log = bytes_of(&result->log),
                                              .info = bytes_of(&result->info),
                                              .index = reply->query.index,
                                              .key = bytes_of(&reply->query.key),
                                              .value = bytes_of(&reply->query.value),
                                              .height = reply->query.height,
                                              .codespace = bytes_of(&result->codespace)};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseQuery_fields, &pb, err);
}

static assay_status check_tx_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                   assay_error *err) {
    list events;
    const tendermint_abci_ExecTxResult pb = result_of(&reply->check_tx, &events);
    return response_write(buffer, reply->kind + 1, tendermint_abci_ExecTxResult_fields, &pb, err);
}

static assay_status number_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                 uint32_t value, assay_error *err) {
    const tendermint_abci_ResponseNumber pb = {value};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseNumber_fields, &pb, err);
}

static assay_status value_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                const assay_bytes *value, assay_error *err) {
    const tendermint_abci_ResponseBytes pb = {bytes_of(value)};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseBytes_fields, &pb, err);
}

static assay_status lists_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                assay_error *err) {
    if (reply->kind == ASSAY_ABCI_LIST_SNAPSHOTS) {
        const list snapshots = {reply->list_snapshots.snapshots, reply->list_snapshots.count};
        const tendermint_abci_ResponseListSnapshots pb = {entries_of(&snapshots, snapshots_write)};
        return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseListSnapshots_fields,
                              &pb, err);
    }
    const list txs = {reply->txs.txs, reply->txs.count};
    const tendermint_abci_ResponseTxs pb = {entries_of(&txs, strings_write)};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseTxs_fields, &pb, err);
}

static assay_status apply_chunk_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                      assay_error *err) {
    const list refetch = {reply->apply_chunk.refetch, reply->apply_chunk.refetch_count};
    const list senders = {reply->apply_chunk.reject_senders, reply->apply_chunk.reject_count};
    const tendermint_abci_ResponseApplySnapshotChunk pb = {reply->apply_chunk.result,
                                                           entries_of(&refetch, numbers_write),
                                                           entries_of(&senders, strings_write)};
    return response_write(buffer, reply->kind + 1,
                          tendermint_abci_ResponseApplySnapshotChunk_fields, &pb, err);
}

static assay_status finalize_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                   assay_error *err) {
    const list events = {reply->finalize.events, reply->finalize.event_count};
    const list results = {reply->finalize.results, reply->finalize.result_count};
    const list updates = {reply->finalize.updates, reply->finalize.update_count};
    const tendermint_abci_ResponseFinalizeBlock pb = {
        entries_of(&events, events_write), entries_of(&results, results_write),
        entries_of(&updates, updates_write), bytes_of(&reply->finalize.app_hash)};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseFinalizeBlock_fields,
                          &pb, err);
}

static assay_status commit_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                 assay_error *err) {
    const tendermint_abci_ResponseCommit pb = {reply->commit.retain_height};
    return response_write(buffer, reply->kind + 1, tendermint_abci_ResponseCommit_fields, &pb, err);
}

assay_status assay_abci_reply_write(assay_abci_buffer *buffer, const assay_abci_reply *reply,
                                    assay_error *err) {
    static const assay_bytes nothing = {NULL, 0};
    switch (reply->kind) {
    case ASSAY_ABCI_ECHO:
        return value_write(buffer, reply, &reply->echo.message, err);
    case ASSAY_ABCI_FLUSH:
        return value_write(buffer, reply, &nothing, err);
    case ASSAY_ABCI_INFO:
        return info_write(buffer, reply, err);
    case ASSAY_ABCI_INIT_CHAIN:
        return init_chain_write(buffer, reply, err);
    case ASSAY_ABCI_QUERY:
        return query_write(buffer, reply, err);
    case ASSAY_ABCI_CHECK_TX:
        return check_tx_write(buffer, reply, err);
    case ASSAY_ABCI_COMMIT:
        return commit_write(buffer, reply, err);
    case ASSAY_ABCI_LIST_SNAPSHOTS:
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_REAP_TXS:
        return lists_write(buffer, reply, err);
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        return number_write(buffer, reply, reply->offer_snapshot.result, err);
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        return value_write(buffer, reply, &reply->load_chunk.chunk, err);
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        return apply_chunk_write(buffer, reply, err);
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        return number_write(buffer, reply, reply->process.status, err);
    case ASSAY_ABCI_EXTEND_VOTE:
        return value_write(buffer, reply, &reply->extend.extension, err);
    case ASSAY_ABCI_FINALIZE_BLOCK:
        return finalize_write(buffer, reply, err);
    case ASSAY_ABCI_INSERT_TX:
        return number_write(buffer, reply, reply->check_tx.code, err);
    case ASSAY_ABCI_NONE:
        break;
    }
    return ASSAY_FAIL(err, FORMAT, "no reply to a request of kind %d", reply->kind);
}
