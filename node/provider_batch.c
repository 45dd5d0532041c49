// SPDX-License-Identifier: Apache-2.0
// From pending receipts to a batch on the chain, and its defence there.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "ledger/evidence.h"
#include "node/batch_table.h"
#include "node/log.h"
#include "node/provider.h"

enum {
    EVIDENCE_FILE_MAX = ASSAY_TABLE_BYTES_MAX,
    BATCH_MAX = 4096,
    DUTIES_MAX = 256,
    PARTS_MAX = 1024
};

bool assay_provider_due(assay_provider *provider, bool all) {
    pthread_mutex_lock(&provider->lock);
    uint64_t now = assay_clock_ms(); // with the lock: no receipt is younger than now
    bool due = provider->pending_count >= provider->options.batch_count ||
               (all && provider->pending_count);
    uint64_t fees = 0;
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        due = due || now - provider->pending[i].since_ms >= provider->options.batch_ms;
        if (__builtin_add_overflow(fees, provider->pending[i].receipt.fee, &fees))
            fees = UINT64_MAX;
    }
    pthread_mutex_unlock(&provider->lock);
    return due && fees >= provider->genesis->params.min_batch_fee;
}

static assay_status evidence_path(char *out, const assay_provider *provider, const assay_hash *root,
                                  const char *name, assay_error *err) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode(text, root->bytes, ASSAY_HASH_SIZE);
    int length = snprintf(out, PATH_MAX, "%s/evidence/%s/%s", provider->options.home, text, name);
    return length < PATH_MAX ? ASSAY_OK : ASSAY_FAIL(err, CAPACITY, "path is over %d", PATH_MAX);
}

assay_status assay_provider_evidence(const assay_provider *provider, const assay_hash *root,
                                     const char *name, uint8_t **data, size_t *size,
                                     assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(evidence_path(path, provider, root, name, err));
    return assay_file_read(path, EVIDENCE_FILE_MAX, data, size, err);
}

static int pending_order(const void *a, const void *b) {
    return assay_receipt_compare(&((const assay_provider_pending *)a)->receipt,
                                 &((const assay_provider_pending *)b)->receipt);
}

// A batch in the making; the receipts are a sorted copy of the pending ones at its start.
typedef struct {
    assay_arena arena;
    assay_provider_pending *taken; // [count], sorted; leaves still owned by the provider
    assay_receipt *receipts;
    uint32_t count;
    assay_sumtree_node root;
    uint32_t receipt_bytes;
    assay_batch_tables tables;
    char uri[ASSAY_URI_SIZE_MAX + 1];
} making;

static assay_status making_take(making *m, assay_provider *provider, assay_error *err) {
    void *taken, *receipts;
    pthread_mutex_lock(&provider->lock);
    // As many as the ledger's limit on receipt bytes holds for sure.
    uint64_t most = provider->genesis->params.receipt_bytes_max / ASSAY_RECEIPT_SIZE_MAX;
    assay_status status =
        assay_arena_get(&m->arena, provider->pending_count, sizeof *m->taken, "batch", &taken, err);
    if (status == ASSAY_OK) {
        m->taken = taken;
        m->count = provider->pending_count;
        if (m->count) memcpy(m->taken, provider->pending, m->count * sizeof *m->taken);
    }
    pthread_mutex_unlock(&provider->lock);
    ASSAY_TRY(status);
    if (!m->count) return ASSAY_NOT_FOUND;
    qsort(m->taken, m->count, sizeof *m->taken, pending_order);
    if (m->count > most) m->count = (uint32_t)most;
    if (m->count > BATCH_MAX) m->count = BATCH_MAX;
    ASSAY_TRY(assay_arena_get(&m->arena, m->count, sizeof *m->receipts, "batch", &receipts, err));
    m->receipts = receipts;
    for (uint32_t i = 0; i < m->count; i++)
        m->receipts[i] = m->taken[i].receipt;
    return ASSAY_OK;
}

static assay_status making_sum(making *m, const assay_provider *provider, assay_error *err) {
    assay_sumtree_node *leaves;
    uint8_t encoded[ASSAY_RECEIPT_SIZE_MAX];
    char root[ASSAY_HEX_HASH_MAX];
    ASSAY_TRY(assay_receipt_leaves(&leaves, m->receipts, m->count, &m->arena, err));
    ASSAY_TRY(assay_sumtree_root(&m->root, leaves, m->count, err));
    ASSAY_TRY(assay_table_make(&m->tables, m->receipts, m->count, &m->arena, err));
    for (uint32_t i = 0; i < m->count; i++)
        m->receipt_bytes += (uint32_t)assay_receipt_encode(&m->receipts[i], encoded);
    assay_hex_encode(root, m->root.hash.bytes, ASSAY_HASH_SIZE);
    int length = snprintf(m->uri, sizeof m->uri, "%s/evidence/%s", provider->options.url, root);
    return length < (int)sizeof m->uri
               ? ASSAY_OK
               : ASSAY_FAIL(err, CAPACITY, "evidence URI of %d bytes, limit %d", length,
                            ASSAY_URI_SIZE_MAX);
}

static assay_status making_store(making *m, const assay_provider *provider, assay_error *err) {
    char path[PATH_MAX], name[32];
    assay_bytes file;
    ASSAY_TRY(evidence_path(path, provider, &m->root.hash, "leaf", err));
    ASSAY_TRY(assay_folder_make(path, err));
    for (uint32_t i = 0; i < m->count; i++) {
        snprintf(name, sizeof name, "leaf/%u", i);
        ASSAY_TRY(evidence_path(path, provider, &m->root.hash, name, err));
        ASSAY_TRY(assay_file_replace(path, m->taken[i].leaf, m->taken[i].leaf_size, 0644, err));
    }
    ASSAY_TRY(assay_receipts_write(&file, m->receipts, m->count, &m->arena, err));
    ASSAY_TRY(evidence_path(path, provider, &m->root.hash, "receipts", err));
    return assay_file_replace(path, file.data, file.size, 0644, err);
}

static assay_status making_send(making *m, assay_provider *provider, assay_hash *batch,
                                assay_error *err) {
    assay_tx tx = {.kind = ASSAY_TX_SUBMIT_BATCH};
    assay_sent sent;
    tx.body.submit_batch = (assay_tx_submit_batch){.root = m->root.hash,
                                                   .count = m->count,
                                                   .fee_total = m->root.sum,
                                                   .receipt_bytes = m->receipt_bytes,
                                                   .uri = {(const uint8_t *)m->uri, strlen(m->uri)},
                                                   .sessions = m->tables.sessions,
                                                   .models = m->tables.models,
                                                   .datasets = m->tables.datasets};
    ASSAY_TRY(assay_wallet_send(provider->wallet, &tx, &sent, err));
    *batch = sent.digest;
    return ASSAY_OK;
}

// The pending ones that `gone` names leave memory and disk. Sessions are asked for anew, since
// their deposits have changed.
static void pending_remove(assay_provider *provider, bool gone(const void *, const assay_receipt *),
                           const void *context) {
    uint32_t kept = 0;
    char path[PATH_MAX], session[ASSAY_HEX_HASH_MAX];
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        assay_provider_pending *entry = &provider->pending[i];
        if (!gone(context, &entry->receipt)) {
            provider->pending[kept++] = *entry;
            continue;
        }
        assay_hex_encode(session, entry->receipt.request.session.bytes, ASSAY_HASH_SIZE);
        snprintf(path, sizeof path, "%s/pending/%s-%020llu", provider->options.home, session,
                 (unsigned long long)entry->receipt.request.sequence);
        unlink(path);
        free(entry->leaf);
    }
    provider->pending_count = kept;
    provider->session_count = 0;
}

static bool was_taken(const void *context, const assay_receipt *receipt) {
    const making *m = context;
    for (uint32_t i = 0; i < m->count; i++)
        if (assay_receipt_compare(&m->receipts[i], receipt) == 0) return true;
    return false;
}

// The batch is in a block: its receipts are pending no more.
static void making_finish(const making *m, assay_provider *provider) {
    pthread_mutex_lock(&provider->lock);
    pending_remove(provider, was_taken, m);
    provider->batched++;
    pthread_mutex_unlock(&provider->lock);
}

typedef struct {
    assay_hash id;
    uint64_t last_sequence;
    bool ended;
} pruning;

static bool is_over(const void *context, const assay_receipt *receipt) {
    const pruning *p = context;
    return assay_hash_equal(&p->id, &receipt->request.session) &&
           (p->ended || receipt->request.sequence <= p->last_sequence);
}

// A crash, or a wait that was too short, can leave receipts pending that are in a block; sessions
// end. A batch with either would be refused for ever, and all others with it.
static assay_status session_prune(assay_provider *provider, const assay_hash *id,
                                  assay_error *err) {
    assay_session session;
    uint64_t lost = 0;
    ASSAY_TRY(assay_session_fetch(&session, &provider->wallet->client, id, err));
    const pruning p = {*id, session.last_sequence, session.ended != 0};
    pthread_mutex_lock(&provider->lock);
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_receipt *receipt = &provider->pending[i].receipt;
        if (is_over(&p, receipt) && receipt->request.sequence > p.last_sequence)
            lost += receipt->fee;
    }
    pending_remove(provider, is_over, &p);
    pthread_mutex_unlock(&provider->lock);
    if (lost)
        assay_log(ASSAY_LOG_WARN, "income_lost",
                  json_pack("{s:o}", "nopen", assay_json_from_u64(lost)),
                  "a session ended with %llu nopen in no batch", (unsigned long long)lost);
    return ASSAY_OK;
}

// Asks for each session with something pending. One thread takes from the pending ones: this one.
static assay_status sessions_prune(assay_provider *provider, assay_error *err) {
    assay_hash *ids = calloc(ASSAY_PROVIDER_PENDING_MAX, sizeof *ids);
    uint32_t count = 0;
    if (!ids) return ASSAY_FAIL(err, MEMORY, "no memory for sessions");
    pthread_mutex_lock(&provider->lock);
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_hash *id = &provider->pending[i].receipt.request.session;
        uint32_t at = 0;
        while (at < count && !assay_hash_equal(&ids[at], id))
            at++;
        if (at == count) ids[count++] = *id;
    }
    pthread_mutex_unlock(&provider->lock);
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++)
        status = session_prune(provider, &ids[i], err);
    free(ids);
    return status;
}

assay_status assay_provider_batch(assay_provider *provider, assay_hash *batch, assay_error *err) {
    making m = {.count = 0};
    assay_arena_init(&m.arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status = sessions_prune(provider, err);
    if (status == ASSAY_OK) status = making_take(&m, provider, err);
    if (status == ASSAY_OK) status = making_sum(&m, provider, err);
    if (status == ASSAY_OK) status = making_store(&m, provider, err);
    if (status == ASSAY_OK) status = making_send(&m, provider, batch, err);
    if (status == ASSAY_OK) making_finish(&m, provider);
    assay_arena_close(&m.arena);
    return status;
}

// All parts in one row: the answer window is shorter than one block a part would take.
static assay_status parts_post(assay_provider *provider, const assay_hash *batch, uint32_t sample,
                               const assay_bytes *data, assay_error *err) {
    size_t count = (data->size + ASSAY_EVIDENCE_PART_MAX - 1) / ASSAY_EVIDENCE_PART_MAX;
    uint32_t taken;
    if (count == 0 || count > PARTS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "evidence of %zu bytes in %zu parts, limit %d", data->size,
                          count, PARTS_MAX);
    assay_tx *txs = calloc(count, sizeof *txs);
    assay_sent *sents = calloc(count, sizeof *sents);
    for (size_t i = 0; txs && i < count; i++) {
        size_t at = i * ASSAY_EVIDENCE_PART_MAX, left = data->size - at;
        txs[i].kind = ASSAY_TX_POST_EVIDENCE;
        txs[i].body.post_evidence = (assay_tx_post_evidence){
            .batch = *batch,
            .sample = sample,
            .part = (uint16_t)i,
            .part_count = (uint16_t)count,
            .data = {data->data + at,
                     left < ASSAY_EVIDENCE_PART_MAX ? left : ASSAY_EVIDENCE_PART_MAX}};
    }
    assay_status status = txs && sents ? assay_wallet_send_row(provider->wallet, txs,
                                                               (uint32_t)count, sents, &taken, err)
                                       : ASSAY_FAIL(err, MEMORY, "no memory for %zu parts", count);
    free(txs);
    free(sents);
    return status;
}

// The posting for one duty, out of the files kept beside the batch.
static assay_status answer_build(assay_provider *provider, const assay_batch *batch,
                                 uint64_t position, bool leaf, assay_bytes *out, assay_arena *arena,
                                 assay_error *err) {
    uint8_t *table, *ids;
    size_t table_size, ids_size;
    assay_receipt *receipts;
    assay_sumtree_node *leaves;
    uint32_t count;
    char name[32];
    void *room;
    ASSAY_TRY(
        assay_provider_evidence(provider, &batch->root, "receipts", &table, &table_size, err));
    assay_status status = assay_arena_get(arena, table_size, 1, "table", &room, err);
    if (status == ASSAY_OK) *out = (assay_bytes){memcpy(room, table, table_size), table_size};
    free(table);
    ASSAY_TRY(status);
    if (!leaf) return ASSAY_OK;
    ASSAY_TRY(assay_receipts_read(&receipts, &count, out->data, out->size, ASSAY_BATCH_RECEIPTS_MAX,
                                  arena, err));
    ASSAY_TRY(assay_receipt_leaves(&leaves, receipts, count, arena, err));
    uint32_t index = assay_sumtree_find(NULL, leaves, count, position);
    snprintf(name, sizeof name, "leaf/%u", index);
    ASSAY_TRY(assay_provider_evidence(provider, &batch->root, name, &ids, &ids_size, err));
    status = assay_posting_write(out, receipts, count, index, ids, ids_size, arena, err);
    free(ids);
    return status;
}

// An accusation, as the node tells it.
typedef struct {
    assay_hash id;
    uint32_t sample;
    uint64_t position;
    bool leaf_posted;
    bool table_posted;
} accusation;

static assay_status accusation_read(accusation *out, const json_t *duty, assay_error *err) {
    uint64_t sample;
    ASSAY_TRY(assay_json_hash(&out->id, duty, "batch", err));
    ASSAY_TRY(assay_json_u64(&sample, duty, "sample", 0, UINT32_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->position, duty, "position", 0, UINT64_MAX, err));
    out->sample = (uint32_t)sample;
    out->leaf_posted = json_is_true(json_object_get(duty, "leaf_posted"));
    out->table_posted = json_is_true(json_object_get(duty, "table_posted"));
    return ASSAY_OK;
}

// Builds one posting and sends it, if it passes the ledger's own test: what that would drop is not
// worth its fees.
static assay_status posting_send(assay_provider *provider, const assay_batch *batch,
                                 const accusation *a, bool leaf, assay_arena *arena,
                                 assay_error *err) {
    assay_bytes posting;
    ASSAY_TRY(answer_build(provider, batch, a->position, leaf, &posting, arena, err));
    ASSAY_TRY(leaf ? assay_evidence_leaf_check(batch, a->position, posting.data, posting.size, err)
                   : assay_evidence_table_check(batch, posting.data, posting.size, err));
    return parts_post(provider, &a->id, a->sample, &posting, err);
}

// Table and leaf, whichever was asked for: there is one answer window a case, and who could not
// fetch the one will not get the other (P-60).
static assay_status accusation_answer(assay_provider *provider, const accusation *a,
                                      assay_error *err) {
    assay_batch batch;
    assay_batch_tables tables;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status =
        assay_batch_fetch(&batch, &tables, &provider->wallet->client, &a->id, &arena, err);
    if (status == ASSAY_OK && !a->table_posted)
        status = posting_send(provider, &batch, a, false, &arena, err);
    if (status == ASSAY_OK && !a->leaf_posted)
        status = posting_send(provider, &batch, a, true, &arena, err);
    assay_arena_close(&arena);
    return status;
}

static bool is_accusation(const json_t *duty) {
    const char *kind = json_string_value(json_object_get(duty, "kind"));
    return kind && (strcmp(kind, "answer_leaf") == 0 || strcmp(kind, "answer_table") == 0);
}

assay_status assay_provider_defend(assay_provider *provider, uint32_t *count, assay_error *err) {
    char address[ASSAY_HEX_HASH_MAX];
    json_t *document;
    const json_t *duties;
    accusation last = {.sample = UINT32_MAX};
    *count = 0;
    if (provider->options.misbehaviour == ASSAY_MISBEHAVE_WITHHOLD) return ASSAY_OK;
    assay_hex_encode_0x(address, provider->wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_client_get(&document, &provider->wallet->client, err, "duties/%s", address));
    assay_status status = assay_json_array(&duties, document, "duties", DUTIES_MAX, err);
    size_t duty_count = status == ASSAY_OK ? json_array_size(duties) : 0;
    for (size_t i = 0; i < duty_count; i++) {
        const json_t *duty = json_array_get(duties, i);
        accusation a;
        assay_error why = {0};
        if (!is_accusation(duty)) continue;
        assay_status answered = accusation_read(&a, duty, &why);
        // Both kinds of one case stand together, and are answered together.
        if (answered == ASSAY_OK && a.sample == last.sample && assay_hash_equal(&a.id, &last.id))
            continue;
        if (answered == ASSAY_OK) {
            last = a;
            answered = accusation_answer(provider, &a, &why);
        }
        if (answered == ASSAY_OK)
            (*count)++;
        else if (status == ASSAY_OK)
            status = assay_fail(err, answered, why.reject, "%s", why.text);
    }
    json_decref(document);
    return status;
}
