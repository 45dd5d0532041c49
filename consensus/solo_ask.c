// SPDX-License-Identifier: Apache-2.0
// What any thread may ask of a running engine: consensus/engine.h says what each call does.
#include <errno.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "consensus/light/block.h"
#include "consensus/solo_private.h"

static assay_status place_reserve(assay_solo *solo, const void *tx, size_t size,
                                  const assay_hash *id, assay_bytes *copy, assay_error *err) {
    assay_status status = ASSAY_OK;
    *copy = (assay_bytes){NULL, 0};
    pthread_mutex_lock(&solo->lock);
    if (solo->stopping || solo->draining)
        status = ASSAY_FAIL(err, STOPPED, "the node makes no more blocks: %s",
                            solo->failure.status ? solo->failure.text : "it is stopping");
    else if (!assay_mempool_find(&solo->mempool, id))
        status = assay_mempool_reserve(&solo->mempool, tx, size, copy, err);
    pthread_mutex_unlock(&solo->lock);
    return status;
}

static assay_status submit(void *self, const void *tx, size_t size, assay_hash *id,
                           assay_error *err) {
    assay_solo *solo = self;
    const assay_application *app = &solo->options.application;
    assay_bytes copy;
    assay_sha256_of(id, tx, size);
    pthread_rwlock_rdlock(&solo->gate);
    assay_status status = place_reserve(solo, tx, size, id, &copy, err);
    if (status == ASSAY_OK && copy.data) { // else it waits already
        status = app->check_tx(app->self, copy.data, copy.size, false, id, err);
        pthread_mutex_lock(&solo->lock);
        if (status == ASSAY_OK)
            assay_mempool_add(&solo->mempool, copy, id);
        else
            assay_mempool_cancel(&solo->mempool, copy);
        pthread_cond_broadcast(&solo->changed); // a drain waits for those that are refused too
        pthread_mutex_unlock(&solo->lock);
    }
    pthread_rwlock_unlock(&solo->gate);
    return status;
}

static void nudge(void *self) {
    assay_solo *solo = self;
    pthread_mutex_lock(&solo->lock);
    solo->nudged = true;
    pthread_cond_broadcast(&solo->changed);
    pthread_mutex_unlock(&solo->lock);
}

static uint32_t waiting(void *self) {
    assay_solo *solo = self;
    pthread_mutex_lock(&solo->lock);
    uint32_t count = solo->mempool.count;
    pthread_mutex_unlock(&solo->lock);
    return count;
}

static uint64_t height(void *self) {
    assay_solo *solo = self;
    pthread_mutex_lock(&solo->lock);
    uint64_t last = solo->height;
    pthread_mutex_unlock(&solo->lock);
    return last;
}

static uint64_t wait(void *self, uint64_t above, uint32_t timeout_ms) {
    assay_solo *solo = self;
    struct timespec deadline;
    assay_deadline_in(&deadline, timeout_ms);
    pthread_mutex_lock(&solo->lock);
    while (solo->height <= above && !solo->stopping &&
           pthread_cond_timedwait(&solo->changed, &solo->lock, &deadline) != ETIMEDOUT) {
    }
    uint64_t reached = solo->height;
    pthread_mutex_unlock(&solo->lock);
    return reached;
}

static assay_status health(void *self, assay_error *err) {
    assay_solo *solo = self;
    pthread_mutex_lock(&solo->lock);
    assay_status status = ASSAY_OK;
    if (solo->failure.status != ASSAY_OK) status = assay_error_pass(err, &solo->failure);
    pthread_mutex_unlock(&solo->lock);
    return status;
}

static assay_status block(void *self, uint64_t at, assay_block *out, assay_arena *arena,
                          uint8_t **data, assay_error *err) {
    const assay_solo *solo = self;
    size_t size;
    uint64_t last = height(self);
    *data = NULL;
    if (at == 0 || at > last)
        return ASSAY_FAIL(err, NOT_FOUND, "no block of height %llu, last is %llu", (ull)at,
                          (ull)last);
    ASSAY_TRY(assay_blocklog_read(solo->log, at - 1, data, &size, err));
    assay_status status = assay_block_read(out, *data, size, arena, err);
    if (status == ASSAY_OK) return ASSAY_OK;
    free(*data);
    *data = NULL;
    return status;
}

static assay_status find(void *self, const assay_hash *id, uint64_t depth, assay_tx_fate *out,
                         assay_error *err) {
    assay_solo *solo = self;
    *out = (assay_tx_fate){.state = ASSAY_TX_UNKNOWN};
    pthread_mutex_lock(&solo->lock);
    uint64_t last = solo->height;
    if (!assay_fates_find(&solo->fates, id, out) && assay_mempool_find(&solo->mempool, id))
        out->state = ASSAY_TX_PENDING;
    pthread_mutex_unlock(&solo->lock);
    for (uint64_t i = 0; out->state == ASSAY_TX_UNKNOWN && i < depth && i < last; i++)
        ASSAY_TRY(assay_fate_fetch(out, block, solo, last - i, ASSAY_SOLO_ARENA_MAX, id, err));
    return ASSAY_OK;
}

static assay_status light_block(void *self, uint64_t at, json_t **out, assay_error *err) {
    assay_solo *solo = self;
    assay_arena arena;
    assay_block found;
    uint8_t *data;
    *out = NULL;
    assay_arena_init(&arena, ASSAY_SOLO_ARENA_MAX);
    assay_status status = block(self, at ? at : height(self), &found, &arena, &data, err);
    if (status == ASSAY_OK) {
        *out = assay_light_document(&found.header, &found.commit, solo->tip.public_key,
                                    solo->tip.power);
        if (!*out) status = ASSAY_FAIL(err, MEMORY, "no memory for a header");
    }
    free(data);
    assay_arena_close(&arena);
    return status;
}

assay_chain_engine assay_solo_engine(assay_solo *solo) {
    return (assay_chain_engine){solo,    submit, find,   wait,  nudge,
                                waiting, height, health, block, light_block};
}
