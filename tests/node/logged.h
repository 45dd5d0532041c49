// SPDX-License-Identifier: Apache-2.0
// The small chain of tests/ledger/trial.h with a home as a node keeps it: genesis, state, and a
// block log signed by the operator. And the audit of such homes, run as a program.
#ifndef ASSAY_TESTS_NODE_LOGGED_H
#define ASSAY_TESTS_NODE_LOGGED_H

#include "tests/ledger/trial.h"

#include <sys/wait.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "consensus/blocklog.h"
#include "consensus/ledger_application.h"
#include "consensus/tip.h"
#include "node/home/home.h"
#include "tests/folder.h"

enum { LOGGED_ARENA = 64 << 20, LOGGED_OUTPUT = 1 << 18 };

typedef struct {
    trial *trial;
    char folder[32];  // holds everything
    char home[48];    // the node's, in it
    uint8_t seed[32]; // the operator's consensus key
    assay_blocklog *log;
    assay_tip tip;
    assay_tip before; // the tip before the last block
} logged;

// Runs a command line in the folder; its standard output goes to out [LOGGED_OUTPUT].
// Returns: its exit code.
static inline int logged_run(const logged *l, char *out, const char *format, ...) {
    char command[2048];
    int used = snprintf(command, sizeof command, "cd %s && PATH=%s:$PATH && ", l->folder,
                        ASSAY_BINARY_DIR);
    va_list args;
    va_start(args, format);
    used += vsnprintf(command + used, sizeof command - (size_t)used, format, args);
    va_end(args);
    assert_true(used < (int)sizeof command);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, LOGGED_OUTPUT - 1, pipe);
    out[got] = 0;
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define logged_do(l, ...)                                                                          \
    do {                                                                                           \
        static char logged_out_[LOGGED_OUTPUT];                                                    \
        if (logged_run((l), logged_out_, __VA_ARGS__) != 0)                                        \
            fail_msg("%s:%d: %s", __FILE__, __LINE__, logged_out_);                                \
    } while (0)

// Signs and records the block as the solo engine would.
static inline void logged_append(assay_blocklog *log, const assay_tip *tip, assay_block *block,
                                 const uint8_t *seed, assay_arena *arena) {
    assay_bytes record;
    block->commit.height = block->header.height;
    block->commit.time = block->header.time;
    must(assay_block_id_of(&block->commit.block, block, tip->height ? &tip->commit : NULL, arena,
                           err));
    must(assay_commit_sign(&block->commit, tip->chain_id, seed, err));
    must(assay_block_write(&record, block, arena, err));
    must(assay_blocklog_append(log, record.data, record.size, err));
}

static inline void logged_header(const assay_tip *tip, assay_block *block, assay_time time,
                                 assay_arena *arena) {
    assay_hash *ids = assay_arena_take(arena, block->tx_count + 1, sizeof *ids);
    assert_non_null(ids);
    assay_block_tx_ids(ids, block);
    must(assay_tip_header(tip, block, ids, time, arena, err));
}

static inline void logged_begin(logged *l) {
    chain *c = &l->trial->chain;
    char path[64], name[ASSAY_CHAIN_ID_MAX + 1];
    assay_config config;
    assay_operator secrets = {.beacon_length = CHAIN_PREIMAGES,
                              .beacon_seed = c->links[CHAIN_PREIMAGES]};
    assay_app_info info;
    memcpy(secrets.ed25519_seed, l->seed, sizeof l->seed);
    assay_config_init(&config);
    config.map_gib = 1;
    must(assay_home_create(l->home, &config, &c->genesis, &secrets, err));
    snprintf(path, sizeof path, "%s/state", l->home);
    assert_int_equal(symlink(c->folder, path), 0);
    snprintf(path, sizeof path, "%s/blocks", l->home);
    must(assay_blocklog_open(&l->log, path, true, 0, err));
    assay_app_info_get(c->app, &info);
    assay_chain_name(name, &c->genesis);
    assay_tip_init(&l->tip, name, c->genesis.validators[0].ed25519,
                   assay_voting_power(c->genesis.validators[0].consensus_bond), c->genesis.time,
                   &info.app_hash);
}

static inline void logged_witness(chain *c, const assay_app_block *input) {
    logged *l = c->context;
    assay_arena arena;
    assay_hash results_hash;
    if (!l->log) logged_begin(l);
    assay_arena_init(&arena, LOGGED_ARENA);
    assay_block block = {.txs = input->txs,
                         .tx_count = input->tx_count,
                         .results = c->outcome.results,
                         .app_hash_after = c->outcome.app_hash};
    logged_header(&l->tip, &block, (assay_time){input->time, 0}, &arena);
    logged_append(l->log, &l->tip, &block, l->seed, &arena);
    must(assay_results_hash(&results_hash, block.results, block.tx_count, &arena, err));
    l->before = l->tip;
    assay_tip_advance(&l->tip, &block, &results_hash);
    assay_arena_close(&arena);
}

// A trial whose blocks will be logged; set its roots and params, then trial_start.
static inline logged *logged_new(void) {
    logged *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->trial = trial_new();
    snprintf(l->folder, sizeof l->folder, "/tmp/assay_logged_XXXXXX");
    test_folder_make(l->folder);
    snprintf(l->home, sizeof l->home, "%s/home", l->folder);
    const assay_hash seed = chain_seed(0);
    memcpy(l->seed, seed.bytes, sizeof l->seed);
    chain *c = &l->trial->chain;
    c->witness = logged_witness;
    c->context = l;
    return l;
}

static inline void logged_free(logged *l) {
    assay_blocklog_close(l->log);
    trial_close(l->trial);
    assay_folder_remove(l->folder);
    free(l);
}

// Runs `assay audit --json` with these arguments. The document is the caller's to release.
static inline json_t *logged_audit(const logged *l, int exit_code, const char *arguments) {
    static char out[LOGGED_OUTPUT];
    int code = logged_run(l, out, "assay audit --json %s 2>errors", arguments);
    if (code != exit_code) fail_msg("audit %s: exit code %d: %s", arguments, code, out);
    json_t *document = json_loads(out, 0, NULL);
    if (!document) fail_msg("audit %s: not JSON: %s", arguments, out);
    return document;
}

static inline uint64_t logged_number(const json_t *document, const char *name) {
    uint64_t value = 0;
    must(assay_json_u64(&value, document, name, 0, UINT64_MAX, err));
    return value;
}

static inline void logged_expect_hash(const json_t *document, const char *name,
                                      const assay_hash *expected) {
    assay_hash found;
    must(assay_json_hash(&found, document, name, err));
    assert_memory_equal(&found, expected, sizeof found);
}

#endif
