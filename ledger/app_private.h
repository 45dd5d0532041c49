// SPDX-License-Identifier: Apache-2.0
// Internal: the app as app.c (blocks), proposal.c, app_waiting.c and app_counters.c share it.
#ifndef ASSAY_LEDGER_APP_PRIVATE_H
#define ASSAY_LEDGER_APP_PRIVATE_H

#include <pthread.h>

#include "ledger/app.h"
#include "ledger/money.h"
#include "ledger/pending.h"
#include "ledger/verify.h"

struct assay_app {
    const assay_genesis *genesis;
    assay_store *store;
    char *folder; // the store's
    assay_store_options store_options;
    assay_pool *pool;
    assay_verifier *verifier;

    // The engine's thread: the block in progress or finalised.
    assay_ledger ledger;
    assay_verified verified;
    assay_tx_result *results;
    const char **texts;     // of results,
    assay_arena text_bytes; // and what they point to
    assay_validator_set validators_before, validators_after;
    assay_validator_update updates[2 * ASSAY_POWER_MAX];
    uint32_t update_count;
    assay_hash app_hash;
    bool finalised;
    uint64_t time_ns;            // of its header
    assay_pending block_pending; // scratch of proposals
    assay_scores *block_scores;

    // Any thread, under check_lock: what waits, on top of the last commit. Whoever opens a snapshot
    // of the store holds it too, so that a restored store can take its place.
    pthread_mutex_t check_lock;
    assay_app_info info; // of the last commit: the store's own tip is the engine's thread's
    assay_snapshot *check_snapshot; // NULL: to be opened
    assay_pending check_pending;
    uint64_t waiting_max; // bytes of it

    // Any thread, under count_lock: what assay_app_counters_get tells.
    pthread_mutex_t count_lock;
    assay_app_counters counters;
    assay_scores *scores;
};

// The block's beacon transaction: first, its proposer's and of its height; NULL if there is none.
// Spec: P-8, P-39.
const assay_tx *assay_block_beacon(const assay_verified *verified, const assay_app_block *block);

// What counting begins with on this state: what is open in it. Errors: CORRUPT, MEMORY, IO.
assay_status assay_app_counters_read(assay_counts *out, assay_store *store, assay_error *err);

// Begins to count with it at this height.
void assay_app_counters_start(assay_app *app, const assay_counts *counts, uint64_t height);

// The block in app->ledger is committed.
void assay_app_counters_commit(assay_app *app);

#endif
