// SPDX-License-Identifier: Apache-2.0
// State: the block log, and the application, whose height is never above the log's.
//
//   opened ──replay──▶ level ──prepare, finalise──▶ finalised ──log fsynced──▶ logged ──commit──▶
//   level
//     crash in finalised: nothing happened      crash in logged: replay does it again
//
// Invariants, each with its test in tests/consensus/test_solo.c:
//  S1 log height == application height or that + 1, at any instant (test_crash_points)
//  S2 a committed block is in the log, whole and signed, before the application persists it
//     (test_crash_points)
//  S3 replay comes to the recorded results and application hash, or the engine refuses to go on
//     (test_divergence)
//  S4 header times rise strictly, whatever the clock does (test_clock_back)
//  S5 a transaction is reported committed only when its block is (test_fates)
#include "consensus/solo.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/merkle.h"
#include "base/sha256.h"
#include "consensus/mempool.h"
#include "consensus/protobuf.h"

enum { BLOCK_ARENA_MAX = 256 << 20, STEP_NANOS = 1000000 };

typedef struct {
    assay_hash id;
    assay_tx_fate fate;
} recent_tx;

struct assay_solo {
    assay_solo_options options;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    assay_blocklog *log;
    assay_arena arena; // of the block in work
    uint8_t public_key[ASSAY_ED25519_KEY_SIZE];
    assay_address validator;

    // The end of the chain: what the next header refers to.
    assay_commit last_commit; // height 0: none yet
    assay_time last_time;
    assay_hash last_results_hash;
    assay_hash app_hash;

    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    assay_mempool mempool;
    recent_tx *recent; // ring [ASSAY_SOLO_RECENT_MAX]
    uint64_t recent_count;
    uint64_t height;
    bool running;
    bool stopping;
    bool nudged;
    pthread_t thread;
    assay_error failure;
};

static void consensus_hash(assay_hash *out) {
    // HashedParams {block_max_bytes = 1, block_max_gas = 2 (-1: no limit)}.
    uint8_t bytes[32];
    assay_writer writer;
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_protobuf_u64(&writer, 1, ASSAY_BLOCK_SIZE_MAX);
    assay_protobuf_u64(&writer, 2, UINT64_MAX);
    assay_sha256_of(out, bytes, writer.size);
}

static bool time_after(const assay_time *a, const assay_time *b) {
    return a->seconds != b->seconds ? a->seconds > b->seconds : a->nanos > b->nanos;
}

static assay_time time_next(const assay_solo *solo) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    assay_time time = {(uint64_t)now.tv_sec, (uint32_t)now.tv_nsec};
    if (time_after(&time, &solo->last_time)) return time;
    time = solo->last_time;
    time.nanos += STEP_NANOS;
    if (time.nanos >= 1000000000) {
        time.nanos -= 1000000000;
        time.seconds++;
    }
    return time;
}

static assay_status header_fill(assay_solo *solo, assay_block *block, assay_error *err) {
    assay_header *header = &block->header;
    bool first = solo->last_commit.height == 0;
    memset(header, 0, sizeof *header);
    memcpy(header->chain_id, solo->chain_id, sizeof header->chain_id);
    header->height = solo->last_commit.height + 1;
    header->time = time_next(solo);
    if (!first) header->last_block = solo->last_commit.block;
    assay_commit_hash(&header->last_commit_hash, first ? NULL : &solo->last_commit);
    ASSAY_TRY(
        assay_block_data_hash(&header->data_hash, block->txs, block->tx_count, &solo->arena, err));
    assay_validators_hash(&header->validators_hash, solo->public_key, solo->options.power);
    header->next_validators_hash = header->validators_hash;
    consensus_hash(&header->consensus_hash);
    header->app_hash = solo->app_hash;
    header->last_results_hash = solo->last_results_hash;
    assay_merkle_root(&header->evidence_hash, NULL, 0);
    header->proposer = solo->validator;
    return ASSAY_OK;
}

static assay_status block_execute(assay_solo *solo, const assay_block *block,
                                  assay_tx_result *results, assay_hash *app_hash,
                                  assay_error *err) {
    const assay_application *app = &solo->options.application;
    assay_engine_block input = {block->header.height, block->header.time,
                                solo->options.operator_address, block->txs, block->tx_count};
    memset(results, 0, block->tx_count * sizeof *results);
    return app->finalize_block(app->self, &input, results, app_hash, err);
}

// Makes the chain's end that of `block`. Spec: C-14.
static assay_status end_advance(assay_solo *solo, const assay_block *block, assay_error *err) {
    ASSAY_TRY(assay_results_hash(&solo->last_results_hash, block->results, block->tx_count,
                                 &solo->arena, err));
    solo->last_commit = block->commit;
    solo->last_time = block->header.time;
    solo->app_hash = block->app_hash_after;
    pthread_mutex_lock(&solo->lock);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        recent_tx *recent = &solo->recent[solo->recent_count++ % ASSAY_SOLO_RECENT_MAX];
        assay_sha256_of(&recent->id, block->txs[i].data, block->txs[i].size);
        recent->fate =
            (assay_tx_fate){ASSAY_TX_COMMITTED, block->header.height, i, block->results[i]};
    }
    solo->height = block->header.height;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    return ASSAY_OK;
}

// Checks that a logged block follows the chain's end and is signed by this chain's validator.
static assay_status block_follows(const assay_solo *solo, const assay_block *block,
                                  assay_error *err) {
    const assay_header *header = &block->header;
    if (header->height != solo->last_commit.height + 1 ||
        memcmp(&header->last_block.hash, &solo->last_commit.block.hash, ASSAY_HASH_SIZE) != 0)
        return ASSAY_FAIL(err, CORRUPT, "block log has height %llu after %llu, or another parent",
                          (unsigned long long)header->height,
                          (unsigned long long)solo->last_commit.height);
    return assay_commit_check(&block->commit, header, solo->chain_id, solo->public_key,
                              solo->options.power, err);
}

// Executes a logged block again and compares. Spec: C-16.
static assay_status block_replay(assay_solo *solo, const assay_block *block, assay_error *err) {
    const assay_application *app = &solo->options.application;
    assay_hash app_hash;
    void *room;
    ASSAY_TRY(assay_arena_get(&solo->arena, block->tx_count, sizeof(assay_tx_result), "results",
                              &room, err));
    assay_tx_result *results = room;
    ASSAY_TRY(block_execute(solo, block, results, &app_hash, err));
    if (!assay_hash_equal(&app_hash, &block->app_hash_after) ||
        (block->tx_count &&
         memcmp(results, block->results, block->tx_count * sizeof *results) != 0))
        return ASSAY_FAIL(err, CORRUPT, "replaying height %llu comes to another state or results",
                          (unsigned long long)block->header.height);
    return app->commit(app->self, err);
}

static assay_status log_replay(assay_solo *solo, assay_error *err) {
    const assay_application *app = &solo->options.application;
    assay_engine_info info;
    app->info(app->self, &info);
    if (!info.initialised) {
        ASSAY_TRY(app->init_chain(app->self, err));
        app->info(app->self, &info);
    }
    uint64_t count = assay_blocklog_count(solo->log);
    if (info.height > count)
        return ASSAY_FAIL(err, CORRUPT, "state is at height %llu, block log ends at %llu",
                          (unsigned long long)info.height, (unsigned long long)count);
    // The block before the first to replay gives the chain's end; earlier ones are not needed.
    solo->app_hash = info.app_hash;
    for (uint64_t i = info.height ? info.height - 1 : 0; i < count; i++) {
        uint8_t *data;
        size_t size;
        assay_block block;
        ASSAY_TRY(assay_blocklog_read(solo->log, i, &data, &size, err));
        assay_status status = assay_block_read(&block, data, size, &solo->arena, err);
        if (status == ASSAY_OK && i + 1 > info.height) {
            status = block_follows(solo, &block, err);
            if (status == ASSAY_OK) status = block_replay(solo, &block, err);
        } else if (status == ASSAY_OK && !assay_hash_equal(&block.app_hash_after, &info.app_hash)) {
            status = ASSAY_FAIL(err, CORRUPT, "state of height %llu is not the block log's",
                                (unsigned long long)info.height);
        }
        if (status == ASSAY_OK) status = end_advance(solo, &block, err);
        free(data);
        assay_arena_reset(&solo->arena);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

assay_status assay_solo_open(assay_solo **out, const assay_solo_options *options,
                             assay_error *err) {
    *out = NULL;
    size_t length = strlen(options->chain_id);
    if (length == 0 || length > ASSAY_CHAIN_ID_MAX)
        return ASSAY_FAIL(err, RANGE, "chain id of %zu characters, limits 1 to %d", length,
                          ASSAY_CHAIN_ID_MAX);
    assay_solo *solo = calloc(1, sizeof *solo);
    if (!solo) return ASSAY_FAIL(err, MEMORY, "no memory for the solo engine");
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&solo->lock, NULL);
    pthread_cond_init(&solo->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    solo->options = *options;
    solo->last_time.seconds = options->genesis_seconds;
    memcpy(solo->chain_id, options->chain_id, length + 1);
    assay_arena_init(&solo->arena, BLOCK_ARENA_MAX);
    assay_merkle_root(&solo->last_results_hash, NULL, 0);
    solo->recent = calloc(ASSAY_SOLO_RECENT_MAX, sizeof *solo->recent);
    assay_status status = solo->recent ? assay_ed25519_public(solo->public_key, options->seed, err)
                                       : ASSAY_FAIL(err, MEMORY, "no memory for the solo engine");
    assay_ed25519_address(&solo->validator, solo->public_key);
    if (status == ASSAY_OK) status = assay_blocklog_open(&solo->log, options->folder, true, err);
    if (status == ASSAY_OK) status = log_replay(solo, err);
    if (status != ASSAY_OK) {
        assay_solo_close(solo);
        return status;
    }
    *out = solo;
    return ASSAY_OK;
}

// Lists the waiting transactions, lets the application choose, and lays the chosen out in the
// arena. The bytes stay owned by the mempool, which only this thread shrinks.
static assay_status proposal_make(assay_solo *solo, assay_block *block, assay_error *err) {
    const assay_application *app = &solo->options.application;
    void *candidates_room, *picked_room, *txs_room;
    assay_bytes first = {NULL, 0};
    pthread_mutex_lock(&solo->lock);
    uint32_t count = solo->mempool.count;
    assay_status status = assay_arena_get(&solo->arena, count, sizeof(assay_bytes), "candidates",
                                          &candidates_room, err);
    assay_bytes *candidates = candidates_room;
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++)
        candidates[i] = solo->mempool.entries[i].tx;
    pthread_mutex_unlock(&solo->lock);
    ASSAY_TRY(status);
    ASSAY_TRY(assay_arena_get(&solo->arena, count, sizeof(uint32_t), "picks", &picked_room, err));
    uint32_t *picked = picked_room, picked_count = 0;
    ASSAY_TRY(app->prepare_proposal(app->self, solo->last_commit.height + 1, candidates, count,
                                    picked, &picked_count, &first, err));
    ASSAY_TRY(assay_arena_get(&solo->arena, (size_t)picked_count + 1, sizeof(assay_bytes),
                              "transactions", &txs_room, err));
    assay_bytes *txs = txs_room;
    uint32_t at = 0;
    if (first.size) txs[at++] = first;
    for (uint32_t i = 0; i < picked_count; i++)
        txs[at++] = candidates[picked[i]];
    block->txs = txs;
    block->tx_count = at;
    return ASSAY_OK;
}

typedef struct {
    assay_solo *solo;
    const assay_block *block;
    assay_hash *ids; // of the block's transactions, ascending
} settled;

static int hash_order(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_HASH_SIZE);
}

// Whether a waiting transaction is still worth a block after this one.
static bool still_waiting(void *context, const assay_mempool_entry *entry) {
    settled *done = context;
    const assay_application *app = &done->solo->options.application;
    assay_hash id;
    if (done->block->tx_count &&
        bsearch(&entry->id, done->ids, done->block->tx_count, sizeof *done->ids, hash_order))
        return false;
    return app->check_tx(app->self, entry->tx.data, entry->tx.size, &id, NULL) == ASSAY_OK;
}

static assay_status mempool_settle(assay_solo *solo, const assay_block *block, assay_error *err) {
    const assay_application *app = &solo->options.application;
    void *room;
    ASSAY_TRY(
        assay_arena_get(&solo->arena, block->tx_count, sizeof(assay_hash), "ids", &room, err));
    settled done = {solo, block, room};
    for (uint32_t i = 0; i < block->tx_count; i++)
        assay_sha256_of(&done.ids[i], block->txs[i].data, block->txs[i].size);
    qsort(done.ids, block->tx_count, sizeof *done.ids, hash_order);
    pthread_mutex_lock(&solo->lock);
    app->recheck(app->self);
    assay_mempool_filter(&solo->mempool, still_waiting, &done);
    pthread_mutex_unlock(&solo->lock);
    return ASSAY_OK;
}

static assay_status block_make(assay_solo *solo, assay_error *err) {
    const assay_application *app = &solo->options.application;
    assay_block block = {0};
    assay_bytes record;
    void *room;
    ASSAY_TRY(proposal_make(solo, &block, err));
    ASSAY_TRY(header_fill(solo, &block, err));
    const assay_commit *last = solo->last_commit.height ? &solo->last_commit : NULL;
    block.commit.height = block.header.height;
    block.commit.time = block.header.time;
    ASSAY_TRY(assay_block_id_of(&block.commit.block, &block, last, &solo->arena, err));
    ASSAY_TRY(assay_commit_sign(&block.commit, solo->chain_id, solo->options.seed, err));
    ASSAY_TRY(assay_arena_get(&solo->arena, block.tx_count, sizeof(assay_tx_result), "results",
                              &room, err));
    block.results = room;
    ASSAY_TRY(block_execute(solo, &block, room, &block.app_hash_after, err));
    ASSAY_TRY(assay_block_write(&record, &block, &solo->arena, err));
    ASSAY_TRY(assay_blocklog_append(solo->log, record.data, record.size, err));
    ASSAY_TRY(app->commit(app->self, err));
    ASSAY_TRY(end_advance(solo, &block, err));
    return mempool_settle(solo, &block, err);
}

assay_status assay_solo_step(assay_solo *solo, assay_error *err) {
    assay_status status = block_make(solo, err);
    assay_arena_reset(&solo->arena);
    return status;
}

static void deadline_set(struct timespec *out, uint32_t ms) {
    clock_gettime(CLOCK_MONOTONIC, out);
    out->tv_sec += ms / 1000;
    out->tv_nsec += (long)(ms % 1000) * 1000000;
    if (out->tv_nsec >= 1000000000) {
        out->tv_nsec -= 1000000000;
        out->tv_sec++;
    }
}

static void *thread_main(void *argument) {
    assay_solo *solo = argument;
    const assay_application *app = &solo->options.application;
    pthread_mutex_lock(&solo->lock);
    while (!solo->stopping) {
        struct timespec next;
        deadline_set(&next, solo->options.block_ms);
        while (!solo->stopping &&
               pthread_cond_timedwait(&solo->changed, &solo->lock, &next) != ETIMEDOUT) {
        }
        while (!solo->stopping && !solo->nudged && solo->mempool.count == 0 &&
               !app->waiting(app->self))
            pthread_cond_wait(&solo->changed, &solo->lock);
        if (solo->stopping) break;
        solo->nudged = false;
        pthread_mutex_unlock(&solo->lock);
        assay_error failure = {0};
        assay_status status = assay_solo_step(solo, &failure);
        pthread_mutex_lock(&solo->lock);
        if (status == ASSAY_OK) continue;
        solo->failure = failure;
        solo->stopping = true;
    }
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    return NULL;
}

assay_status assay_solo_start(assay_solo *solo, assay_error *err) {
    int error_number = pthread_create(&solo->thread, NULL, thread_main, solo);
    if (error_number) return assay_fail_errno(err, error_number, "cannot start the solo engine");
    solo->running = true;
    return ASSAY_OK;
}

void assay_solo_close(assay_solo *solo) {
    if (!solo) return;
    pthread_mutex_lock(&solo->lock);
    solo->stopping = true;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    if (solo->running) pthread_join(solo->thread, NULL);
    assay_blocklog_close(solo->log);
    assay_mempool_close(&solo->mempool);
    assay_arena_close(&solo->arena);
    free(solo->recent);
    pthread_cond_destroy(&solo->changed);
    pthread_mutex_destroy(&solo->lock);
    free(solo);
}

assay_status assay_solo_submit(assay_solo *solo, const void *tx, size_t size, assay_hash *id,
                               assay_error *err) {
    const assay_application *app = &solo->options.application;
    pthread_mutex_lock(&solo->lock);
    assay_status status = solo->stopping ? ASSAY_FAIL(err, STOPPED, "the node is stopping")
                                         : app->check_tx(app->self, tx, size, id, err);
    if (status == ASSAY_OK) status = assay_mempool_add(&solo->mempool, tx, size, id, err);
    if (status == ASSAY_OK) pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    return status;
}

void assay_solo_nudge(assay_solo *solo) {
    pthread_mutex_lock(&solo->lock);
    solo->nudged = true;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
}

uint64_t assay_solo_height(assay_solo *solo) {
    pthread_mutex_lock(&solo->lock);
    uint64_t height = solo->height;
    pthread_mutex_unlock(&solo->lock);
    return height;
}

uint64_t assay_solo_wait(assay_solo *solo, uint64_t height, uint32_t timeout_ms) {
    struct timespec deadline;
    deadline_set(&deadline, timeout_ms);
    pthread_mutex_lock(&solo->lock);
    while (solo->height <= height && !solo->stopping &&
           pthread_cond_timedwait(&solo->changed, &solo->lock, &deadline) != ETIMEDOUT) {
    }
    uint64_t reached = solo->height;
    pthread_mutex_unlock(&solo->lock);
    return reached;
}

assay_status assay_solo_health(assay_solo *solo, assay_error *err) {
    pthread_mutex_lock(&solo->lock);
    assay_status status = solo->failure.status;
    if (err && status != ASSAY_OK) *err = solo->failure;
    pthread_mutex_unlock(&solo->lock);
    return status;
}

assay_status assay_solo_block(assay_solo *solo, uint64_t height, assay_block *block,
                              assay_arena *arena, uint8_t **data, assay_error *err) {
    size_t size;
    *data = NULL;
    if (height == 0 || height > assay_solo_height(solo))
        return ASSAY_FAIL(err, NOT_FOUND, "no block of height %llu, last is %llu",
                          (unsigned long long)height, (unsigned long long)assay_solo_height(solo));
    ASSAY_TRY(assay_blocklog_read(solo->log, height - 1, data, &size, err));
    assay_status status = assay_block_read(block, *data, size, arena, err);
    if (status == ASSAY_OK) return ASSAY_OK;
    free(*data);
    *data = NULL;
    return status;
}

// Looks for a transaction in one block of the log.
static assay_status block_search(assay_solo *solo, uint64_t height, const assay_hash *id,
                                 assay_tx_fate *out, assay_error *err) {
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    assay_arena_init(&arena, BLOCK_ARENA_MAX);
    assay_status status = assay_solo_block(solo, height, &block, &arena, &data, err);
    for (uint32_t i = 0; status == ASSAY_OK && i < block.tx_count; i++) {
        assay_hash found;
        assay_sha256_of(&found, block.txs[i].data, block.txs[i].size);
        if (!assay_hash_equal(&found, id)) continue;
        *out = (assay_tx_fate){ASSAY_TX_COMMITTED, height, i, block.results[i]};
        break;
    }
    free(data);
    assay_arena_close(&arena);
    return status;
}

assay_status assay_solo_find(assay_solo *solo, const assay_hash *id, uint64_t depth,
                             assay_tx_fate *out, assay_error *err) {
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&solo->lock);
    uint64_t height = solo->height;
    if (assay_mempool_has(&solo->mempool, id)) out->state = ASSAY_TX_PENDING;
    uint64_t known =
        solo->recent_count < ASSAY_SOLO_RECENT_MAX ? solo->recent_count : ASSAY_SOLO_RECENT_MAX;
    for (uint64_t i = 1; out->state != ASSAY_TX_COMMITTED && i <= known; i++) {
        const recent_tx *recent = &solo->recent[(solo->recent_count - i) % ASSAY_SOLO_RECENT_MAX];
        if (assay_hash_equal(&recent->id, id)) *out = recent->fate;
    }
    pthread_mutex_unlock(&solo->lock);
    for (uint64_t i = 0; out->state == ASSAY_TX_UNKNOWN && i < depth && i < height; i++)
        ASSAY_TRY(block_search(solo, height - i, id, out, err));
    return ASSAY_OK;
}
