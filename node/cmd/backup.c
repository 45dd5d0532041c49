// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "consensus/blocklog.h"
#include "ledger/state/store.h"
#include "node/cmd/commands.h"
#include "node/home/home.h"

// A copy in the making.
typedef struct {
    assay_home home;
    assay_operator secrets;
    const char *out;
    bool alone;    // the home's engine is solo: its log and its key are the chain
    bool left_out; // there is a key, and it stays where it is
    bool behind;   // CometBFT's blocks are in the state: no fresh CometBFT fits it
    bool begun;    // what is in `out` is ours
    bool made;     // `out` too
    uint64_t blocks;
} copying;

// Makes the folder, which must be new or empty.
static assay_status folder_check(copying *c, assay_error *err) {
    const char *path = c->out;
    c->made = access(path, F_OK) != 0;
    ASSAY_TRY(assay_folder_make(path, err));
    DIR *folder = opendir(path);
    if (!folder) return assay_fail_errno(err, errno, "cannot open %s", path);
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(folder));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(folder);
    c->begun = empty;
    return empty ? ASSAY_OK : ASSAY_FAIL(err, EXISTS, "%s is not empty", path);
}

static assay_status state_copy(copying *c, assay_error *err) {
    const assay_home *home = &c->home;
    char from[PATH_MAX], to[PATH_MAX];
    assay_store *store;
    assay_store_options options = {.read_only = true, .map_size = home->config.map_gib << 30};
    ASSAY_TRY(assay_home_path(from, home->path, "state", err));
    ASSAY_TRY(assay_home_path(to, c->out, "state", err));
    ASSAY_TRY(assay_store_open(&store, from, &home->genesis.hash, &options, err));
    c->behind = !c->alone && assay_store_last(store)->height >= home->config.initial_height;
    assay_status status = assay_store_backup(store, to, err);
    assay_store_close(store);
    return status;
}

// Each record is checked as it is read. Behind CometBFT there is a log only where solo was before.
static assay_status log_copy(copying *c, assay_error *err) {
    char from[PATH_MAX], to[PATH_MAX];
    assay_blocklog *source, *target;
    assay_error why = {0};
    ASSAY_TRY(assay_home_path(from, c->home.path, "blocks", err));
    ASSAY_TRY(assay_home_path(to, c->out, "blocks", err));
    assay_status status = assay_blocklog_open(&source, from, false, 0, &why);
    if (status == ASSAY_NOT_FOUND && !c->alone) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = assay_blocklog_open(&target, to, true, 0, err);
    c->blocks = assay_blocklog_count(source);
    while (status == ASSAY_OK && assay_blocklog_count(target) < c->blocks) {
        status = assay_blocklog_copy(target, source, ASSAY_BLOCKLOG_COPY_MAX, err);
        assay_progress_show("blocks", assay_blocklog_count(target), c->blocks);
    }
    assay_blocklog_close(target);
    assay_blocklog_close(source);
    return status;
}

// F-90: behind CometBFT a copy may be started beside the first by mistake: with the key in it two
// nodes would sign.
static assay_status secrets_read(copying *c, assay_error *err) {
    char path[PATH_MAX];
    c->alone = c->home.config.engine == ASSAY_ENGINE_SOLO;
    if (c->alone) return assay_operator_read(&c->secrets, c->home.path, err);
    ASSAY_TRY(assay_home_path(path, c->home.path, "operator.json", err));
    c->left_out = access(path, F_OK) == 0;
    return ASSAY_OK;
}

// What was begun and failed would stand in the way of the next try.
static void half_remove(const copying *c) {
    static const char *const names[] = {"state", "blocks", "operator.json", "genesis.json",
                                        "config.json"};
    char path[PATH_MAX];
    if (!c->begun) return;
    for (size_t i = 0; i < ASSAY_COUNT(names); i++)
        if (assay_home_path(path, c->out, names[i], NULL) == ASSAY_OK) assay_folder_remove(path);
    if (c->made) rmdir(c->out);
}

// Copying takes minutes, in which the node may be ended and its chain handed over: a copy with the
// config and the key of before would sign the next height beside CometBFT.
static assay_status config_check(const copying *c, assay_error *err) {
    bool handed;
    ASSAY_TRY(assay_home_handed_over(&handed, &c->home.config, c->home.path, err));
    if (!handed) return ASSAY_OK;
    return ASSAY_FAIL(err, BUSY, "the chain of %.200s was handed over while it was copied",
                      c->home.path);
}

// The state first: a log that is ahead of it is replayed, the reverse is refused. The config comes
// last (assay_home_create), so that half a copy is no home.
static assay_status home_copy(copying *c, const char *path, assay_error *err) {
    assay_status status = assay_home_open(&c->home, path, err);
    if (status == ASSAY_OK) status = secrets_read(c, err);
    if (status == ASSAY_OK) status = folder_check(c, err);
    if (status == ASSAY_OK) status = state_copy(c, err);
    if (status == ASSAY_OK) status = log_copy(c, err);
    if (status == ASSAY_OK) status = config_check(c, err);
    // Where the first home's key went is nothing to a copy without it.
    if (!c->alone) c->home.config.exported[0] = c->home.config.export_begun[0] = 0;
    if (status == ASSAY_OK)
        status = assay_home_create(c->out, &c->home.config, &c->home.genesis,
                                   c->alone ? &c->secrets : NULL, err);
    if (status != ASSAY_OK) half_remove(c);
    assay_operator_clear(&c->secrets);
    assay_home_close(&c->home);
    return status;
}

// F-90: what a copy behind CometBFT is good for.
static void comet_print(const copying *c) {
    printf(
        "%sCometBFT's keys and sign state are left out: two nodes with one key sign two chains\n",
        c->left_out ? "operator.json, " : "");
    if (c->behind)
        printf("it starts beside CometBFT data at least as new, not beside a fresh CometBFT home:\n"
               "a lost machine comes back by state sync\n");
    else
        printf("other nodes of the chain may begin with it (assay export)\n");
}

int assay_cmd_backup(assay_invocation *invocation) {
    const char *path = NULL;
    copying copy = {.out = NULL};
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &path, "DIR", "a node's folder; the node may be running", 0, 0,
         true},
        {"out", ASSAY_OPTION_TEXT, &copy.out, "DIR", "folder to make", 0, 0, true},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, 2,
            "The copy of a solo node is a home of its own, secrets included. Never run both:\n"
            "two nodes with one key sign two chains.\n\n"
            "Of a node behind CometBFT the state is copied; operator.json, CometBFT's keys and\n"
            "its sign state are not. The copy starts beside CometBFT data at least as new. It\n"
            "starts beside a fresh CometBFT home, of another node too, only if CometBFT has made\n"
            "no block of the chain. A lost machine comes back without a copy, by state sync into\n"
            "a new home (assay init --genesis).",
            &code))
        return code;
    assay_error err = {0};
    if (home_copy(&copy, path, &err) != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    if (invocation->json)
        return assay_command_print(json_pack("{s:s,s:o,s:b}", "home", copy.out, "blocks",
                                             assay_json_from_u64(copy.blocks), "operator",
                                             (int)copy.alone));
    if (copy.alone || copy.blocks)
        printf("%s holds %llu blocks\n", copy.out, (ull)copy.blocks);
    else
        printf("%s holds the state\n", copy.out);
    if (!copy.alone) comet_print(&copy);
    return ASSAY_EXIT_OK;
}
