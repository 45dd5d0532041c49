// SPDX-License-Identifier: Apache-2.0
#include "ledger/verify.h"

#include <pthread.h>
#include <stdlib.h>

#include "ledger/tx/reject.h"
#include "ledger/tx/typed.h"

// Ids are SHA-256 over bytes that include a valid signature: filling one set on purpose costs a
// signature for each entry and gains a second verification of someone's transaction.
enum { SET_COUNT = 1 << 14, WAY_COUNT = 4, LOCK_COUNT = 64, CHUNK_SIZE = 64 };
enum { TEXT_ROOM = ASSAY_ERROR_TEXT_MAX + 16 }; // of a refusal, beside what was decoded

typedef struct {
    assay_hash ids[WAY_COUNT];
    uint8_t next; // the way to overwrite
} id_set;

struct assay_verifier {
    assay_domain domain;
    pthread_mutex_t locks[LOCK_COUNT];
    id_set sets[SET_COUNT];
};

assay_status assay_verifier_open(assay_verifier **out, const assay_genesis *genesis,
                                 assay_error *err) {
    assay_verifier *verifier = calloc(1, sizeof *verifier);
    *out = verifier;
    if (verifier == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for a signature cache");
    assay_domain_init(&verifier->domain, genesis->chain_id, &genesis->hash);
    for (int i = 0; i < LOCK_COUNT; i++)
        pthread_mutex_init(&verifier->locks[i], NULL);
    return ASSAY_OK;
}

void assay_verifier_close(assay_verifier *verifier) {
    if (verifier == NULL) return;
    for (int i = 0; i < LOCK_COUNT; i++)
        pthread_mutex_destroy(&verifier->locks[i]);
    free(verifier);
}

static bool id_known(assay_verifier *verifier, const assay_hash *id) {
    uint32_t index = assay_load_be32(id->bytes) % SET_COUNT;
    const id_set *set = &verifier->sets[index];
    bool known = false;
    pthread_mutex_lock(&verifier->locks[index % LOCK_COUNT]);
    for (int i = 0; i < WAY_COUNT; i++)
        known |= assay_hash_equal(&set->ids[i], id);
    pthread_mutex_unlock(&verifier->locks[index % LOCK_COUNT]);
    return known;
}

static void id_remember(assay_verifier *verifier, const assay_hash *id) {
    uint32_t index = assay_load_be32(id->bytes) % SET_COUNT;
    id_set *set = &verifier->sets[index];
    pthread_mutex_lock(&verifier->locks[index % LOCK_COUNT]);
    set->ids[set->next] = *id;
    set->next = (uint8_t)((set->next + 1) % WAY_COUNT);
    pthread_mutex_unlock(&verifier->locks[index % LOCK_COUNT]);
}

static assay_status decode_and_verify(assay_verifier *verifier, assay_verified_tx *out,
                                      assay_arena *arena, assay_error *err) {
    const assay_bytes *bytes = &out->bytes;
    ASSAY_TRY(assay_tx_decode(&out->tx, bytes->data, bytes->size, arena, err));
    if (out->tx.kind == ASSAY_TX_OPEN_SESSION || out->tx.kind == ASSAY_TX_SUBMIT_BATCH)
        assay_tx_digest(&out->digest, &out->tx, &verifier->domain);
    if (id_known(verifier, &out->id)) return ASSAY_OK;
    return assay_tx_verify(&out->tx, &verifier->domain, err);
}

// check_tx sees a transaction first and remembers it; a block's own verification does not, since
// nothing asks again. Returns what a refusal leaves: a code and a sentence in the arena.
static assay_status check(assay_verifier *verifier, assay_verified_tx *out, assay_bytes bytes,
                          assay_arena *arena, assay_error *err) {
    assay_error refusal = {0};
    out->bytes = bytes;
    out->digest = (assay_hash){{0}};
    out->code = 0;
    out->text = "";
    assay_tx_id(&out->id, bytes.data, bytes.size);
    assay_status status = decode_and_verify(verifier, out, arena, &refusal);
    if (status == ASSAY_OK) return ASSAY_OK;
    if (status != ASSAY_REJECTED) return assay_error_pass(err, &refusal);
    assay_bytes text;
    size_t size = strlen(refusal.text) + 1;
    ASSAY_TRY(assay_arena_copy(arena, refusal.text, size, "a refusal", &text, err));
    out->code = refusal.reject;
    out->text = (const char *)text.data;
    return ASSAY_OK;
}

assay_status assay_verifier_check(assay_verifier *verifier, assay_verified_tx *out,
                                  assay_bytes bytes, assay_arena *arena, assay_error *err) {
    ASSAY_TRY(check(verifier, out, bytes, arena, err));
    if (out->code == 0 && !id_known(verifier, &out->id)) id_remember(verifier, &out->id);
    return ASSAY_OK;
}

// Of a run, each transaction that is not remembered, once.
typedef struct {
    assay_verifier *verifier;
    uint32_t count;
    assay_bytes txs[ASSAY_VERIFIER_AHEAD_MAX];
    assay_hash ids[ASSAY_VERIFIER_AHEAD_MAX];
} ahead_job;

static void ahead_add(ahead_job *job, const assay_bytes *tx) {
    assay_hash *id = &job->ids[job->count];
    assay_tx_id(id, tx->data, tx->size);
    if (id_known(job->verifier, id)) return;
    for (uint32_t i = 0; i < job->count; i++)
        if (assay_hash_equal(&job->ids[i], id)) return;
    job->txs[job->count++] = *tx;
}

static void ahead_check(void *context, size_t index) {
    ahead_job *job = context;
    assay_verified_tx tx = {.bytes = job->txs[index], .id = job->ids[index]};
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    if (decode_and_verify(job->verifier, &tx, &arena, NULL) == ASSAY_OK)
        id_remember(job->verifier, &tx.id);
    assay_arena_close(&arena);
}

void assay_verifier_expect(assay_verifier *verifier, const assay_bytes *txs, uint32_t count,
                           assay_pool *pool) {
    ahead_job job = {.verifier = verifier};
    for (uint32_t i = 0; i < count && i < ASSAY_VERIFIER_AHEAD_MAX; i++)
        ahead_add(&job, &txs[i]);
    if (job.count > 1) (void)assay_pool_try_run(pool, job.count, ahead_check, &job);
}

typedef struct {
    assay_verifier *verifier;
    assay_verified *verified;
    const assay_bytes *txs;
    pthread_mutex_t lock; // guards error
    assay_error error;
} check_job;

static void check_chunk(void *context, size_t index) {
    check_job *job = context;
    uint32_t first = (uint32_t)index * CHUNK_SIZE;
    uint32_t last =
        job->verified->count - first < CHUNK_SIZE ? job->verified->count : first + CHUNK_SIZE;
    for (uint32_t i = first; i < last; i++) {
        assay_error error = {0};
        if (check(job->verifier, &job->verified->txs[i], job->txs[i], &job->verified->arenas[index],
                  &error) == ASSAY_OK)
            continue;
        pthread_mutex_lock(&job->lock);
        job->error = error;
        pthread_mutex_unlock(&job->lock);
    }
}

assay_status assay_verifier_check_all(assay_verifier *verifier, assay_verified *out,
                                      const assay_bytes *txs, uint32_t count, assay_pool *pool,
                                      assay_error *err) {
    uint32_t chunk_count = count / CHUNK_SIZE + (count % CHUNK_SIZE != 0);
    *out = (assay_verified){.count = count, .arena_count = chunk_count};
    if (count == 0) return ASSAY_OK;
    out->txs = malloc(count * sizeof *out->txs);
    out->arenas = calloc(chunk_count, sizeof *out->arenas);
    if (out->txs == NULL || out->arenas == NULL) {
        assay_verified_close(out);
        return ASSAY_FAIL(err, MEMORY, "no memory for %u transactions", count);
    }
    for (uint32_t i = 0; i < chunk_count; i++)
        assay_arena_init(&out->arenas[i], (size_t)CHUNK_SIZE * (ASSAY_TX_ARENA_MAX + TEXT_ROOM));
    check_job job = {verifier, out, txs, PTHREAD_MUTEX_INITIALIZER, {0}};
    assay_pool_run(pool, chunk_count, check_chunk, &job);
    pthread_mutex_destroy(&job.lock);
    if (job.error.status == ASSAY_OK) return ASSAY_OK;
    assay_verified_close(out);
    return assay_error_pass(err, &job.error);
}

void assay_verified_close(assay_verified *verified) {
    for (uint32_t i = 0; verified->arenas != NULL && i < verified->arena_count; i++)
        assay_arena_close(&verified->arenas[i]);
    free(verified->arenas);
    free(verified->txs);
    *verified = (assay_verified){0};
}
