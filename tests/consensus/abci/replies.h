// SPDX-License-Identifier: Apache-2.0
// Replies of every kind with anything in them, from a seed, and the same as lines (dump.h).
#ifndef ASSAY_TESTS_CONSENSUS_ABCI_REPLIES_H
#define ASSAY_TESTS_CONSENSUS_ABCI_REPLIES_H

#include "tests/consensus/abci/dump.h"

typedef struct {
    uint64_t state;
    assay_arena *arena;
} reply_source;

static inline uint64_t random_u64(reply_source *source) { // splitmix64
    uint64_t z = source->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t random_below(reply_source *source, uint32_t limit) {
    return (uint32_t)(random_u64(source) % limit);
}

// Numbers of every length, and zero.
static inline uint64_t random_number(reply_source *source) {
    uint32_t bits = random_below(source, 66);
    if (bits == 0) return 0;
    return bits >= 64 ? random_u64(source) | UINT64_C(1) << 63 : random_u64(source) >> (64 - bits);
}

static inline void *random_room(reply_source *source, size_t count, size_t size) {
    void *room = assay_arena_take(source->arena, count, size);
    ASSAY_ASSERT(room);
    return room;
}

static inline assay_bytes random_bytes(reply_source *source) {
    uint32_t size = random_below(source, 8) ? random_below(source, 40) : random_below(source, 400);
    uint8_t *data = random_room(source, size, 1);
    for (uint32_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_u64(source);
    return (assay_bytes){data, size};
}

static inline uint32_t random_list(reply_source *source, size_t size, void *out) {
    uint32_t count = random_below(source, 5);
    *(void **)out = random_room(source, count, size);
    return count;
}

static inline uint32_t random_events(reply_source *source, const assay_abci_event **out) {
    assay_abci_event *events;
    uint32_t count = random_list(source, sizeof *events, &events);
    for (uint32_t i = 0; i < count; i++) {
        assay_abci_attribute *attributes;
        uint32_t attribute_count = random_list(source, sizeof *attributes, &attributes);
        for (uint32_t j = 0; j < attribute_count; j++) {
            attributes[j].key = random_bytes(source);
            attributes[j].value = random_bytes(source);
            attributes[j].index = random_below(source, 2);
        }
        events[i] = (assay_abci_event){random_bytes(source), attributes, attribute_count};
    }
    *out = events;
    return count;
}

static inline void random_result(reply_source *source, assay_abci_result *out) {
    out->code = (uint32_t)random_number(source);
    out->data = random_bytes(source);
    out->log = random_bytes(source);
    out->info = random_bytes(source);
    out->gas_wanted = (int64_t)random_number(source);
    out->gas_used = (int64_t)random_number(source);
    out->event_count = random_events(source, &out->events);
    out->codespace = random_bytes(source);
}

static inline uint32_t random_validators(reply_source *source,
                                         const assay_abci_validator_update **out) {
    assay_abci_validator_update *validators;
    uint32_t count = random_list(source, sizeof *validators, &validators);
    for (uint32_t i = 0; i < count; i++) {
        validators[i].key_type = 1 + random_below(source, 2);
        do
            validators[i].key = random_bytes(source);
        while (validators[i].key.size == 0); // a oneof's empty bytes would be written by Go
        validators[i].power = (int64_t)random_number(source);
    }
    *out = validators;
    return count;
}

static inline uint32_t random_texts(reply_source *source, const assay_bytes **out) {
    assay_bytes *texts;
    uint32_t count = random_list(source, sizeof *texts, &texts);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = random_bytes(source);
    *out = texts;
    return count;
}

static inline void random_snapshots(reply_source *source, assay_abci_reply *reply) {
    assay_statesync_snapshot *snapshots;
    uint32_t *refetch;
    switch (reply->kind) {
    case ASSAY_ABCI_LIST_SNAPSHOTS:
        reply->list_snapshots.count = random_list(source, sizeof *snapshots, &snapshots);
        for (uint32_t i = 0; i < reply->list_snapshots.count; i++) {
            snapshots[i].height = random_number(source);
            snapshots[i].format = (uint32_t)random_number(source);
            snapshots[i].chunks = (uint32_t)random_number(source);
            snapshots[i].hash = random_bytes(source);
            snapshots[i].metadata = random_bytes(source);
        }
        reply->list_snapshots.snapshots = snapshots;
        break;
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        reply->offer_snapshot.result = random_below(source, 6);
        break;
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        reply->load_chunk.chunk = random_bytes(source);
        break;
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        reply->apply_chunk.result = random_below(source, 6);
        reply->apply_chunk.refetch_count = random_list(source, sizeof *refetch, &refetch);
        for (uint32_t i = 0; i < reply->apply_chunk.refetch_count; i++)
            refetch[i] = (uint32_t)random_number(source);
        reply->apply_chunk.refetch = refetch;
        reply->apply_chunk.reject_count = random_texts(source, &reply->apply_chunk.reject_senders);
        break;
    default: // Flush
        break;
    }
}

static inline void random_finalize(reply_source *source, assay_abci_reply *reply) {
    assay_abci_result *results;
    reply->finalize.result_count = random_list(source, sizeof *results, &results);
    for (uint32_t i = 0; i < reply->finalize.result_count; i++)
        random_result(source, &results[i]);
    reply->finalize.results = results;
    reply->finalize.update_count = random_validators(source, &reply->finalize.updates);
    reply->finalize.app_hash = random_bytes(source);
    reply->finalize.event_count = random_events(source, &reply->finalize.events);
}

static inline void random_rest(reply_source *source, assay_abci_reply *reply) {
    switch (reply->kind) {
    case ASSAY_ABCI_COMMIT:
        reply->commit.retain_height = (int64_t)random_number(source);
        break;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_REAP_TXS:
        reply->txs.count = random_texts(source, &reply->txs.txs);
        break;
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        reply->process.status = random_below(source, 3);
        break;
    case ASSAY_ABCI_EXTEND_VOTE:
        reply->extend.extension = random_bytes(source);
        break;
    case ASSAY_ABCI_FINALIZE_BLOCK:
        random_finalize(source, reply);
        break;
    default:
        random_snapshots(source, reply);
        break;
    }
}

static inline void random_reply(reply_source *source, assay_abci_reply *reply) {
    memset(reply, 0, sizeof *reply);
    do
        reply->kind = (assay_abci_kind)random_below(source, ASSAY_ABCI_REAP_TXS + 1);
    while (strcmp(kind_name(reply->kind), "request") == 0);
    switch (reply->kind) {
    case ASSAY_ABCI_ECHO:
        reply->echo.message = random_bytes(source);
        break;
    case ASSAY_ABCI_INFO:
        reply->info.data = random_bytes(source);
        reply->info.version = random_bytes(source);
        reply->info.app_version = random_number(source);
        reply->info.height = (int64_t)random_number(source);
        reply->info.app_hash = random_bytes(source);
        break;
    case ASSAY_ABCI_INIT_CHAIN:
        reply->init_chain.validator_count =
            random_validators(source, &reply->init_chain.validators);
        reply->init_chain.app_hash = random_bytes(source);
        break;
    case ASSAY_ABCI_QUERY:
        random_result(source, &reply->query.result);
        reply->query.index = (int64_t)random_number(source);
        reply->query.height = (int64_t)random_number(source);
        reply->query.key = random_bytes(source);
        reply->query.value = random_bytes(source);
        break;
    case ASSAY_ABCI_CHECK_TX:
    case ASSAY_ABCI_INSERT_TX:
        random_result(source, &reply->check_tx);
        break;
    default:
        random_rest(source, reply);
        break;
    }
}

static inline void dump_events(FILE *out, const assay_abci_event *events, uint32_t count) {
    dump_u64(out, "events", count);
    for (uint32_t i = 0; i < count; i++) {
        dump_bytes(out, "type", events[i].type);
        dump_u64(out, "attributes", events[i].attribute_count);
        for (uint32_t j = 0; j < events[i].attribute_count; j++) {
            dump_bytes(out, "key", events[i].attributes[j].key);
            dump_bytes(out, "value", events[i].attributes[j].value);
            dump_u64(out, "index", events[i].attributes[j].index);
        }
    }
}

static inline void dump_result(FILE *out, const assay_abci_result *result) {
    dump_u64(out, "code", result->code);
    dump_bytes(out, "data", result->data);
    dump_bytes(out, "log", result->log);
    dump_bytes(out, "info", result->info);
    dump_i64(out, "gas_wanted", result->gas_wanted);
    dump_i64(out, "gas_used", result->gas_used);
    dump_events(out, result->events, result->event_count);
    dump_bytes(out, "codespace", result->codespace);
}

static inline void dump_texts(FILE *out, const char *name, const assay_bytes *texts,
                              uint32_t count) {
    dump_u64(out, name, count);
    for (uint32_t i = 0; i < count; i++)
        dump_bytes(out, "entry", texts[i]);
}

static inline void dump_reply_snapshots(FILE *out, const assay_abci_reply *reply) {
    switch (reply->kind) {
    case ASSAY_ABCI_LIST_SNAPSHOTS:
        dump_u64(out, "snapshots", reply->list_snapshots.count);
        for (uint32_t i = 0; i < reply->list_snapshots.count; i++) {
            const assay_statesync_snapshot *snapshot = &reply->list_snapshots.snapshots[i];
            dump_u64(out, "height", snapshot->height);
            dump_u64(out, "format", snapshot->format);
            dump_u64(out, "chunks", snapshot->chunks);
            dump_bytes(out, "hash", snapshot->hash);
            dump_bytes(out, "metadata", snapshot->metadata);
        }
        break;
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        dump_u64(out, "result", reply->offer_snapshot.result);
        break;
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        dump_bytes(out, "chunk", reply->load_chunk.chunk);
        break;
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        dump_u64(out, "result", reply->apply_chunk.result);
        dump_u64(out, "refetch", reply->apply_chunk.refetch_count);
        for (uint32_t i = 0; i < reply->apply_chunk.refetch_count; i++)
            dump_u64(out, "chunk", reply->apply_chunk.refetch[i]);
        dump_texts(out, "senders", reply->apply_chunk.reject_senders,
                   reply->apply_chunk.reject_count);
        break;
    default: // Flush
        break;
    }
}

static inline void dump_reply_rest(FILE *out, const assay_abci_reply *reply) {
    switch (reply->kind) {
    case ASSAY_ABCI_COMMIT:
        dump_i64(out, "retain_height", reply->commit.retain_height);
        break;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_REAP_TXS:
        dump_texts(out, "txs", reply->txs.txs, reply->txs.count);
        break;
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        dump_u64(out, "status", reply->process.status);
        break;
    case ASSAY_ABCI_EXTEND_VOTE:
        dump_bytes(out, "extension", reply->extend.extension);
        break;
    case ASSAY_ABCI_FINALIZE_BLOCK:
        dump_events(out, reply->finalize.events, reply->finalize.event_count);
        dump_u64(out, "results", reply->finalize.result_count);
        for (uint32_t i = 0; i < reply->finalize.result_count; i++)
            dump_result(out, &reply->finalize.results[i]);
        dump_validators(out, reply->finalize.updates, reply->finalize.update_count);
        dump_bytes(out, "app_hash", reply->finalize.app_hash);
        break;
    default:
        dump_reply_snapshots(out, reply);
        break;
    }
}

static inline void dump_reply(FILE *out, const assay_abci_reply *reply) {
    fprintf(out, "reply %s\n", kind_name(reply->kind));
    switch (reply->kind) {
    case ASSAY_ABCI_ECHO:
        dump_bytes(out, "message", reply->echo.message);
        break;
    case ASSAY_ABCI_INFO:
        dump_bytes(out, "data", reply->info.data);
        dump_bytes(out, "version", reply->info.version);
        dump_u64(out, "app_version", reply->info.app_version);
        dump_i64(out, "height", reply->info.height);
        dump_bytes(out, "app_hash", reply->info.app_hash);
        break;
    case ASSAY_ABCI_INIT_CHAIN:
        dump_validators(out, reply->init_chain.validators, reply->init_chain.validator_count);
        dump_bytes(out, "app_hash", reply->init_chain.app_hash);
        break;
    case ASSAY_ABCI_QUERY:
        dump_u64(out, "code", reply->query.result.code);
        dump_bytes(out, "log", reply->query.result.log);
        dump_bytes(out, "info", reply->query.result.info);
        dump_i64(out, "index", reply->query.index);
        dump_bytes(out, "key", reply->query.key);
        dump_bytes(out, "value", reply->query.value);
        dump_i64(out, "height", reply->query.height);
        dump_bytes(out, "codespace", reply->query.result.codespace);
        break;
    case ASSAY_ABCI_CHECK_TX:
        dump_result(out, &reply->check_tx);
        break;
    case ASSAY_ABCI_INSERT_TX:
        dump_u64(out, "code", reply->check_tx.code);
        break;
    default:
        dump_reply_rest(out, reply);
        break;
    }
}

#endif
