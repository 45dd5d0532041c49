// SPDX-License-Identifier: Apache-2.0
// A small chain with a batch in every stage, whose state is cut into many chunks, and a node
// without a state that may take it over.
#ifndef ASSAY_TESTS_CONSENSUS_STATESYNC_STAND_H
#define ASSAY_TESTS_CONSENSUS_STATESYNC_STAND_H

#include "tests/ledger/replica.h"

#include "consensus/statesync/maker.h"
#include "consensus/statesync/restore.h"
#include "tests/folder.h"

enum { STAND_CHUNK = 512, STAND_ARENA = 64 << 20 };

typedef struct {
    char folder[64]; // snapshots/, state/ (of the node without one), state.restoring/
    trial *trial;
    replicas *replicas;
    bundle bundle;
    assay_statesync_maker *maker;
    assay_app *empty;
    assay_statesync_restore *restore;
    assay_arena arena; // of what the maker answered
    const assay_statesync_snapshot *list;
    uint32_t count;
} stand;

static inline const char *stand_path(const stand *s, const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", s->folder, name);
    return path;
}

static inline void stand_maker_open(stand *s, uint64_t every, uint32_t keep, uint32_t chunk_max) {
    const assay_statesync_options options = {.app = s->trial->chain.app,
                                             .folder = stand_path(s, "snapshots"),
                                             .every = every,
                                             .keep = keep,
                                             .chunk_max = chunk_max};
    must(assay_statesync_maker_open(&s->maker, &options, err));
}

// The chain with one settled batch and one being checked.
static inline stand *stand_new(void) {
    stand *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->folder, sizeof s->folder, "/tmp/assay_sync_XXXXXX");
    test_folder_make(s->folder);
    assay_arena_init(&s->arena, STAND_ARENA);
    s->trial = trial_new();
    s->replicas = replicas_new(&s->trial->chain, 0);
    trial_start(s->trial);
    trial_submit(s->trial, &s->bundle, 3);
    trial_run_out(s->trial, &s->bundle.id);
    trial_submit(s->trial, &s->bundle, 2);
    trial_until(s->trial, &s->bundle.id, ASSAY_BATCH_CHECKING);
    return s;
}

// Until no snapshot is being made.
static inline void stand_wait(const stand *s) {
    assay_statesync_maker_state how;
    for (;;) {
        assay_statesync_maker_state_get(s->maker, &how);
        if (!how.making) return;
        usleep(200);
    }
}

static inline void stand_list(stand *s) {
    must(assay_statesync_maker_list(s->maker, &s->list, &s->count, &s->arena, err));
}

static inline assay_bytes stand_chunk(stand *s, uint64_t height, uint32_t index) {
    assay_bytes chunk;
    must(assay_statesync_maker_load(s->maker, height, ASSAY_STATESYNC_FORMAT, index, &chunk,
                                    &s->arena, err));
    return chunk;
}

// A snapshot of the chain's present height.
static inline void stand_make(stand *s) {
    if (!s->maker) stand_maker_open(s, 1, 0, STAND_CHUNK);
    assay_statesync_maker_commit(s->maker, s->trial->chain.height);
    stand_wait(s);
    stand_list(s);
    assert_true(s->count > 0);
    assert_int_equal(s->list[0].height, s->trial->chain.height);
}

static inline void stand_empty_open(stand *s) {
    const assay_app_options app = {.skip_sync = true, .map_size = 1 << 28};
    must(assay_app_open(&s->empty, stand_path(s, "state"), &s->trial->chain.genesis, &app, err));
    const assay_statesync_restore_options options = {.app = s->empty,
                                                     .folder = stand_path(s, "state.restoring"),
                                                     .map_size = 1 << 28,
                                                     .skip_sync = true};
    must(assay_statesync_restore_open(&s->restore, &options, err));
}

// The same node, whose restores may take that many bytes.
static inline void stand_memory(stand *s, uint64_t memory) {
    assay_statesync_restore_close(s->restore);
    const assay_statesync_restore_options options = {.app = s->empty,
                                                     .folder = stand_path(s, "state.restoring"),
                                                     .map_size = 1 << 28,
                                                     .memory = memory,
                                                     .skip_sync = true};
    must(assay_statesync_restore_open(&s->restore, &options, err));
}

static inline void stand_empty_close(stand *s) {
    assay_statesync_restore_close(s->restore);
    assay_app_close(s->empty);
    s->restore = NULL;
    s->empty = NULL;
}

static inline assay_bytes stand_app_hash(stand *s) {
    static assay_hash hash;
    hash = s->trial->chain.outcome.app_hash;
    return (assay_bytes){hash.bytes, sizeof hash};
}

static inline bool stand_empty_is(const stand *s) {
    assay_app_info info;
    assay_app_info_get(s->empty, &info);
    return !info.initialised;
}

static inline void stand_free(stand *s) {
    stand_empty_close(s);
    assay_statesync_maker_close(s->maker);
    replicas_free(s->replicas);
    trial_close(s->trial);
    assay_arena_close(&s->arena);
    assay_folder_remove(s->folder);
    free(s);
}

#endif
