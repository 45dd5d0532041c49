// SPDX-License-Identifier: Apache-2.0
// The state of an app and who moves it (tests/ledger/test_app.c checks each line):
//
//   fresh ──init_chain──→ committed ──finalize_block──→ finalised ──commit──→ committed
//                            ↑                             │
//                            └──failure or finalize again──┘ (the open block is dropped)
//
//   fresh, or committed or finalised on a state without a block of its own ──adopt──→ committed
//
//   1  height, state root and app hash of `committed` are one LMDB commit of the store
//   2  the store has an open block exactly in `finalised` (and inside finalize_block)
//   3  check_tx reads the last commit through check_snapshot only, under check_lock
//   3a height and app hash that others are told are of one commit (test_info_is_of_one_block)
//   4  after every block: the totals add up to the supply, and nothing is in the pool
// and, for whatever order of calls and crashes (tests/sim):
//   5  the same block after the same state comes to the same (E-80), also after a crash (E-81)
//   6  nothing but opening, init_chain and commit writes (E-82)
//   7  the same list gets the same verdicts everywhere (E-83), and acts once (E-84)
#include "ledger/app_private.h"

#include <stdlib.h>

#include "ledger/beacon.h"
#include "ledger/due.h"
#include "ledger/epoch.h"
#include "ledger/power.h"
#include "ledger/restore.h"
#include "ledger/state/history.h"
#include "ledger/validator.h"

enum {
    TEXTS_MAX = 64 << 20, // sentences of one block's refusals
    READERS_OWN = 256,    // this app's threads and makers of snapshots, and programs beside it
    NANOS = 1000000000,
};

// From now on everybody sees the store's last commit, whole. Under check_lock, or alone.
static void tip_publish(assay_app *app) {
    const assay_store_tip *tip = assay_store_last(app->store);
    app->info = (assay_app_info){tip->committed, tip->height, tip->app_hash};
    assay_snapshot_close(app->check_snapshot); // check_tx opens the next when it needs one
    app->check_snapshot = NULL;
}

assay_status assay_app_open(assay_app **out, const char *folder, const assay_genesis *genesis,
                            const assay_app_options *options, assay_error *err) {
    static const assay_app_options defaults;
    assay_counts counts;
    assay_app *app = calloc(1, sizeof *app);
    *out = NULL;
    if (app == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for an application");
    if (options == NULL) options = &defaults;
    app->genesis = genesis;
    app->pool = options->pool;
    app->waiting_max =
        options->waiting_max ? options->waiting_max : genesis->params.block_bytes_max;
    assay_arena_init(&app->text_bytes, TEXTS_MAX);
    pthread_mutex_init(&app->check_lock, NULL);
    pthread_mutex_init(&app->count_lock, NULL);
    app->store_options = (assay_store_options){
        .map_size = options->map_size,
        .reader_max = options->readers ? options->readers + READERS_OWN : 0,
        .skip_sync = options->skip_sync,
        .pool = options->pool,
    };
    assay_status status = ASSAY_OK;
    app->folder = strdup(folder);
    if (app->folder == NULL) status = ASSAY_FAIL(err, MEMORY, "no memory for an application");
    if (status == ASSAY_OK)
        status = assay_store_open(&app->store, folder, &genesis->hash, &app->store_options, err);
    if (status == ASSAY_OK) status = assay_verifier_open(&app->verifier, genesis, err);
    if (status == ASSAY_OK) status = assay_scores_open(&app->scores, err);
    if (status == ASSAY_OK) status = assay_scores_open(&app->block_scores, err);
    if (status == ASSAY_OK) status = assay_app_counters_read(&counts, app->store, err);
    if (status != ASSAY_OK) {
        assay_app_close(app);
        return status;
    }
    assay_app_counters_start(app, &counts, assay_store_last(app->store)->height);
    tip_publish(app);
    *out = app;
    return ASSAY_OK;
}

void assay_app_close(assay_app *app) {
    if (app == NULL) return;
    assay_snapshot_close(app->check_snapshot);
    assay_pending_close(&app->check_pending);
    assay_pending_close(&app->block_pending);
    assay_verified_close(&app->verified);
    assay_verifier_close(app->verifier);
    assay_store_close(app->store);
    assay_arena_close(&app->text_bytes);
    pthread_mutex_destroy(&app->check_lock);
    pthread_mutex_destroy(&app->count_lock);
    assay_scores_close(app->scores);
    assay_scores_close(app->block_scores);
    free(app->results);
    free(app->texts);
    free(app->folder);
    free(app);
}

void assay_app_info_get(const assay_app *app, assay_app_info *out) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&app->check_lock; // the app is const but for it
    pthread_mutex_lock(lock);
    *out = app->info;
    pthread_mutex_unlock(lock);
}

assay_status assay_app_snapshot(assay_app *app, assay_snapshot **out, assay_error *err) {
    pthread_mutex_lock(&app->check_lock);
    assay_status status = assay_snapshot_open(out, app->store, err);
    if (status == ASSAY_OK && !assay_snapshot_tip(*out)->committed) {
        assay_snapshot_close(*out);
        *out = NULL;
        status = ASSAY_FAIL(err, BUSY, "the chain has no state yet: try again");
    }
    pthread_mutex_unlock(&app->check_lock);
    return status;
}

static void block_drop(assay_app *app) {
    assay_store_abort(app->store);
    assay_verified_close(&app->verified);
    assay_scores_reset(app->block_scores);
    app->finalised = false;
}

// Under check_lock.
static assay_status replaceable(assay_app *app, assay_error *err) {
    assay_snapshot *snapshot;
    bool may;
    ASSAY_TRY(assay_snapshot_open(&snapshot, app->store, err));
    uint64_t height = assay_snapshot_tip(snapshot)->height;
    assay_status status = assay_restore_may_replace(&may, snapshot, err);
    assay_snapshot_close(snapshot);
    if (status != ASSAY_OK || may) return status;
    return ASSAY_FAIL(err, EXISTS, "the state is at height %llu already, by blocks executed here",
                      (ull)height);
}

assay_status assay_app_replaceable(assay_app *app, assay_error *err) {
    pthread_mutex_lock(&app->check_lock);
    assay_status status = replaceable(app, err);
    pthread_mutex_unlock(&app->check_lock);
    return status;
}

static assay_status restored_open(assay_app *app, assay_store **out, const char *folder,
                                  assay_error *err) {
    ASSAY_TRY(replaceable(app, err));
    ASSAY_TRY(assay_store_open(out, folder, &app->genesis->hash, &app->store_options, err));
    if (assay_store_last(*out)->committed) return ASSAY_OK;
    return ASSAY_FAIL(err, CORRUPT, "%s holds no whole state", folder);
}

assay_status assay_app_adopt(assay_app *app, const char *folder, assay_error *err) {
    assay_store *restored = NULL, *old = NULL;
    assay_counts counts;
    pthread_mutex_lock(&app->check_lock);
    assay_status status = restored_open(app, &restored, folder, err);
    if (status == ASSAY_OK) status = assay_app_counters_read(&counts, restored, err);
    if (status == ASSAY_OK) status = assay_restore_install(folder, app->folder, err);
    if (status == ASSAY_OK) {
        block_drop(app);
        old = app->store;
        app->store = restored;
        tip_publish(app);
        assay_pending_reset(&app->check_pending); // what waited did so on the old state
        assay_app_counters_start(app, &counts, assay_store_last(restored)->height);
    }
    pthread_mutex_unlock(&app->check_lock);
    assay_store_close(status == ASSAY_OK ? old : restored);
    return status;
}

const assay_genesis *assay_app_genesis(const assay_app *app) {
    return app->genesis;
}

assay_store *assay_app_store(assay_app *app) {
    return app->store;
}

static void ledger_start(assay_app *app, uint64_t height) {
    app->ledger = (assay_ledger){
        .store = app->store,
        .reader = assay_reader_of_rules(app->store),
        .genesis = app->genesis,
        .params = &app->genesis->params,
        .height = height,
        .writes_max = ASSAY_WRITES_TXS,
        .scores = app->block_scores,
    };
}

// Ends the block's writes: totals, roots, and the equation that must hold whatever happened.
static assay_status block_seal(assay_app *app, assay_hash *app_hash, assay_error *err) {
    const assay_reader reader = assay_reader_of_store(app->store);
    assay_hash state_root, history_root;
    uint64_t history_count;
    ASSAY_TRY(assay_totals_put(&app->ledger, err));
    ASSAY_ASSERT(assay_totals_sum(&app->ledger.totals) == app->genesis->supply);
    ASSAY_ASSERT(app->ledger.totals.nopen[ASSAY_MONEY_POOLS] == 0);
    ASSAY_TRY(assay_store_root(app->store, &state_root, err));
    ASSAY_TRY(assay_history_root(&history_root, &history_count, &reader, err));
    assay_store_app_hash(app_hash, &state_root, &history_root);
    return ASSAY_OK;
}

static assay_status genesis_apply(assay_app *app, assay_error *err) {
    const assay_genesis *genesis = app->genesis;
    for (uint32_t i = 0; i < genesis->account_count; i++)
        ASSAY_TRY(assay_money_mint(&app->ledger, &genesis->accounts[i].address,
                                   genesis->accounts[i].balance, err));
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const assay_genesis_validator *own = &genesis->validators[i];
        ASSAY_TRY(assay_money_mint(&app->ledger, &own->address, own->consensus_bond, err));
        ASSAY_TRY(assay_money_move(&app->ledger, assay_purse_balance(&own->address),
                                   assay_purse_bond(ASSAY_ROLE_CONSENSUS, &own->address),
                                   own->consensus_bond, err));
    }
    ASSAY_TRY(assay_validator_init(&app->ledger, err));
    ASSAY_TRY(assay_beacon_init(&app->ledger, err));
    ASSAY_TRY(assay_power_init(&app->ledger, err));
    return block_seal(app, &app->app_hash, err);
}

assay_status assay_app_init_chain(assay_app *app, assay_error *err) {
    if (assay_store_last(app->store)->committed) return ASSAY_OK;
    ASSAY_TRY(assay_store_begin(app->store, err));
    ledger_start(app, 0);
    assay_status status = genesis_apply(app, err);
    if (status == ASSAY_OK) status = assay_store_commit(app->store, 0, &app->app_hash, err);
    if (status != ASSAY_OK) {
        assay_store_abort(app->store);
        return status;
    }
    pthread_mutex_lock(&app->check_lock);
    tip_publish(app);
    pthread_mutex_unlock(&app->check_lock);
    return ASSAY_OK;
}

// --- the block ---

static assay_status results_make(assay_app *app, uint32_t count, assay_error *err) {
    assay_arena_reset(&app->text_bytes);
    free(app->results);
    free(app->texts);
    app->results = calloc((size_t)count + 1, sizeof *app->results);
    app->texts = calloc((size_t)count + 1, sizeof *app->texts);
    if (app->results == NULL || app->texts == NULL)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u results", count);
    for (uint32_t i = 0; i < count; i++)
        app->texts[i] = "";
    return ASSAY_OK;
}

// Sentences are for people and in no hash: one that finds no room is left out.
static void result_refuse(assay_app *app, uint32_t index, uint32_t code, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = assay_arena_take(&app->text_bytes, size, 1);
    if (copy != NULL) app->texts[index] = memcpy(copy, text, size);
    app->results[index].code = code;
    app->ledger.counts.of[ASSAY_COUNTED_TXS_REFUSED]++;
}

// P-96
static void result_accept(assay_app *app, uint32_t index) {
    const assay_verified_tx *tx = &app->verified.txs[index];
    assay_tx_result *result = &app->results[index];
    bool made = tx->tx.kind == ASSAY_TX_SUBMIT_BATCH || tx->tx.kind == ASSAY_TX_OPEN_SESSION;
    const assay_hash *receipt = made ? &tx->digest : &tx->id;
    result->data_size = ASSAY_HASH_SIZE;
    memcpy(result->data, receipt->bytes, ASSAY_HASH_SIZE);
}

const assay_tx *assay_block_beacon(const assay_verified *verified, const assay_app_block *block) {
    if (verified->count == 0 || verified->txs[0].code != 0) return NULL;
    const assay_tx *tx = &verified->txs[0].tx;
    return assay_beacon_is_for(tx, &block->proposer, block->height) ? tx : NULL;
}

static assay_status beacon_run(assay_app *app, const assay_tx *beacon, assay_error *err) {
    uint32_t code = 0;
    ASSAY_TRY(assay_beacon_block(&app->ledger, beacon, &code, err));
    if (beacon == NULL) return ASSAY_OK;
    if (code != 0)
        result_refuse(app, 0, code, assay_reject_text(code));
    else
        result_accept(app, 0);
    return ASSAY_OK;
}

static assay_status tx_run(assay_app *app, uint32_t index, assay_error *err) {
    const assay_verified_tx *tx = &app->verified.txs[index];
    assay_error refusal = {0};
    app->ledger.tx_index = index;
    assay_status status = assay_execute(&app->ledger, tx, &refusal);
    if (status == ASSAY_REJECTED) {
        result_refuse(app, index, refusal.reject, refusal.text);
        return ASSAY_OK;
    }
    if (status != ASSAY_OK) return assay_error_pass(err, &refusal);
    result_accept(app, index);
    return ASSAY_OK;
}

static assay_status validators_read(assay_app *app, assay_validator_set *set, assay_error *err) {
    return assay_validator_list(set->list, &set->count, &app->ledger.reader, err);
}

// P-25
static assay_status block_run(assay_app *app, const assay_app_block *block, assay_error *err) {
    const assay_tx *beacon = assay_block_beacon(&app->verified, block);
    ASSAY_TRY(assay_totals_get(&app->ledger.totals, &app->ledger.reader, err));
    ASSAY_TRY(validators_read(app, &app->validators_before, err));
    // The beacon first, on the state that its proposal was judged on.
    ASSAY_TRY(beacon_run(app, beacon, err));
    ASSAY_TRY(assay_validator_sweep(&app->ledger, err));
    for (uint32_t i = 0; i < block->misbehavior_count; i++)
        ASSAY_TRY(assay_validator_punish(&app->ledger, &block->misbehaviors[i], err));
    for (uint32_t i = beacon != NULL; i < block->tx_count; i++)
        ASSAY_TRY(tx_run(app, i, err));
    app->ledger.counts.of[ASSAY_COUNTED_TXS_DONE] =
        block->tx_count - app->ledger.counts.of[ASSAY_COUNTED_TXS_REFUSED];
    // Outside of transactions nobody signs.
    app->ledger.by_agent = false;
    app->ledger.signer = app->ledger.principal = (assay_address){{0}};
    ASSAY_TRY(assay_due_run(&app->ledger, err));
    ASSAY_TRY(assay_epoch_end_block(&app->ledger, err));
    ASSAY_TRY(validators_read(app, &app->validators_after, err));
    app->update_count =
        assay_validator_updates(app->updates, &app->validators_before, &app->validators_after);
    return block_seal(app, &app->app_hash, err);
}

assay_status assay_app_finalize_block(assay_app *app, const assay_app_block *block,
                                      assay_app_outcome *out, assay_error *err) {
    const assay_store_tip *tip = assay_store_last(app->store);
    if (!tip->committed || block->height != tip->height + 1)
        return ASSAY_FAIL(err, RANGE, "block %llu, the next is %llu", (ull)block->height,
                          (ull)(tip->committed ? tip->height + 1 : 0));
    if (block->tx_count > ASSAY_APP_TXS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u transactions, limit %d", block->tx_count,
                          ASSAY_APP_TXS_MAX);
    block_drop(app);
    ASSAY_TRY(results_make(app, block->tx_count, err));
    ASSAY_TRY(assay_verifier_check_all(app->verifier, &app->verified, block->txs, block->tx_count,
                                       app->pool, err));
    ASSAY_TRY(assay_store_begin(app->store, err));
    ledger_start(app, block->height);
    app->time_ns = block->time * NANOS + block->time_nanos;
    app->ledger.proposer = block->proposer;
    assay_status status = block_run(app, block, err);
    if (status != ASSAY_OK) {
        block_drop(app);
        return status;
    }
    assay_verified_close(&app->verified);
    app->finalised = true;
    *out = (assay_app_outcome){app->results,  app->texts,   block->tx_count,
                               app->app_hash, app->updates, app->update_count};
    return ASSAY_OK;
}

assay_status assay_app_commit(assay_app *app, assay_error *err) {
    ASSAY_ASSERT(app->finalised);
    ASSAY_TRY(assay_store_commit(app->store, app->ledger.height, &app->app_hash, err));
    app->finalised = false;
    assay_app_counters_commit(app);
    pthread_mutex_lock(&app->check_lock);
    tip_publish(app);
    assay_pending_outflow_reset(&app->check_pending);
    pthread_mutex_unlock(&app->check_lock);
    return ASSAY_OK;
}
