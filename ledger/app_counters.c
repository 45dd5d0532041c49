// SPDX-License-Identifier: Apache-2.0
// What an application counts for its operator: a block's counts are made while it is executed and
// join the others when it is committed.
#include "ledger/app_private.h"
#include "ledger/batch.h"
#include "ledger/case.h"

// What there is now, read from the state once: open batches and votes that are due.
static assay_status open_count(assay_counts *counts, const assay_reader *reader, assay_error *err) {
    assay_hash id = {{0}};
    assay_batch batch;
    assay_case record;
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t sample = 0, count;
    bool found = true;
    while (found) {
        ASSAY_TRY(assay_batch_next_open(&id, &batch, &found, reader, err));
        counts->of[ASSAY_COUNTED_BATCHES_OPEN] += found;
    }
    memset(&id, 0, sizeof id);
    for (;;) {
        ASSAY_TRY(assay_case_next_open(&id, &sample, &record, &found, reader, err));
        if (!found) return ASSAY_OK;
        if (record.state != ASSAY_CASE_VOTING) continue;
        ASSAY_TRY(assay_case_votes(votes, &count, reader, &id, sample, record.round, err));
        for (uint32_t i = 0; i < count; i++)
            counts->of[ASSAY_COUNTED_VERDICTS_DUE] += !votes[i].revealed;
    }
}

assay_status assay_app_counters_read(assay_counts *out, assay_store *store, assay_error *err) {
    assay_snapshot *snapshot;
    *out = (assay_counts){0};
    if (!assay_store_last(store)->committed) return ASSAY_OK;
    ASSAY_TRY(assay_snapshot_open(&snapshot, store, err));
    const assay_reader reader = assay_reader_of_snapshot(snapshot);
    assay_status status = open_count(out, &reader, err);
    assay_snapshot_close(snapshot);
    return status;
}

void assay_app_counters_start(assay_app *app, const assay_counts *counts, uint64_t height) {
    pthread_mutex_lock(&app->count_lock);
    app->counters.counts = *counts;
    app->counters.since = height;
    pthread_mutex_unlock(&app->count_lock);
}

void assay_app_counters_commit(assay_app *app) {
    assay_counts *block = &app->ledger.counts;
    block->of[ASSAY_COUNTED_BLOCKS] = 1;
    pthread_mutex_lock(&app->count_lock);
    assay_counts_add(&app->counters.counts, block);
    assay_scores_merge(app->scores, app->block_scores);
    app->counters.time_ns_before = app->counters.time_ns;
    app->counters.time_ns = app->time_ns;
    pthread_mutex_unlock(&app->count_lock);
}

void assay_app_counters_get(assay_app *app, assay_app_counters *out) {
    pthread_mutex_lock(&app->count_lock);
    *out = app->counters;
    pthread_mutex_unlock(&app->count_lock);
}

bool assay_app_score_get(assay_app *app, const assay_address *validator, assay_score *out) {
    pthread_mutex_lock(&app->count_lock);
    bool found = assay_scores_find(out, app->scores, validator);
    pthread_mutex_unlock(&app->count_lock);
    return found;
}
