// SPDX-License-Identifier: Apache-2.0
// CometBFT's state sync: what this node has for others, and what it takes from them.
#include "consensus/abci/engine_private.h"
#include "consensus/clock.h"

// E-64. What cannot be read is not to be had: the peer asks another.
static void load(assay_abci_engine *engine, const assay_abci_request *request,
                 assay_abci_reply *reply, assay_arena *arena) {
    assay_bytes *chunk = &reply->load_chunk.chunk;
    if (!engine->options.maker ||
        assay_statesync_maker_load(engine->options.maker, request->load_chunk.height,
                                   request->load_chunk.format, request->load_chunk.chunk, chunk,
                                   arena, NULL) != ASSAY_OK) {
        *chunk = (assay_bytes){NULL, 0};
        return;
    }
    pthread_mutex_lock(&engine->lock);
    engine->sync.served++;
    pthread_mutex_unlock(&engine->lock);
}

static void chunk_count(assay_abci_engine *engine, assay_statesync_apply result,
                        const assay_error *why) {
    pthread_mutex_lock(&engine->lock);
    engine->sync.applied += result == ASSAY_STATESYNC_APPLY_ACCEPT;
    engine->sync.refused += result != ASSAY_STATESYNC_APPLY_ACCEPT;
    if (result != ASSAY_STATESYNC_APPLY_ACCEPT)
        memcpy(engine->sync.problem, why->text, sizeof engine->sync.problem);
    pthread_mutex_unlock(&engine->lock);
}

static void offer_count(assay_abci_engine *engine, assay_statesync_offer result,
                        const assay_error *why) {
    if (result == ASSAY_STATESYNC_OFFER_ACCEPT) return;
    pthread_mutex_lock(&engine->lock);
    engine->sync.offers_refused++;
    memcpy(engine->sync.problem, why->text, sizeof engine->sync.problem);
    pthread_mutex_unlock(&engine->lock);
}

// E-66
static void offer(assay_abci_engine *engine, const assay_abci_request *request,
                  assay_abci_reply *reply) {
    assay_statesync_restore *restore = engine->options.restore;
    assay_error why = {0};
    reply->offer_snapshot.result = ASSAY_STATESYNC_OFFER_ABORT;
    if (!restore) return;
    assay_statesync_offer result = assay_statesync_restore_offer(
        restore, &request->offer_snapshot.snapshot, request->offer_snapshot.app_hash, &why);
    offer_count(engine, result, &why);
    // What ends state sync is told as any failure of this side: CometBFT is not told a reason.
    if (result == ASSAY_STATESYNC_OFFER_ABORT) assay_abci_engine_fail(engine, &why);
    reply->offer_snapshot.result = (uint32_t)result;
}

static assay_status sender_reject(const assay_abci_request *request, assay_abci_reply *reply,
                                  assay_arena *arena, assay_error *err) {
    void *sender;
    ASSAY_TRY(assay_arena_get(arena, 1, sizeof(assay_bytes), "a sender", &sender, err));
    memcpy(sender, &request->apply_chunk.sender, sizeof(assay_bytes));
    reply->apply_chunk.reject_senders = sender;
    reply->apply_chunk.reject_count = request->apply_chunk.sender.size > 0;
    return ASSAY_OK;
}

// E-65, E-66. With the last chunk this side has a state, and a height.
static assay_status apply(assay_abci_engine *engine, const assay_abci_request *request,
                          assay_abci_reply *reply, assay_arena *arena, assay_error *err) {
    const assay_application *app = &engine->options.application;
    assay_statesync_apply result = ASSAY_STATESYNC_APPLY_ABORT;
    assay_app_info info;
    assay_error why = {0};
    uint32_t done, total;
    if (engine->options.restore) {
        result = assay_statesync_restore_apply(engine->options.restore, request->apply_chunk.index,
                                               request->apply_chunk.chunk,
                                               request->apply_chunk.sender, &why);
        if (result == ASSAY_STATESYNC_APPLY_ABORT) assay_abci_engine_fail(engine, &why);
    }
    reply->apply_chunk.result = (uint32_t)result;
    chunk_count(engine, result, &why);
    bool retry = result == ASSAY_STATESYNC_APPLY_RETRY;
    if (retry) {
        void *index;
        ASSAY_TRY(assay_arena_get(arena, 1, sizeof(uint32_t), "a chunk's index", &index, err));
        memcpy(index, &request->apply_chunk.index, sizeof(uint32_t));
        reply->apply_chunk.refetch = index;
        reply->apply_chunk.refetch_count = 1;
    }
    // Who serves a chunk of a snapshot that lies has offered it: an honest node has none.
    if (retry ||
        (result == ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT && assay_statesync_is_lie(why.status)))
        ASSAY_TRY(sender_reject(request, reply, arena, err));
    if (result != ASSAY_STATESYNC_APPLY_ACCEPT) return ASSAY_OK;
    assay_statesync_restore_progress(engine->options.restore, &done, &total);
    if (total) return ASSAY_OK;
    engine->finalized.height = 0; // a block on the state of before
    app->info(app->self, &info);
    pthread_mutex_lock(&engine->lock);
    engine->height = info.height;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    return ASSAY_OK;
}

assay_status assay_abci_snapshot_call(assay_abci_engine *engine, const assay_abci_request *request,
                                      assay_abci_reply *reply, assay_arena *arena,
                                      assay_error *err) {
    assay_status status = ASSAY_OK;
    switch (request->kind) {
    case ASSAY_ABCI_LIST_SNAPSHOTS:
        if (!engine->options.maker) return ASSAY_OK;
        return assay_statesync_maker_list(engine->options.maker, &reply->list_snapshots.snapshots,
                                          &reply->list_snapshots.count, arena, err);
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        load(engine, request, reply, arena);
        return ASSAY_OK;
    default: // on the consensus thread
        ASSAY_ASSERT(request->kind == ASSAY_ABCI_OFFER_SNAPSHOT ||
                     request->kind == ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK);
        uint64_t begun = assay_clock_ns();
        if (request->kind == ASSAY_ABCI_OFFER_SNAPSHOT)
            offer(engine, request, reply);
        else
            status = apply(engine, request, reply, arena, err);
        pthread_mutex_lock(&engine->lock);
        engine->sync.restoring_ns += assay_clock_ns() - begun;
        pthread_mutex_unlock(&engine->lock);
        return status;
    }
}
