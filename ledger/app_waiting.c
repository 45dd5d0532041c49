// SPDX-License-Identifier: Apache-2.0
// What waits for a block: which transactions may, as any thread asks on top of the last commit.
#include "ledger/app_private.h"

// The last commit, as check_tx and its like see it; under check_lock.
static assay_status check_reader(assay_app *app, assay_reader *reader, uint64_t *height,
                                 assay_error *err) {
    if (app->check_snapshot == NULL)
        ASSAY_TRY(assay_snapshot_open(&app->check_snapshot, app->store, err));
    const assay_store_tip *tip = assay_snapshot_tip(app->check_snapshot);
    if (!tip->committed) return ASSAY_FAIL(err, NOT_FOUND, "the chain has no genesis state yet");
    *reader = assay_reader_of_snapshot(app->check_snapshot);
    *height = tip->height;
    return ASSAY_OK;
}

static assay_status waiting_admit(assay_app *app, const assay_verified_tx *tx, bool again,
                                  assay_error *err) {
    assay_reader reader;
    uint64_t height;
    ASSAY_TRY(check_reader(app, &reader, &height, err));
    return assay_pending_admit(&app->check_pending, &reader, &app->genesis->params, height + 1, tx,
                               ASSAY_PENDING_NAMED, again ? UINT64_MAX : app->waiting_max, err);
}

assay_status assay_app_check_tx(assay_app *app, const void *data, size_t size, bool again,
                                assay_hash *id, assay_error *err) {
    assay_arena arena;
    assay_verified_tx tx;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX + ASSAY_ERROR_TEXT_MAX + 16);
    assay_status status =
        assay_verifier_check(app->verifier, &tx, (assay_bytes){data, size}, &arena, err);
    if (status == ASSAY_OK && tx.code != 0)
        status = assay_fail(err, ASSAY_REJECTED, tx.code, "%s", tx.text);
    if (status == ASSAY_OK) {
        *id = tx.id;
        pthread_mutex_lock(&app->check_lock);
        status = waiting_admit(app, &tx, again, err);
        pthread_mutex_unlock(&app->check_lock);
    }
    assay_arena_close(&arena);
    if (again) return status; // it was counted as it came
    pthread_mutex_lock(&app->count_lock);
    app->counters.admitted += status == ASSAY_OK;
    app->counters.turned_away += status == ASSAY_REJECTED;
    pthread_mutex_unlock(&app->count_lock);
    return status;
}

assay_status assay_app_room(assay_app *app, const void *tx, size_t size, assay_error *err) {
    const uint8_t *head = tx;
    assay_address principal;
    if (size < ASSAY_TX_HEAD_SIZE) return ASSAY_OK; // check_tx has the word for it
    memcpy(principal.bytes, head + ASSAY_TX_PRINCIPAL_AT, ASSAY_ADDRESS_SIZE);
    pthread_mutex_lock(&app->check_lock);
    assay_status status = assay_pending_room(
        &app->check_pending, assay_pending_class_of(head[ASSAY_TX_KIND_AT], head[ASSAY_TX_LANE_AT]),
        &principal, size, app->waiting_max, true, err);
    pthread_mutex_unlock(&app->check_lock);
    return status;
}

void assay_app_expect(assay_app *app, const assay_bytes *txs, uint32_t count) {
    assay_verifier_expect(app->verifier, txs, count, app->pool);
}

bool assay_app_pooled(const assay_app *app) {
    return assay_pool_thread_count(app->pool) > 1;
}

assay_status assay_app_next_nonce(assay_app *app, const assay_address *signer, uint8_t lane,
                                  uint64_t *nonce, assay_error *err) {
    assay_reader reader;
    assay_account account;
    uint64_t height;
    pthread_mutex_lock(&app->check_lock);
    assay_status status = check_reader(app, &reader, &height, err);
    if (status == ASSAY_OK) status = assay_account_get(&account, &reader, signer, err);
    if (status == ASSAY_OK) {
        uint64_t pending = assay_pending_nonce(&app->check_pending, signer, lane);
        uint64_t done = account.nonces[lane];
        *nonce = pending > done ? pending : done;
    }
    pthread_mutex_unlock(&app->check_lock);
    return status;
}

void assay_app_forget_waiting(assay_app *app) {
    pthread_mutex_lock(&app->check_lock);
    assay_pending_reset(&app->check_pending);
    pthread_mutex_unlock(&app->check_lock);
}
