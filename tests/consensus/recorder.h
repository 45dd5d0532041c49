// SPDX-License-Identifier: Apache-2.0
// Stands between an engine and its application: writes down each call that ABCI has too, under its
// name in CometBFT's grammar of calls, and can end the process before the call, between its record
// and its execution, and after it.
#ifndef ASSAY_TESTS_CONSENSUS_RECORDER_H
#define ASSAY_TESTS_CONSENSUS_RECORDER_H

#include <stdio.h>
#include <unistd.h>

#include "consensus/engine.h"

enum { RECORDER_DIED = 9 }; // exit code

typedef struct {
    assay_application inner;
    int out;    // gets a blank and the name, each with one write: what is written is kept
    int points; // passed so far
    int die_at; // ends the process there, 0: never
} recorder;

static inline void recorder_point(recorder *r) {
    if (++r->points == r->die_at) _exit(RECORDER_DIED);
}

static inline const assay_application *recorder_call(recorder *r, const char *name) {
    recorder_point(r);
    ASSAY_ASSERT(dprintf(r->out, " %s", name) > 0);
    recorder_point(r);
    return &r->inner;
}

static inline assay_status recorder_end(recorder *r, assay_status status) {
    recorder_point(r);
    return status;
}

static void recorder_info(void *self, assay_app_info *out) {
    const assay_application *app = recorder_call(self, "info");
    app->info(app->self, out);
    recorder_point(self);
}

static assay_status recorder_init_chain(void *self, assay_error *err) {
    const assay_application *app = recorder_call(self, "init_chain");
    return recorder_end(self, app->init_chain(app->self, err));
}

static assay_status recorder_validators(void *self, assay_validator_update *out, uint32_t *count,
                                        assay_error *err) {
    const assay_application *app = &((recorder *)self)->inner;
    return app->validators(app->self, out, count, err);
}

static assay_status recorder_check_tx(void *self, const void *tx, size_t size, bool again,
                                      assay_hash *id, assay_error *err) {
    const assay_application *app = recorder_call(self, "check_tx");
    return recorder_end(self, app->check_tx(app->self, tx, size, again, id, err));
}

static void recorder_recheck(void *self) {
    const assay_application *app = &((recorder *)self)->inner;
    app->recheck(app->self);
}

static assay_status recorder_prepare(void *self, const assay_engine_candidates *candidates,
                                     uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                     assay_error *err) {
    const assay_application *app = recorder_call(self, "prepare_proposal");
    return recorder_end(
        self, app->prepare_proposal(app->self, candidates, picked, picked_count, first, err));
}

static assay_status recorder_process(void *self, const assay_engine_block *block,
                                     assay_error *err) {
    const assay_application *app = recorder_call(self, "process_proposal");
    return recorder_end(self, app->process_proposal(app->self, block, err));
}

static assay_status recorder_finalize(void *self, const assay_engine_block *block,
                                      assay_tx_result *results, const char **texts,
                                      assay_engine_outcome *out, assay_error *err) {
    const assay_application *app = recorder_call(self, "finalize_block");
    return recorder_end(self, app->finalize_block(app->self, block, results, texts, out, err));
}

static assay_status recorder_commit(void *self, assay_error *err) {
    const assay_application *app = recorder_call(self, "commit");
    return recorder_end(self, app->commit(app->self, err));
}

static bool recorder_waiting(void *self) {
    const assay_application *app = &((recorder *)self)->inner;
    return app->waiting(app->self);
}

static inline assay_application recorder_calls(recorder *r) {
    return (assay_application){r,
                               recorder_info,
                               recorder_init_chain,
                               recorder_validators,
                               recorder_check_tx,
                               recorder_recheck,
                               recorder_prepare,
                               recorder_process,
                               recorder_finalize,
                               recorder_commit,
                               recorder_waiting,
                               NULL};
}

#endif
