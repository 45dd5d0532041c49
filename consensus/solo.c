// SPDX-License-Identifier: Apache-2.0
// State: the block log, and the application, whose height is never above the log's.
//
//   opened ──replay──▶ level ──prepare, finalise──▶ finalised
//   finalised ──log fsynced──▶ logged ──commit──▶ level
//     crash or failure in finalised: nothing happened
//     crash in logged: replay does it again          failure in logged: the next step commits it
//
// Invariants, each with its test in tests/consensus/test_solo.c:
//  S1 log height == application height or that + 1, at any instant (test_crash_points,
//     test_commit_fails)
//  S2 a committed block is in the log, whole and signed, before the application persists it
//     (test_crash_points)
//  S3 replay comes to the recorded results and application hash, or the engine refuses to go on
//     (test_divergence)
//  S4 header times rise strictly, whatever the clock does (test_clock_back)
//  S5 a transaction is reported committed only when its block is (test_fates)
//
// Locks, outermost first: gate (submitters share it, so that what they check and what they add are
// one step to the one who checks everything again after a block), lock (everything else shared).
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "consensus/solo_private.h"

static_assert((int)ASSAY_MEMPOOL_COUNT_MAX < (int)ASSAY_BLOCK_TXS_MAX,
              "one more place is the proposer's");

// --- the block in work: all that can fail comes before the log ---

assay_status assay_solo_execute(assay_solo *solo, assay_hash *app_hash, assay_error *err) {
    const assay_application *app = &solo->options.application;
    assay_solo_work *work = &solo->work;
    const assay_block *block = &work->block;
    const assay_engine_block input = {.height = block->header.height,
                                      .time = block->header.time,
                                      .proposer = solo->tip.validator,
                                      .txs = block->txs,
                                      .tx_count = block->tx_count};
    assay_engine_outcome outcome;
    ASSAY_TRY(app->finalize_block(app->self, &input, work->done.results, work->done.texts, &outcome,
                                  err));
    *app_hash = outcome.app_hash;
    return assay_results_hash(&work->results_hash, work->done.results, block->tx_count,
                              &solo->arena, err);
}

void assay_solo_work_end(assay_solo *solo) {
    solo->work = (assay_solo_work){0};
    assay_arena_reset(&solo->arena);
}

// Lists the waiting transactions and lets the application choose. The bytes stay owned by the
// mempool, which only this thread shrinks.
static assay_status proposal_make(assay_solo *solo, assay_block *block, assay_error *err) {
    void *room;
    pthread_mutex_lock(&solo->lock);
    uint32_t count = solo->mempool.count;
    assay_status status =
        assay_arena_get(&solo->arena, count, sizeof(assay_bytes), "candidates", &room, err);
    assay_bytes *candidates = room;
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++)
        candidates[i] = solo->mempool.entries[i].tx;
    pthread_mutex_unlock(&solo->lock);
    ASSAY_TRY(status);
    const assay_engine_candidates waiting = {solo->tip.height + 1, solo->tip.validator, 0,
                                             candidates, count};
    return assay_proposal_make(&block->txs, &block->tx_count, &solo->options.application, &waiting,
                               &solo->arena, err);
}

static assay_status block_make(assay_solo *solo, assay_error *err) {
    assay_solo_work *work = &solo->work;
    assay_block *block = &work->block;
    const assay_commit *last = solo->tip.height ? &solo->tip.commit : NULL;
    ASSAY_TRY(proposal_make(solo, block, err));
    ASSAY_TRY(assay_executed_room(&work->done, block->txs, block->tx_count, &solo->arena, err));
    ASSAY_TRY(
        assay_tip_header(&solo->tip, block, work->done.ids, assay_time_now(), &solo->arena, err));
    block->commit.height = block->header.height;
    block->commit.time = block->header.time;
    ASSAY_TRY(assay_block_id_of(&block->commit.block, block, last, &solo->arena, err));
    ASSAY_TRY(assay_commit_sign(&block->commit, solo->tip.chain_id, solo->options.seed, err));
    block->results = work->done.results;
    return assay_solo_execute(solo, &block->app_hash_after, err);
}

static assay_status block_log(assay_solo *solo, assay_error *err) {
    assay_bytes record;
    ASSAY_TRY(assay_block_write(&record, &solo->work.block, &solo->arena, err));
    ASSAY_TRY(assay_blocklog_append(solo->log, record.data, record.size, err));
    solo->work.logged = true;
    return ASSAY_OK;
}

// --- after the commit: nothing here can fail ---

void assay_solo_publish(assay_solo *solo) {
    const assay_solo_work *work = &solo->work;
    const assay_block *block = &work->block;
    assay_tip_advance(&solo->tip, block, &work->results_hash);
    pthread_mutex_lock(&solo->lock);
    for (uint32_t i = 0; i < block->tx_count; i++)
        assay_fates_add(&solo->fates, &work->done.ids[i], block->header.height, i,
                        &block->results[i], work->done.texts[i]);
    solo->height = block->header.height;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
}

// Drops the block's transactions from those that wait, and those that it made useless. Spec: C-12.
static void mempool_settle(assay_solo *solo) {
    const assay_application *app = &solo->options.application;
    assay_mempool *pool = &solo->mempool;
    pthread_rwlock_wrlock(&solo->gate);
    // Nobody else adds or drops now: entries are read without the lock.
    for (uint32_t i = 0; i < solo->work.block.tx_count; i++) {
        assay_mempool_entry *entry = assay_mempool_find(pool, &solo->work.done.ids[i]);
        if (entry) entry->keep = false;
    }
    app->recheck(app->self);
    for (uint32_t i = 0; i < pool->count; i++) {
        assay_mempool_entry *entry = &pool->entries[i];
        assay_hash id;
        if (entry->keep)
            entry->keep = app->check_tx(app->self, entry->tx.data, entry->tx.size, true, &id,
                                        NULL) == ASSAY_OK;
    }
    pthread_mutex_lock(&solo->lock);
    assay_mempool_filter(pool);
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    pthread_rwlock_unlock(&solo->gate);
}

static assay_status step(assay_solo *solo, assay_error *err) {
    const assay_application *app = &solo->options.application;
    assay_status status = ASSAY_OK;
    if (!solo->work.logged) {
        status = block_make(solo, err);
        if (status == ASSAY_OK) status = block_log(solo, err);
    }
    if (status == ASSAY_OK) status = app->commit(app->self, err);
    if (status == ASSAY_OK) {
        assay_solo_publish(solo);
        mempool_settle(solo);
    }
    if (status != ASSAY_OK && solo->work.logged) return status; // still to be committed
    assay_solo_work_end(solo);
    return status;
}

assay_status assay_solo_step(assay_solo *solo, assay_error *err) {
    ASSAY_ASSERT(!solo->running);
    return step(solo, err);
}

// --- the thread ---

// Sleeps for the pause between blocks, and on until there is a reason for one. Returns: whether
// there is one; else the engine is to stop.
static bool block_is_due(assay_solo *solo) {
    const assay_application *app = &solo->options.application;
    struct timespec next;
    bool waits = app->waiting(app->self); // changes with blocks alone
    assay_deadline_in(&next, solo->options.block_ms);
    pthread_mutex_lock(&solo->lock);
    while (!solo->stopping &&
           pthread_cond_timedwait(&solo->changed, &solo->lock, &next) != ETIMEDOUT) {
    }
    while (!solo->stopping && !solo->nudged && solo->mempool.count == 0 && !waits)
        pthread_cond_wait(&solo->changed, &solo->lock);
    bool due = !solo->stopping;
    solo->nudged = false;
    pthread_mutex_unlock(&solo->lock);
    return due;
}

static void *thread_main(void *argument) {
    assay_solo *solo = argument;
    assay_error failure = {0};
    while (failure.status == ASSAY_OK && block_is_due(solo))
        step(solo, &failure);
    pthread_mutex_lock(&solo->lock);
    solo->failure = failure;
    solo->stopping = true;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    return NULL;
}

assay_status assay_solo_start(assay_solo *solo, assay_error *err) {
    if (solo->running) return ASSAY_FAIL(err, EXISTS, "the solo engine already makes blocks");
    pthread_mutex_lock(&solo->lock);
    int error_number = pthread_create(&solo->thread, NULL, thread_main, solo);
    solo->running = error_number == 0;
    pthread_mutex_unlock(&solo->lock);
    if (error_number) return assay_fail_errno(err, error_number, "cannot start the solo engine");
    return ASSAY_OK;
}

uint32_t assay_solo_drain(assay_solo *solo, uint32_t timeout_ms) {
    struct timespec deadline;
    assay_deadline_in(&deadline, timeout_ms);
    pthread_mutex_lock(&solo->lock);
    solo->draining = true;
    while (solo->running && solo->mempool.held_count && !solo->stopping &&
           pthread_cond_timedwait(&solo->changed, &solo->lock, &deadline) != ETIMEDOUT) {
    }
    solo->stopping = true;
    bool running = solo->running;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
    if (running) pthread_join(solo->thread, NULL);
    pthread_mutex_lock(&solo->lock);
    solo->running = false;
    uint32_t left = solo->mempool.held_count;
    pthread_mutex_unlock(&solo->lock);
    return left;
}
