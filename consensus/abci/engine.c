// SPDX-License-Identifier: Apache-2.0
// CometBFT keeps the order and the blocks; this process keeps the state. Who may be ahead of whom
// (E-29):
//
//   committed(H) ──prepare, process──▶ committed(H) ──finalize──▶ finalised(H+1)
//   finalised(H+1) ──commit──▶ committed(H+1)
//     crash in finalised: the state is that of H, and CometBFT's handshake sends H+1 again.
//     finalize again in finalised (a restarted engine): drops the open block and executes it anew.
//     crash after commit, before CometBFT has noted it: the handshake finds this side one ahead of
//     CometBFT's own state, which it fills from its stored results.
//
// Invariants, each with its test in tests/consensus/test_abci_engine.c:
//  A1 this side is never ahead of CometBFT's block store: only blocks it sent are executed
//     (replays_what_is_lacking)
//  A2 init_chain, proposals, finalize, commit and what brings another state run on one thread, one
//     at a time, whichever connection they come from (calls_meet_one_thread)
//  A3 queries and checks wait for none of those (queries_pass_a_slow_block)
//  A4 a transaction is reported committed only after its block is (fates_follow_commits)
#include "consensus/abci/engine_private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "consensus/clock.h"

enum {
    APP_VERSION = ASSAY_APP_PROTOCOL,
    CODE_UNSUPPORTED = 1, // of InsertTx and of unknown queries; the ledger's own begin at 100
    WAITING_MAX = ASSAY_FATES_MAX,
};

// --- the consensus thread ---

static void *thread_main(void *argument) {
    assay_abci_engine *engine = argument;
    pthread_mutex_lock(&engine->lock);
    for (;;) {
        while (!engine->stopping && (!engine->job || engine->job->done))
            pthread_cond_wait(&engine->changed, &engine->lock);
        if (engine->stopping) break;
        assay_abci_job *job = engine->job;
        pthread_mutex_unlock(&engine->lock);
        job->status = assay_abci_block_call(engine, job->request, job->reply, job->arena, job->err);
        pthread_mutex_lock(&engine->lock);
        job->done = true;
        pthread_cond_broadcast(&engine->changed);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

// Hands a request to the consensus thread and waits for its answer.
static assay_status on_thread(assay_abci_engine *engine, const assay_abci_request *request,
                              assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    assay_error why = {0};
    assay_abci_job job = {request, reply, arena, &why, ASSAY_OK, false};
    pthread_mutex_lock(&engine->lock);
    while (engine->job)
        pthread_cond_wait(&engine->changed, &engine->lock);
    engine->job = &job;
    pthread_cond_broadcast(&engine->changed);
    while (!job.done)
        pthread_cond_wait(&engine->changed, &engine->lock);
    engine->job = NULL;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    if (job.status == ASSAY_OK) return ASSAY_OK;
    return assay_error_pass(err, &why);
}

// --- what CometBFT asks of any thread ---

// E-21
static assay_status info_call(assay_abci_engine *engine, assay_abci_reply *reply,
                              assay_arena *arena, assay_error *err) {
    const assay_application *app = &engine->options.application;
    assay_app_info info;
    app->info(app->self, &info);
    reply->info.data = assay_text_bytes("assay");
    reply->info.version = assay_text_bytes(ASSAY_PROGRAM_VERSION);
    reply->info.app_version = APP_VERSION;
    // Before CometBFT's first block the state is not its own yet, and it is to ask for InitChain.
    if (info.height < engine->options.initial_height) return ASSAY_OK;
    reply->info.height = (int64_t)info.height;
    return assay_abci_copy(&reply->info.app_hash, info.app_hash.bytes, ASSAY_HASH_SIZE, arena, err);
}

// Remembers that an accepted transaction waits; where there is no room it is merely not known.
static void waiting_add(assay_abci_engine *engine, const assay_hash *id) {
    assay_idtable *now = &engine->waiting[0];
    pthread_mutex_lock(&engine->lock);
    if (!assay_idtable_get(now, id) && now->count < WAITING_MAX &&
        assay_idtable_reserve(now, now->count + 1, NULL) == ASSAY_OK)
        assay_idtable_put(now, id, 0);
    pthread_mutex_unlock(&engine->lock);
}

// E-7, E-22: what a transaction meets whatever it is – no state yet, no more room for those that
// wait – is an answer. The rest that is no rule's refusal is this machine's trouble.
static bool check_code(uint32_t *code, assay_status status, const assay_error *refusal) {
    *code = status == ASSAY_REJECTED ? refusal->reject : ASSAY_ABCI_NOT_NOW;
    return status == ASSAY_REJECTED || status == ASSAY_NOT_FOUND || status == ASSAY_CAPACITY;
}

// E-22
static assay_status check_call(assay_abci_engine *engine, const assay_abci_request *request,
                               assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    const assay_application *app = &engine->options.application;
    const assay_bytes *tx = &request->check_tx.tx;
    assay_error refusal = {0};
    assay_hash id;
    bool again = request->check_tx.recheck;
    assay_status status = app->check_tx(app->self, tx->data, tx->size, again, &id, &refusal);
    if (status == ASSAY_OK) {
        waiting_add(engine, &id);
        return assay_abci_copy(&reply->check_tx.data, id.bytes, sizeof id.bytes, arena, err);
    }
    if (!check_code(&reply->check_tx.code, status, &refusal))
        return assay_error_pass(err, &refusal);
    reply->check_tx.codespace = assay_text_bytes("assay");
    return assay_abci_copy(&reply->check_tx.log, refusal.text, strlen(refusal.text), arena, err);
}

// E-22
static void expect(void *self, const assay_bytes *txs, uint32_t count) {
    const assay_application *app = &((assay_abci_engine *)self)->options.application;
    app->expect(app->self, txs, count);
}

static assay_status answer(assay_abci_engine *engine, const assay_abci_request *request,
                           assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    switch (request->kind) {
    case ASSAY_ABCI_INFO:
        return info_call(engine, reply, arena, err);
    case ASSAY_ABCI_CHECK_TX:
        return check_call(engine, request, reply, arena, err);
    case ASSAY_ABCI_QUERY: // E-27: a node's own API answers, with proofs
        reply->query.result.code = CODE_UNSUPPORTED;
        reply->query.result.log = assay_text_bytes("queries are answered by the node's HTTP API");
        return ASSAY_OK;
    case ASSAY_ABCI_EXTEND_VOTE:
        return ASSAY_OK; // E-26: an empty extension
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        reply->process.status =
            request->verify.extension.size == 0 ? ASSAY_ABCI_ACCEPT : ASSAY_ABCI_REJECT;
        return ASSAY_OK;
    case ASSAY_ABCI_INSERT_TX: // E-28
        reply->check_tx.code = CODE_UNSUPPORTED;
        return ASSAY_OK;
    case ASSAY_ABCI_REAP_TXS:
        return ASSAY_OK;
    case ASSAY_ABCI_LIST_SNAPSHOTS:
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        return assay_abci_snapshot_call(engine, request, reply, arena, err);
    case ASSAY_ABCI_INIT_CHAIN:
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_FINALIZE_BLOCK:
    case ASSAY_ABCI_COMMIT:
    case ASSAY_ABCI_OFFER_SNAPSHOT:
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        return on_thread(engine, request, reply, arena, err);
    default:
        return ASSAY_FAIL(err, FORMAT, "no answer to a request of kind %d", request->kind);
    }
}

void assay_abci_engine_fail(assay_abci_engine *engine, const assay_error *why) {
    pthread_mutex_lock(&engine->lock);
    engine->failure = *why;
    pthread_mutex_unlock(&engine->lock);
}

// E-90: CometBFT ends at any Exception, so this side does too, and both are started again.
static assay_status call(void *self, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err) {
    assay_error why = {0};
    assay_status status = answer(self, request, reply, arena, &why);
    if (status == ASSAY_OK) return ASSAY_OK;
    assay_abci_engine_fail(self, &why);
    return assay_error_pass(err, &why);
}

assay_abci_application assay_abci_engine_application(assay_abci_engine *engine) {
    return (assay_abci_application){engine, call,
                                    engine->options.application.expect ? expect : NULL};
}

// --- after a commit ---

void assay_abci_engine_publish(assay_abci_engine *engine) {
    const assay_abci_finalized *block = &engine->finalized;
    const assay_executed *all = &block->executed;
    pthread_mutex_lock(&engine->lock);
    for (uint32_t i = 0; i < all->count; i++) {
        assay_fates_add(&engine->fates, &all->ids[i], block->height, i, &all->results[i],
                        all->texts[i]);
        assay_idtable_delete(&engine->waiting[0], &all->ids[i]);
    }
    // CometBFT checks what still waits again: what it does not is forgotten at the next commit.
    assay_idtable oldest = engine->waiting[1];
    engine->waiting[1] = engine->waiting[0];
    engine->waiting[0] = oldest;
    if (oldest.count) assay_idtable_clear(&engine->waiting[0]);
    engine->height = block->height;
    engine->rounds_last = block->rounds;
    engine->rounds += block->rounds;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
}

// --- what a node asks ---

static assay_status submit(void *self, const void *tx, size_t size, assay_hash *id,
                           assay_error *err) {
    const assay_abci_engine *engine = self;
    const assay_abci_peer *peer = &engine->options.peer;
    assay_sha256_of(id, tx, size);
    return peer->submit(peer->self, tx, size, err);
}

static uint64_t height(void *self) {
    assay_abci_engine *engine = self;
    pthread_mutex_lock(&engine->lock);
    uint64_t last = engine->height;
    pthread_mutex_unlock(&engine->lock);
    return last;
}

// Where there is no index: in the last `depth` blocks, or in those that CometBFT has kept.
static assay_status blocks_search(assay_abci_engine *engine, const assay_hash *id, uint64_t depth,
                                  assay_tx_fate *out, assay_error *err) {
    enum { ARENA_MAX = 64 << 20, SECONDS = 5 }; // of one block, of all: others wait meanwhile
    const assay_abci_peer *peer = &engine->options.peer;
    assay_status status = ASSAY_OK;
    uint64_t last = height(engine), until = assay_clock_ns() + SECONDS * UINT64_C(1000000000);
    for (uint64_t i = 0; i < depth && i < last && status == ASSAY_OK; i++) {
        status = assay_fate_fetch(out, peer->block, peer->self, last - i, ARENA_MAX, id, err);
        if (out->state != ASSAY_TX_UNKNOWN) break;
        if (status == ASSAY_OK && assay_clock_ns() > until)
            status = ASSAY_FAIL(err, TIMEOUT, "%llu of CometBFT's blocks took longer than %d s",
                                (ull)(i + 1), SECONDS);
    }
    return status == ASSAY_NOT_FOUND ? ASSAY_OK : status;
}

static assay_status find(void *self, const assay_hash *id, uint64_t depth, assay_tx_fate *out,
                         assay_error *err) {
    assay_abci_engine *engine = self;
    const assay_abci_peer *peer = &engine->options.peer;
    *out = (assay_tx_fate){.state = ASSAY_TX_UNKNOWN};
    pthread_mutex_lock(&engine->lock);
    if (!assay_fates_find(&engine->fates, id, out) &&
        (assay_idtable_get(&engine->waiting[0], id) || assay_idtable_get(&engine->waiting[1], id)))
        out->state = ASSAY_TX_PENDING;
    pthread_mutex_unlock(&engine->lock);
    if (out->state != ASSAY_TX_UNKNOWN || depth == 0) return ASSAY_OK;
    assay_status status = peer->find(peer->self, id, out, err);
    return status == ASSAY_NOT_FOUND ? blocks_search(engine, id, depth, out, err) : status;
}

static uint64_t wait(void *self, uint64_t height, uint32_t timeout_ms) {
    assay_abci_engine *engine = self;
    struct timespec deadline;
    assay_deadline_in(&deadline, timeout_ms);
    pthread_mutex_lock(&engine->lock);
    while (engine->height <= height && !engine->stopping &&
           pthread_cond_timedwait(&engine->changed, &engine->lock, &deadline) != ETIMEDOUT) {
    }
    uint64_t reached = engine->height;
    pthread_mutex_unlock(&engine->lock);
    return reached;
}

// Every block changes the app hash, so CometBFT makes the next one by itself.
static void nudge(void *self) {}

static uint32_t waiting(void *self) {
    assay_abci_engine *engine = self;
    pthread_mutex_lock(&engine->lock);
    uint32_t count = engine->waiting[0].count;
    pthread_mutex_unlock(&engine->lock);
    return count;
}

static assay_status health(void *self, assay_error *err) {
    assay_abci_engine *engine = self;
    pthread_mutex_lock(&engine->lock);
    assay_status status = ASSAY_OK;
    if (engine->failure.status != ASSAY_OK) status = assay_error_pass(err, &engine->failure);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

static assay_status block(void *self, uint64_t at, assay_block *out, assay_arena *arena,
                          uint8_t **data, assay_error *err) {
    const assay_abci_engine *engine = self;
    const assay_abci_peer *peer = &engine->options.peer;
    return peer->block(peer->self, at, out, arena, data, err);
}

static assay_status light_block(void *self, uint64_t at, json_t **out, assay_error *err) {
    const assay_abci_engine *engine = self;
    const assay_abci_peer *peer = &engine->options.peer;
    return peer->light_block(peer->self, at, out, err);
}

assay_chain_engine assay_abci_engine_calls(assay_abci_engine *engine) {
    return (assay_chain_engine){engine,  submit, find,   wait,  nudge,
                                waiting, height, health, block, light_block};
}

void assay_abci_engine_rounds(assay_abci_engine *engine, uint64_t *last, uint64_t *sum) {
    pthread_mutex_lock(&engine->lock);
    *last = engine->rounds_last;
    *sum = engine->rounds;
    pthread_mutex_unlock(&engine->lock);
}

void assay_abci_engine_proposals(assay_abci_engine *engine, assay_abci_proposals *out) {
    pthread_mutex_lock(&engine->lock);
    *out = engine->proposals;
    pthread_mutex_unlock(&engine->lock);
}

void assay_abci_engine_sync(assay_abci_engine *engine, assay_abci_sync *out) {
    pthread_mutex_lock(&engine->lock);
    *out = engine->sync;
    pthread_mutex_unlock(&engine->lock);
}

// --- life ---

assay_status assay_abci_engine_open(assay_abci_engine **out,
                                    const assay_abci_engine_options *options, assay_error *err) {
    *out = NULL;
    size_t length = strlen(options->chain_id);
    if (length == 0 || length > ASSAY_CHAIN_ID_MAX)
        return ASSAY_FAIL(err, RANGE, "chain id of %zu characters, limits 1 to %d", length,
                          ASSAY_CHAIN_ID_MAX);
    assay_abci_engine *engine = calloc(1, sizeof *engine);
    if (!engine) return ASSAY_FAIL(err, MEMORY, "no memory for an engine");
    engine->options = *options;
    if (!engine->options.initial_height) engine->options.initial_height = 1;
    memcpy(engine->chain_id, options->chain_id, length + 1);
    assay_arena_init(&engine->arena, ASSAY_ABCI_BLOCK_ARENA_MAX);
    pthread_mutex_init(&engine->lock, NULL);
    assay_deadline_cond_init(&engine->changed);
    assay_app_info info;
    options->application.info(options->application.self, &info);
    engine->height = info.height;
    assay_status status = assay_fates_open(&engine->fates, err);
    if (status == ASSAY_OK) {
        int error_number = pthread_create(&engine->thread, NULL, thread_main, engine);
        engine->running = error_number == 0;
        if (error_number)
            status = assay_fail_errno(err, error_number, "cannot start the consensus thread");
    }
    if (status != ASSAY_OK) {
        assay_abci_engine_close(engine);
        return status;
    }
    *out = engine;
    return ASSAY_OK;
}

void assay_abci_engine_close(assay_abci_engine *engine) {
    if (!engine) return;
    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    if (engine->running) pthread_join(engine->thread, NULL);
    for (int i = 0; i < 2; i++)
        assay_idtable_close(&engine->waiting[i]);
    assay_fates_close(&engine->fates);
    assay_arena_close(&engine->arena);
    pthread_cond_destroy(&engine->changed);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}
