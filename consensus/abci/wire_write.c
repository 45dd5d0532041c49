// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/lists.h"
#include "consensus/abci/wire.h"
#include "consensus/types/protobuf.h"

enum {
    EXCEPTION_FIELD = 1,
    RESPONSE_MAX = 1 << 30, // CometBFT reads up to 2 GiB
    ATTRIBUTES_MAX = 64,    // of one event
    TAG_MAX = 2,            // bytes, of a field number below 2048
    HEAD_MAX = 2 * 5 + TAG_MAX,
};

static bool attribute_write(pb_ostream_t *out, const void *item) {
    const assay_abci_attribute *attribute = item;
    abci_Attribute wire = {attribute->key, attribute->value, attribute->index};
    return pb_encode_submessage(out, abci_Attribute_fields, &wire);
}

static const assay_abci_list_kind attributes = {
    .max = ATTRIBUTES_MAX, .size = sizeof(assay_abci_attribute), .write = attribute_write};

static bool event_write(pb_ostream_t *out, const void *item) {
    const assay_abci_event *event = item;
    abci_Event wire = {.type = event->type,
                       .attributes = {.kind = &attributes,
                                      .items = event->attributes,
                                      .count = event->attribute_count}};
    return pb_encode_submessage(out, abci_Event_fields, &wire);
}

static const assay_abci_list_kind events = {
    .max = ASSAY_ABCI_EVENTS_MAX, .size = sizeof(assay_abci_event), .write = event_write};

static abci_Result result_wire(const assay_abci_result *result) {
    return (abci_Result){
        .code = result->code,
        .data = result->data,
        .log = result->log,
        .info = result->info,
        .gas_wanted = result->gas_wanted,
        .gas_used = result->gas_used,
        .events = {.kind = &events, .items = result->events, .count = result->event_count},
        .codespace = result->codespace};
}

static bool result_write(pb_ostream_t *out, const void *item) {
    abci_Result wire = result_wire(item);
    return pb_encode_submessage(out, abci_Result_fields, &wire);
}

static bool snapshot_write(pb_ostream_t *out, const void *item) {
    abci_Snapshot wire = assay_abci_snapshot_wire(item);
    return pb_encode_submessage(out, abci_Snapshot_fields, &wire);
}

static bool bytes_write(pb_ostream_t *out, const void *item) {
    const assay_bytes *bytes = item;
    return pb_encode_string(out, bytes->data, bytes->size);
}

static const assay_abci_list_kind results = {
    .max = ASSAY_ABCI_TXS_MAX, .size = sizeof(assay_abci_result), .write = result_write};
static const assay_abci_list_kind snapshots = {.max = ASSAY_STATESYNC_KEEP_MAX,
                                               .size = sizeof(assay_statesync_snapshot),
                                               .write = snapshot_write};
static const assay_abci_list_kind texts = {
    .max = ASSAY_ABCI_TXS_MAX, .size = sizeof(assay_bytes), .write = bytes_write};

// A response's message: a generated struct and what describes it.
typedef struct {
    const pb_msgdesc_t *fields;
    uint32_t number; // in Response's oneof
    union {
        abci_Empty empty;
        abci_Text text;
        abci_ResponseInfo info;
        abci_ResponseInitChain init_chain;
        abci_ResponseQuery query;
        abci_Result result;
        abci_ResponseCommit commit;
        abci_ResponseListSnapshots list_snapshots;
        abci_Verdict verdict;
        abci_Blob blob;
        abci_ResponseApplySnapshotChunk apply_chunk;
        abci_Txs txs;
        abci_ResponseFinalizeBlock finalize;
    };
} response;

static assay_status response_write(assay_abci_buffer *out, const response *from, assay_error *err) {
    size_t size;
    if (!pb_get_encoded_size(&size, from->fields, &from->text) || size > RESPONSE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "a response of over %d bytes", RESPONSE_MAX);
    uint8_t tag[TAG_MAX];
    assay_writer inner, head;
    assay_writer_init(&inner, tag, sizeof tag);
    assay_protobuf_varint(&inner, (uint64_t)from->number << 3 | PB_WT_STRING);
    size_t whole = inner.size + assay_protobuf_varint_size(size) + size;
    uint8_t *room = assay_abci_buffer_room(out, HEAD_MAX + size);
    if (!room) return ASSAY_FAIL(err, MEMORY, "no memory for a response of %zu bytes", size);
    assay_writer_init(&head, room, HEAD_MAX);
    assay_protobuf_varint(&head, whole);
    assay_writer_copy(&head, tag, inner.size);
    assay_protobuf_varint(&head, size);
    pb_ostream_t stream = pb_ostream_from_buffer(room + head.size, size);
    // It was measured a moment ago, and no field can fail by itself.
    ASSAY_ASSERT(pb_encode(&stream, from->fields, &from->text) && stream.bytes_written == size);
    out->size += head.size + size;
    return ASSAY_OK;
}

assay_status assay_abci_exception_write(assay_abci_buffer *out, const char *text,
                                        assay_error *err) {
    response from = {.fields = abci_Text_fields,
                     .number = EXCEPTION_FIELD,
                     .text.text = {(const uint8_t *)text, strlen(text)}};
    return response_write(out, &from, err);
}

static void query_wire(abci_ResponseQuery *out, const assay_abci_reply *reply) {
    const assay_abci_result *result = &reply->query.result;
    *out = (abci_ResponseQuery){.code = result->code,
                                .log = result->log,
                                .info = result->info,
                                .index = reply->query.index,
                                .key = reply->query.key,
                                .value = reply->query.value,
                                .height = reply->query.height,
                                .codespace = result->codespace};
}

// refetch_chunks is packed: the varints lie in one run of bytes.
static assay_status apply_chunk_wire(abci_ResponseApplySnapshotChunk *out,
                                     const assay_abci_reply *reply, assay_arena *arena,
                                     assay_error *err) {
    enum { U32_MAX_SIZE = 5 };
    uint32_t count = reply->apply_chunk.refetch_count;
    void *packed;
    assay_writer writer;
    ASSAY_TRY(assay_arena_get(arena, count, U32_MAX_SIZE, "refetched chunks", &packed, err));
    assay_writer_init(&writer, packed, (size_t)count * U32_MAX_SIZE);
    for (uint32_t i = 0; i < count; i++)
        assay_protobuf_varint(&writer, reply->apply_chunk.refetch[i]);
    *out = (abci_ResponseApplySnapshotChunk){
        .result = (int32_t)reply->apply_chunk.result,
        .refetch = {writer.data, writer.size},
        .reject_senders = {.kind = &texts,
                           .items = reply->apply_chunk.reject_senders,
                           .count = reply->apply_chunk.reject_count}};
    return ASSAY_OK;
}

static void finalize_wire(abci_ResponseFinalizeBlock *out, const assay_abci_reply *reply) {
    *out = (abci_ResponseFinalizeBlock){.events = {.kind = &events,
                                                   .items = reply->finalize.events,
                                                   .count = reply->finalize.event_count},
                                        .results = {.kind = &results,
                                                    .items = reply->finalize.results,
                                                    .count = reply->finalize.result_count},
                                        .updates = {.kind = &assay_abci_list_validators,
                                                    .items = reply->finalize.updates,
                                                    .count = reply->finalize.update_count},
                                        .app_hash = reply->finalize.app_hash};
}

// The messages of the handshake and of state sync.
static bool chain_wire(response *out, const assay_abci_reply *reply) {
    switch (reply->kind) {
    case ASSAY_ABCI_INFO:
        out->fields = abci_ResponseInfo_fields;
        out->info =
            (abci_ResponseInfo){reply->info.data, reply->info.version, reply->info.app_version,
                                reply->info.height, reply->info.app_hash};
        return true;
    case ASSAY_ABCI_INIT_CHAIN:
        out->fields = abci_ResponseInitChain_fields;
        out->init_chain =
            (abci_ResponseInitChain){.validators = {.kind = &assay_abci_list_validators,
                                                    .items = reply->init_chain.validators,
                                                    .count = reply->init_chain.validator_count},
                                     .app_hash = reply->init_chain.app_hash};
        return true;
    case ASSAY_ABCI_LIST_SNAPSHOTS:
        out->fields = abci_ResponseListSnapshots_fields;
        out->list_snapshots =
            (abci_ResponseListSnapshots){{.kind = &snapshots,
                                          .items = reply->list_snapshots.snapshots,
                                          .count = reply->list_snapshots.count}};
        return true;
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        out->fields = abci_Verdict_fields;
        out->verdict.verdict = (int32_t)reply->offer_snapshot.result;
        return true;
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        out->fields = abci_Blob_fields;
        out->blob.blob = reply->load_chunk.chunk;
        return true;
    default:
        return false;
    }
}

static bool block_wire(response *out, const assay_abci_reply *reply) {
    switch (reply->kind) {
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_REAP_TXS:
        out->fields = abci_Txs_fields;
        out->txs = (abci_Txs){{.kind = &texts, .items = reply->txs.txs, .count = reply->txs.count}};
        return true;
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        out->fields = abci_Verdict_fields;
        out->verdict.verdict = (int32_t)reply->process.status;
        return true;
    case ASSAY_ABCI_EXTEND_VOTE:
        out->fields = abci_Blob_fields;
        out->blob.blob = reply->extend.extension;
        return true;
    case ASSAY_ABCI_FINALIZE_BLOCK:
        out->fields = abci_ResponseFinalizeBlock_fields;
        finalize_wire(&out->finalize, reply);
        return true;
    case ASSAY_ABCI_COMMIT:
        out->fields = abci_ResponseCommit_fields;
        out->commit.retain_height = reply->commit.retain_height;
        return true;
    default:
        return false;
    }
}

static bool rest_wire(response *out, const assay_abci_reply *reply) {
    switch (reply->kind) {
    case ASSAY_ABCI_ECHO:
        out->fields = abci_Text_fields;
        out->text.text = reply->echo.message;
        return true;
    case ASSAY_ABCI_FLUSH:
        out->fields = abci_Empty_fields;
        return true;
    case ASSAY_ABCI_QUERY:
        out->fields = abci_ResponseQuery_fields;
        query_wire(&out->query, reply);
        return true;
    case ASSAY_ABCI_CHECK_TX:
        out->fields = abci_Result_fields;
        out->result = result_wire(&reply->check_tx);
        return true;
    case ASSAY_ABCI_INSERT_TX:
        out->fields = abci_Result_fields;
        out->result.code = reply->check_tx.code;
        return true;
    default:
        return false;
    }
}

assay_status assay_abci_reply_write(assay_abci_buffer *out, const assay_abci_reply *reply,
                                    assay_arena *arena, assay_error *err) {
    response from;
    memset(&from, 0, sizeof from);
    from.number = (uint32_t)reply->kind + 1;
    if (reply->kind == ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK) {
        from.fields = abci_ResponseApplySnapshotChunk_fields;
        ASSAY_TRY(apply_chunk_wire(&from.apply_chunk, reply, arena, err));
    } else {
        ASSAY_ASSERT(block_wire(&from, reply) || chain_wire(&from, reply) ||
                     rest_wire(&from, reply));
    }
    return response_write(out, &from, err);
}
