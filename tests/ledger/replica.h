// SPDX-License-Identifier: Apache-2.0
// Nodes that began with the state of some block of a small chain, and execute what comes after it.
#ifndef ASSAY_TESTS_LEDGER_REPLICA_H
#define ASSAY_TESTS_LEDGER_REPLICA_H

#include "tests/ledger/trial.h"

#include "base/file.h"
#include "ledger/restore.h"
#include "ledger/state/history.h"
#include "tests/folder.h"

enum { REPLICAS_MAX = 64 };

typedef struct {
    char folder[40];
    uint64_t from; // height of its first state
    assay_app *app;
} replica;

typedef struct {
    chain *chain;
    uint64_t every; // blocks between two of them
    uint32_t count;
    replica items[REPLICAS_MAX];
} replicas;

// The state entries of a view, and nothing else of it, into a new store; ended as a restore ends.
static inline void replica_restore(const char *folder, const chain *c, const assay_view *view) {
    assay_store_load *load;
    assay_store_position at;
    assay_hash root;
    assay_merkle_peaks peaks;
    const assay_store_options options = {.skip_sync = true, .map_size = 1 << 30};
    must(assay_store_load_open(&load, folder, &c->genesis.hash, &options, err));
    must(assay_snapshot_seek(view->snapshot, &at, "", 0, 0, err));
    while (at.key_size && at.key[0] < ASSAY_STORE_AUX) {
        must(assay_store_load_put(load, at.key, at.key_size, at.value.data, at.value.size, err));
        must(assay_snapshot_next(view->snapshot, &at, err));
    }
    must(assay_store_load_root(load, &root, err));
    assert_memory_equal(&root, &view->state_root, sizeof root);
    must(assay_history_peaks_get(&peaks, &view->reader, err));
    must(assay_restore_finish(load, view->params, view->height, &peaks, &view->app_hash, err));
    assay_store_load_close(load);
}

static inline void replicas_add(replicas *r) {
    const chain *c = r->chain;
    char folder[64];
    assert_true(r->count < REPLICAS_MAX);
    replica *new = &r->items[r->count++];
    assay_view view = chain_view(c);
    new->from = view.height;
    snprintf(new->folder, sizeof new->folder, "/tmp/assay_replica_XXXXXX");
    test_folder_make(new->folder);
    snprintf(folder, sizeof folder, "%s/restoring", new->folder);
    replica_restore(folder, c, &view);
    const assay_app_options options = {.skip_sync = true, .map_size = 1 << 30};
    must(assay_app_open(&new->app, new->folder, &c->genesis, &options, err));
    must(assay_app_adopt(new->app, folder, err));
    assay_folder_remove(folder);
    assay_view_close(&view);
}

// chain.witness: every replica gives the chain's own results and app hash, or the test fails.
static inline void replicas_witness(chain *c, const assay_app_block *block) {
    replicas *r = c->context;
    if (r->every && c->height > 0 && c->height % r->every == 0) replicas_add(r);
    for (uint32_t i = 0; i < r->count; i++) {
        assay_app_outcome own;
        assay_app *app = r->items[i].app;
        must(assay_app_finalize_block(app, block, &own, err));
        for (uint32_t tx = 0; tx < own.tx_count; tx++) {
            const assay_tx_result *a = &own.results[tx], *b = &c->outcome.results[tx];
            if (!assay_tx_result_equal(a, b))
                fail_msg("from height %llu, block %llu, transaction %u: code %u, not %u",
                         (ull)r->items[i].from, (ull)block->height, tx, a->code, b->code);
        }
        if (!assay_hash_equal(&own.app_hash, &c->outcome.app_hash))
            fail_msg("from height %llu, block %llu: another app hash", (ull)r->items[i].from,
                     (ull)block->height);
        assert_int_equal(own.update_count, c->outcome.update_count);
        if (own.update_count)
            assert_memory_equal(own.updates, c->outcome.updates,
                                own.update_count * sizeof *own.updates);
        must(assay_app_commit(app, err));
    }
}

static inline replicas *replicas_new(chain *c, uint64_t every) {
    replicas *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->chain = c;
    r->every = every;
    c->witness = replicas_witness;
    c->context = r;
    return r;
}

static inline void replicas_free(replicas *r) {
    for (uint32_t i = 0; i < r->count; i++) {
        assay_app_close(r->items[i].app);
        assay_folder_remove(r->items[i].folder);
    }
    free(r);
}

#endif
