// SPDX-License-Identifier: Apache-2.0
// An application of a few lines whose state is one small file. It can fail or die at any of its
// calls. A transaction is text: "+name" is accepted, "-name" is refused when executed, "!" when
// checked, and "?" is never proposed; each counts once.
#ifndef ASSAY_TESTS_CONSENSUS_FAKE_H
#define ASSAY_TESTS_CONSENSUS_FAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/sha256.h"
#include "consensus/solo.h"
#include "tests/consensus/folder.h"

enum { FAKE_REJECT = 777 };

typedef struct {
    bool initialised;
    uint64_t height;
    assay_hash app_hash;
} fake_state;

typedef struct {
    char path[FOLDER_PATH_MAX]; // of the state's file
    fake_state committed, finalised;
    uint8_t salt;    // another one is another application
    bool refuse_all; // results differ, the state does not
    bool waiting;
    const char *first; // the proposer's own transaction
    char text[64];     // of the last refusal
    _Atomic int calls; // so far; check_tx comes from any thread
    int die_at;        // _exit in that call, 0: never
    int fail_commits;  // so many commits fail
    int fail_finalize;
    int inits;
    _Atomic int checks;
    atomic_bool check_slow;               // one that has begun lasts until it is false
    _Atomic int rechecks;                 // of them, those of what waits
    assay_validator_update validators[2]; // the set
    uint32_t validator_count;
    const assay_validator_update *updates; // what each block says of it
    uint32_t update_count;
} fake;

static inline void fake_call(fake *f) {
    if (++f->calls == f->die_at) _exit(9);
}

static inline void fake_load(fake *f, const char *path) {
    uint8_t *data;
    size_t size;
    snprintf(f->path, sizeof f->path, "%s", path);
    if (assay_file_read(path, sizeof f->committed, &data, &size, NULL) != ASSAY_OK) return;
    assert_int_equal(size, sizeof f->committed);
    memcpy(&f->committed, data, size);
    free(data);
}

static inline assay_status fake_save(fake *f, const fake_state *state, assay_error *err) {
    ASSAY_TRY(assay_file_replace(f->path, state, sizeof *state, 0600, err));
    f->committed = *state;
    return ASSAY_OK;
}

static void fake_info(void *self, assay_app_info *out) {
    fake *f = self;
    fake_call(f);
    *out = (assay_app_info){f->committed.initialised, f->committed.height, f->committed.app_hash};
}

static assay_status fake_init_chain(void *self, assay_error *err) {
    fake *f = self;
    fake_state state = {true, 0, {{f->salt}}};
    f->inits++;
    fake_call(f);
    ASSAY_TRY(fake_save(f, &state, err));
    fake_call(f);
    return ASSAY_OK;
}

static assay_status fake_validators(void *self, assay_validator_update *out, uint32_t *count,
                                    assay_error *err) {
    const fake *f = self;
    *count = f->validator_count;
    memcpy(out, f->validators, f->validator_count * sizeof *out);
    return ASSAY_OK;
}

static assay_status fake_check_tx(void *self, const void *tx, size_t size, bool again,
                                  assay_hash *id, assay_error *err) {
    fake *f = self;
    fake_call(f);
    f->checks++;
    f->rechecks += again;
    while (f->check_slow)
        usleep(1000);
    assay_sha256_of(id, tx, size);
    if (size == 0 || *(const char *)tx == '!')
        return assay_fail(err, ASSAY_REJECTED, FAKE_REJECT, "not a transaction");
    return ASSAY_OK;
}

static void fake_recheck(void *self) {
    fake_call(self);
}

static assay_status fake_prepare(void *self, const assay_engine_candidates *candidates,
                                 uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                 assay_error *err) {
    fake *f = self;
    fake_call(f);
    *picked_count = 0;
    for (uint32_t i = 0; i < candidates->tx_count; i++)
        if (candidates->txs[i].data[0] != '?') picked[(*picked_count)++] = i;
    if (f->first) *first = (assay_bytes){(const uint8_t *)f->first, strlen(f->first)};
    return ASSAY_OK;
}

// "?" is what no honest proposer proposes.
static assay_status fake_process(void *self, const assay_engine_block *block, assay_error *err) {
    fake_call(self);
    for (uint32_t i = 0; i < block->tx_count; i++)
        if (block->txs[i].data[0] == '?')
            return assay_fail(err, ASSAY_REJECTED, FAKE_REJECT, "transaction %u", i);
    return ASSAY_OK;
}

static assay_status fake_finalize(void *self, const assay_engine_block *block,
                                  assay_tx_result *results, const char **texts,
                                  assay_engine_outcome *out, assay_error *err) {
    fake *f = self;
    assay_sha256 sha;
    fake_call(f);
    if (f->fail_finalize && f->fail_finalize--)
        return ASSAY_FAIL(err, IO, "the application is unwell");
    assert_int_equal(block->height, f->committed.height + 1);
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, f->committed.app_hash.bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, &f->salt, 1);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        assay_sha256_update(&sha, block->txs[i].data, block->txs[i].size);
        if (block->txs[i].data[0] == '+' && !f->refuse_all) {
            results[i].data_size = 1;
            results[i].data[0] = block->txs[i].data[1];
            continue;
        }
        snprintf(f->text, sizeof f->text, "refused at height %llu", (ull)block->height);
        results[i].code = FAKE_REJECT;
        texts[i] = f->text;
    }
    f->finalised = (fake_state){true, block->height, {{0}}};
    assay_sha256_final(&sha, &f->finalised.app_hash);
    *out = (assay_engine_outcome){f->finalised.app_hash, f->updates, f->update_count};
    fake_call(f);
    return ASSAY_OK;
}

static assay_status fake_commit(void *self, assay_error *err) {
    fake *f = self;
    fake_call(f);
    if (f->fail_commits && f->fail_commits--)
        return ASSAY_FAIL(err, DISK_FULL, "no room for the state");
    ASSAY_TRY(fake_save(f, &f->finalised, err));
    fake_call(f);
    return ASSAY_OK;
}

static bool fake_waiting(void *self) {
    return ((fake *)self)->waiting;
}

static inline assay_application fake_calls(fake *f) {
    return (assay_application){f,
                               fake_info,
                               fake_init_chain,
                               fake_validators,
                               fake_check_tx,
                               fake_recheck,
                               fake_prepare,
                               fake_process,
                               fake_finalize,
                               fake_commit,
                               fake_waiting,
                               NULL};
}

// A solo engine over a fake, both in one folder.
typedef struct {
    char folder[FOLDER_MAX];
    fake app;
    assay_solo *solo;
    assay_chain_engine engine;
    uint32_t block_ms;
    assay_solo_replayed replayed;
} stand;

static inline assay_status stand_try(stand *s, assay_error *err) {
    fake_load(&s->app, folder_path(s->folder, "state"));
    assay_solo_options options = {.folder = folder_path(s->folder, "blocks"),
                                  .application = fake_calls(&s->app),
                                  .chain_id = "assay-9",
                                  .genesis_seconds = 1700000000,
                                  .power = 100,
                                  .seed = {42},
                                  .block_ms = s->block_ms,
                                  .replayed = s->replayed};
    ASSAY_TRY(assay_solo_open(&s->solo, &options, err));
    s->engine = assay_solo_engine(s->solo);
    return ASSAY_OK;
}

static inline void stand_open(stand *s) {
    must(stand_try(s, err));
}

static inline void stand_close(stand *s) {
    assay_solo_close(s->solo);
    s->solo = NULL;
    char folder[FOLDER_MAX];
    memcpy(folder, s->folder, sizeof folder);
    uint32_t block_ms = s->block_ms;
    *s = (stand){.block_ms = block_ms}; // as a new process finds it
    memcpy(s->folder, folder, sizeof folder);
}

static inline assay_hash stand_submit(stand *s, const char *text) {
    assay_hash id;
    must(s->engine.submit(s->solo, text, strlen(text), &id, err));
    return id;
}

static inline assay_tx_fate stand_fate(stand *s, const assay_hash *id, uint64_t depth) {
    assay_tx_fate fate;
    must(s->engine.find(s->solo, id, depth, &fate, err));
    return fate;
}

#endif
