// SPDX-License-Identifier: Apache-2.0
// Durable state: kv.state, replaced as a whole.
//
//   1. Count, height, pairs and validators change in Commit alone, all together (test_restart).
//   2. The file is what the last Commit that was answered left, or what the one after left.
//   3. FinalizeBlock stages; a second one before Commit stages anew (test_finalize_twice).
//
//   committed --FinalizeBlock--> staged --Commit--> committed
#include "consensus/kvstore/kv.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/abci/buffer.h"
#include "consensus/kvstore/store.h"
#include "consensus/kvstore/tx.h"
#include "consensus/types/protobuf.h"

enum {
    CODE_INVALID = 2,     // CometBFT's CodeTypeInvalidTxFormat
    CODE_UNSUPPORTED = 1, // InsertTx
    APP_VERSION = 1,
    APP_HASH_SIZE = 8,
    DUPLICATE_VOTE = 1,
    EVENTS_OF_TX = 2,
    ATTRIBUTES_OF_EVENT = 4,
    STORE_KEY_MAX = 1 + ASSAY_KVSTORE_KEY_MAX,
    VALIDATOR_VALUE_MAX = 64,
};

// A key's first byte in the store.
static const uint8_t of_pair = 'k', of_validator = 'v';

struct assay_kvstore {
    pthread_mutex_t lock;
    assay_kvstore_store store;
    char path[PATH_MAX]; // "": in memory
    // Staged.
    assay_abci_buffer pairs; // u32 sizes of key and value, key, value, one after the other
    assay_kvstore_validator *updates;
    uint32_t update_count;
    int64_t size, height;
};

// Go's PutVarint of the number of transactions, which is a zigzag, in 8 bytes.
static assay_status app_hash_make(assay_bytes *out, int64_t size, assay_arena *arena,
                                  assay_error *err) {
    void *hash;
    assay_writer writer;
    ASSAY_TRY(assay_arena_get(arena, 1, APP_HASH_SIZE, "an app hash", &hash, err));
    assay_writer_init(&writer, hash, APP_HASH_SIZE);
    assay_protobuf_varint(&writer, (uint64_t)size << 1 ^ (uint64_t)(size >> 63));
    if (writer.failed)
        return ASSAY_FAIL(err, RANGE, "%lld transactions are over 2^55", (long long)size);
    *out = (assay_bytes){hash, APP_HASH_SIZE};
    return ASSAY_OK;
}

// The validator update as a message with its length, as upstream keeps it.
static void validator_value(assay_writer *out, const assay_kvstore_validator *validator) {
    uint8_t key_bytes[VALIDATOR_VALUE_MAX], update_bytes[VALIDATOR_VALUE_MAX];
    assay_writer key, update;
    assay_writer_init(&key, key_bytes, sizeof key_bytes);
    assay_protobuf_bytes(&key, validator->key_type, validator->key, validator->key_size);
    assay_writer_init(&update, update_bytes, sizeof update_bytes);
    assay_protobuf_message(&update, 1, &key);
    assay_protobuf_u64(&update, 2, (uint64_t)validator->power);
    assay_protobuf_varint(out, update.size);
    assay_writer_copy(out, update_bytes, update.size);
    ASSAY_ASSERT(!update.failed && !out->failed);
}

static assay_status validator_set(assay_kvstore *kv, const assay_kvstore_validator *validator,
                                  assay_error *err) {
    uint8_t key[STORE_KEY_MAX] = {of_validator}, value[VALIDATOR_VALUE_MAX];
    assay_writer writer;
    memcpy(key + 1, validator->key, validator->key_size);
    assay_bytes name = {key, 1 + validator->key_size};
    if (validator->power == 0) {
        assay_kvstore_remove(&kv->store, name);
        return ASSAY_OK;
    }
    assay_writer_init(&writer, value, sizeof value);
    validator_value(&writer, validator);
    return assay_kvstore_set(&kv->store, name, (assay_bytes){value, writer.size}, err);
}

static assay_status info(assay_kvstore *kv, assay_abci_reply *reply, assay_arena *arena,
                         assay_error *err) {
    enum { DATA_MAX = 64 };
    void *data;
    ASSAY_TRY(assay_arena_get(arena, 1, DATA_MAX, "info", &data, err));
    snprintf(data, DATA_MAX, "{\"size\":%lld}", (long long)kv->store.size);
    reply->info.data = assay_text_bytes(data);
    reply->info.version = assay_text_bytes("2.0.0");
    reply->info.app_version = APP_VERSION;
    reply->info.height = kv->store.height;
    return app_hash_make(&reply->info.app_hash, kv->store.size, arena, err);
}

static assay_status init_chain(assay_kvstore *kv, const assay_abci_request *request,
                               assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    for (uint32_t i = 0; i < request->init_chain.validator_count; i++) {
        const assay_abci_validator_update *update = &request->init_chain.validators[i];
        assay_kvstore_validator validator = {.key_type = update->key_type, .power = update->power};
        uint32_t size = update->key_type == ASSAY_ABCI_SECP256K1 ? 33 : 32;
        if (update->key_type == 0 || update->key.size != size)
            return ASSAY_FAIL(err, UNSUPPORTED, "validator %u has a key of type %u and %zu bytes",
                              i, update->key_type, update->key.size);
        memcpy(validator.key, update->key.data, size);
        validator.key_size = size;
        ASSAY_TRY(validator_set(kv, &validator, err));
    }
    return app_hash_make(&reply->init_chain.app_hash, kv->store.size, arena, err);
}

// The value's copy: another connection's Commit may free it.
static assay_status value_get(assay_bytes *out, bool *there, const assay_kvstore *kv, uint8_t kind,
                              assay_bytes data, assay_arena *arena, assay_error *err) {
    void *key;
    ASSAY_TRY(assay_arena_get(arena, 1 + data.size, 1, "a key", &key, err));
    *(uint8_t *)key = kind;
    if (data.size) memcpy((uint8_t *)key + 1, data.data, data.size);
    const assay_bytes *value = assay_kvstore_get(&kv->store, (assay_bytes){key, 1 + data.size});
    *there = value != NULL;
    *out = (assay_bytes){0};
    if (!value) return ASSAY_OK;
    return assay_arena_copy(arena, value->data, value->size, "a value", out, err);
}

static assay_status query(assay_kvstore *kv, const assay_abci_request *request,
                          assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    assay_bytes path = request->query.path, data = request->query.data;
    bool there, validators = path.size == 4 && memcmp(path.data, "/val", 4) == 0;
    ASSAY_TRY(value_get(&reply->query.value, &there, kv, validators ? of_validator : of_pair, data,
                        arena, err));
    reply->query.key = data;
    if (validators) return ASSAY_OK;
    reply->query.result.log = assay_text_bytes(there ? "exists" : "does not exist");
    reply->query.height = kv->store.height;
    if (request->query.prove) reply->query.index = -1;
    return ASSAY_OK;
}

static void check_tx(const assay_abci_request *request, assay_abci_reply *reply) {
    if (assay_kvstore_tx_read(request->check_tx.tx, NULL) == ASSAY_KVSTORE_INVALID)
        reply->check_tx.code = CODE_INVALID;
    else
        reply->check_tx.gas_wanted = 1;
}

// Upstream's only change of a proposal: what is invalid goes, ':' becomes '='.
static assay_status prepare(const assay_abci_request *request, assay_abci_reply *reply,
                            assay_arena *arena, assay_error *err) {
    const assay_abci_block *block = &request->block;
    void *txs;
    ASSAY_TRY(
        assay_arena_get(arena, block->tx_count, sizeof(assay_bytes), "a proposal", &txs, err));
    reply->txs.txs = txs;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        assay_bytes tx = block->txs[i];
        assay_kvstore_form form = assay_kvstore_tx_read(tx, NULL);
        if (form == ASSAY_KVSTORE_INVALID) continue;
        if (form == ASSAY_KVSTORE_COLON) {
            ASSAY_TRY(assay_arena_copy(arena, tx.data, tx.size, "a transaction", &tx, err));
            *(uint8_t *)memchr(tx.data, ':', tx.size) = '=';
        }
        ((assay_bytes *)txs)[reply->txs.count++] = tx;
    }
    return ASSAY_OK;
}

static void process(const assay_abci_request *request, assay_abci_reply *reply) {
    reply->process.status = request->block.overfull ? ASSAY_ABCI_REJECT : ASSAY_ABCI_ACCEPT;
    for (uint32_t i = 0; i < request->block.tx_count; i++)
        if (assay_kvstore_tx_read(request->block.txs[i], NULL) == ASSAY_KVSTORE_INVALID)
            reply->process.status = ASSAY_ABCI_REJECT;
}

static assay_abci_attribute attribute(const char *key, assay_bytes value, bool index) {
    return (assay_abci_attribute){assay_text_bytes(key), value, index};
}

static assay_status events_make(assay_abci_result *out, assay_bytes tx, assay_arena *arena,
                                assay_error *err) {
    assay_bytes works = assay_text_bytes("index is working"), sides[EVENTS_OF_TX];
    static const char *const creators[EVENTS_OF_TX] = {"Cosmoshi Netowoko", "Cosmoshi"};
    void *attributes, *events;
    assay_kvstore_tx_split(tx, &sides[0], &sides[1]);
    ASSAY_TRY(assay_arena_get(arena, EVENTS_OF_TX * ATTRIBUTES_OF_EVENT,
                              sizeof(assay_abci_attribute), "attributes", &attributes, err));
    ASSAY_TRY(
        assay_arena_get(arena, EVENTS_OF_TX, sizeof(assay_abci_event), "events", &events, err));
    for (int i = 0; i < EVENTS_OF_TX; i++) {
        assay_abci_attribute *at = (assay_abci_attribute *)attributes + i * ATTRIBUTES_OF_EVENT;
        at[0] = attribute("creator", assay_text_bytes(creators[i]), true);
        at[1] = attribute("key", sides[i], true);
        at[2] = attribute("index_key", works, true);
        at[3] = attribute("noindex_key", works, false);
        ((assay_abci_event *)events)[i] =
            (assay_abci_event){assay_text_bytes("app"), at, ATTRIBUTES_OF_EVENT};
    }
    out->events = events;
    out->event_count = EVENTS_OF_TX;
    return ASSAY_OK;
}

static assay_status pair_stage(assay_kvstore *kv, assay_bytes tx, assay_error *err) {
    uint8_t head[8];
    assay_bytes key, value;
    assay_kvstore_tx_split(tx, &key, &value);
    assay_store_be32(head, (uint32_t)key.size);
    assay_store_be32(head + 4, (uint32_t)value.size);
    if (assay_abci_buffer_add(&kv->pairs, head, sizeof head) &&
        assay_abci_buffer_add(&kv->pairs, key.data, key.size) &&
        assay_abci_buffer_add(&kv->pairs, value.data, value.size))
        return ASSAY_OK;
    return ASSAY_FAIL(err, MEMORY, "no memory to stage a transaction of %zu bytes", tx.size);
}

// Who votes twice loses one of its power.
static assay_status punish(assay_kvstore *kv, const assay_abci_misbehavior *report,
                           assay_error *err) {
    enum { ADDRESS_SIZE = 20, KEY_SIZE = 32 };
    for (uint32_t i = 0; i < kv->store.count; i++) {
        assay_bytes key = kv->store.entries[i].key;
        assay_hash hash;
        if (key.size != 1 + KEY_SIZE || key.data[0] != of_validator) continue;
        assay_sha256_of(&hash, key.data + 1, KEY_SIZE);
        if (report->address.size != ADDRESS_SIZE ||
            memcmp(hash.bytes, report->address.data, ADDRESS_SIZE) != 0)
            continue;
        assay_kvstore_validator *update = &kv->updates[kv->update_count++];
        *update = (assay_kvstore_validator){
            .key_type = ASSAY_ABCI_ED25519, .key_size = KEY_SIZE, .power = report->power - 1};
        memcpy(update->key, key.data + 1, KEY_SIZE);
        return ASSAY_OK;
    }
    return ASSAY_FAIL(err, MISSING, "a report on a validator that is not known");
}

static assay_status tx_execute(assay_kvstore *kv, assay_bytes tx, assay_abci_result *out,
                               assay_arena *arena, assay_error *err) {
    assay_kvstore_validator *update = &kv->updates[kv->update_count];
    switch (assay_kvstore_tx_read(tx, update)) {
    case ASSAY_KVSTORE_VALIDATOR:
        kv->update_count++;
        break;
    case ASSAY_KVSTORE_PAIR:
        ASSAY_TRY(pair_stage(kv, tx, err));
        break;
    default: // a proposal has no ':' any more
        out->code = CODE_INVALID;
        return ASSAY_OK;
    }
    return events_make(out, tx, arena, err);
}

static assay_status updates_answer(const assay_kvstore *kv, assay_abci_reply *reply,
                                   assay_arena *arena, assay_error *err) {
    void *updates;
    ASSAY_TRY(assay_arena_get(arena, kv->update_count, sizeof(assay_abci_validator_update),
                              "validator updates", &updates, err));
    for (uint32_t i = 0; i < kv->update_count; i++) {
        const assay_kvstore_validator *from = &kv->updates[i];
        ((assay_abci_validator_update *)updates)[i] =
            (assay_abci_validator_update){from->key_type, {from->key, from->key_size}, from->power};
    }
    reply->finalize.updates = updates;
    reply->finalize.update_count = kv->update_count;
    return ASSAY_OK;
}

static assay_status finalize(assay_kvstore *kv, const assay_abci_request *request,
                             assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    const assay_abci_block *block = &request->block;
    void *results;
    free(kv->updates);
    kv->update_count = 0;
    assay_abci_buffer_reset(&kv->pairs);
    // One spare: a transaction is read into the next free one before it is known for what it is.
    kv->updates =
        calloc((size_t)block->misbehavior_count + block->tx_count + 1, sizeof kv->updates[0]);
    if (!kv->updates)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u transactions", block->tx_count);
    for (uint32_t i = 0; i < block->misbehavior_count; i++)
        if (block->misbehaviors[i].type == DUPLICATE_VOTE)
            ASSAY_TRY(punish(kv, &block->misbehaviors[i], err));
    ASSAY_TRY(assay_arena_get(arena, block->tx_count, sizeof(assay_abci_result), "results",
                              &results, err));
    for (uint32_t i = 0; i < block->tx_count; i++)
        ASSAY_TRY(tx_execute(kv, block->txs[i], (assay_abci_result *)results + i, arena, err));
    kv->size = kv->store.size + block->tx_count;
    kv->height = block->height;
    reply->finalize.results = results;
    reply->finalize.result_count = block->tx_count;
    ASSAY_TRY(updates_answer(kv, reply, arena, err));
    return app_hash_make(&reply->finalize.app_hash, kv->size, arena, err);
}

static assay_status commit(assay_kvstore *kv, assay_arena *arena, assay_error *err) {
    for (uint32_t i = 0; i < kv->update_count; i++)
        ASSAY_TRY(validator_set(kv, &kv->updates[i], err));
    kv->update_count = 0;
    for (size_t at = 0; at < kv->pairs.size;) {
        const uint8_t *head = kv->pairs.data + at;
        size_t key_size = assay_load_be32(head), value_size = assay_load_be32(head + 4);
        void *key;
        ASSAY_TRY(assay_arena_get(arena, 1 + key_size, 1, "a key", &key, err));
        *(uint8_t *)key = of_pair;
        memcpy((uint8_t *)key + 1, head + 8, key_size);
        ASSAY_TRY(assay_kvstore_set(&kv->store, (assay_bytes){key, 1 + key_size},
                                    (assay_bytes){head + 8 + key_size, value_size}, err));
        at += 8 + key_size + value_size;
    }
    assay_abci_buffer_reset(&kv->pairs);
    kv->store.size = kv->size;
    kv->store.height = kv->height;
    return kv->path[0] ? assay_kvstore_save(&kv->store, kv->path, err) : ASSAY_OK;
}

static assay_status answer(assay_kvstore *kv, const assay_abci_request *request,
                           assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    switch (request->kind) {
    case ASSAY_ABCI_INFO:
        return info(kv, reply, arena, err);
    case ASSAY_ABCI_INIT_CHAIN:
        return init_chain(kv, request, reply, arena, err);
    case ASSAY_ABCI_QUERY:
        return query(kv, request, reply, arena, err);
    case ASSAY_ABCI_CHECK_TX:
        check_tx(request, reply);
        return ASSAY_OK;
    case ASSAY_ABCI_INSERT_TX:
        reply->check_tx.code = CODE_UNSUPPORTED;
        return ASSAY_OK;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
        return prepare(request, reply, arena, err);
    case ASSAY_ABCI_PROCESS_PROPOSAL:
        process(request, reply);
        return ASSAY_OK;
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        reply->process.status = ASSAY_ABCI_ACCEPT;
        return ASSAY_OK;
    case ASSAY_ABCI_FINALIZE_BLOCK:
        return finalize(kv, request, reply, arena, err);
    case ASSAY_ABCI_COMMIT:
        return commit(kv, arena, err);
    default: // snapshots, extensions and a mempool of its own are not there: zeros say so
        return ASSAY_OK;
    }
}

static assay_status call(void *self, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err) {
    assay_kvstore *kv = self;
    pthread_mutex_lock(&kv->lock);
    assay_status status = answer(kv, request, reply, arena, err);
    pthread_mutex_unlock(&kv->lock);
    return status;
}

static assay_status file_open(assay_kvstore *kv, const char *folder, assay_error *err) {
    assay_error missing = {0};
    ASSAY_TRY(assay_folder_make(folder, err));
    ASSAY_TRY(assay_path_join(kv->path, sizeof kv->path, folder, "kv.state", err));
    assay_status status = assay_kvstore_load(&kv->store, kv->path, &missing);
    if (status == ASSAY_OK || status == ASSAY_NOT_FOUND) return ASSAY_OK;
    return assay_error_pass(err, &missing);
}

assay_status assay_kvstore_open(assay_kvstore **out, const char *folder, assay_error *err) {
    assay_kvstore *kv = calloc(1, sizeof *kv);
    *out = NULL;
    if (!kv) return ASSAY_FAIL(err, MEMORY, "no memory for the kv application");
    pthread_mutex_init(&kv->lock, NULL);
    assay_status status = folder ? file_open(kv, folder, err) : ASSAY_OK;
    if (status != ASSAY_OK) {
        assay_kvstore_close(kv);
        return status;
    }
    kv->size = kv->store.size;
    kv->height = kv->store.height;
    *out = kv;
    return ASSAY_OK;
}

assay_abci_application assay_kvstore_application(assay_kvstore *kv) {
    return (assay_abci_application){kv, call, NULL};
}

void assay_kvstore_close(assay_kvstore *kv) {
    if (!kv) return;
    assay_kvstore_store_close(&kv->store);
    assay_abci_buffer_close(&kv->pairs);
    free(kv->updates);
    pthread_mutex_destroy(&kv->lock);
    free(kv);
}
