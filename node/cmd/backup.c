// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "consensus/blocklog.h"
#include "ledger/state/store.h"
#include "node/cmd/commands.h"
#include "node/home/home.h"

// Makes the folder, which must be new or empty.
static assay_status folder_check(const char *path, assay_error *err) {
    ASSAY_TRY(assay_folder_make(path, err));
    DIR *folder = opendir(path);
    if (!folder) return assay_fail_errno(err, errno, "cannot open %s", path);
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(folder));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(folder);
    return empty ? ASSAY_OK : ASSAY_FAIL(err, EXISTS, "%s is not empty", path);
}

static assay_status state_copy(const assay_home *home, const char *out, assay_error *err) {
    char from[PATH_MAX], to[PATH_MAX];
    assay_store *store;
    assay_store_options options = {.read_only = true, .map_size = home->config.map_gib << 30};
    ASSAY_TRY(assay_home_path(from, home->path, "state", err));
    ASSAY_TRY(assay_home_path(to, out, "state", err));
    ASSAY_TRY(assay_store_open(&store, from, &home->genesis.hash, &options, err));
    assay_status status = assay_store_backup(store, to, err);
    assay_store_close(store);
    return status;
}

// Each record is checked as it is read.
static assay_status log_copy(const assay_home *home, const char *out, uint64_t *count,
                             assay_error *err) {
    char from[PATH_MAX], to[PATH_MAX];
    assay_blocklog *source, *target;
    ASSAY_TRY(assay_home_path(from, home->path, "blocks", err));
    ASSAY_TRY(assay_home_path(to, out, "blocks", err));
    ASSAY_TRY(assay_blocklog_open(&source, from, false, 0, err));
    assay_status status = assay_blocklog_open(&target, to, true, 0, err);
    *count = assay_blocklog_count(source);
    while (status == ASSAY_OK && assay_blocklog_count(target) < *count) {
        status = assay_blocklog_copy(target, source, ASSAY_BLOCKLOG_COPY_MAX, err);
        assay_progress_show("blocks", assay_blocklog_count(target), *count);
    }
    assay_blocklog_close(target);
    assay_blocklog_close(source);
    return status;
}

// The state first: a log that is ahead of it is replayed, the reverse is refused. The config comes
// last (assay_home_create), so that half a copy is no home.
static assay_status home_copy(const char *path, const char *out, uint64_t *count,
                              assay_error *err) {
    assay_home home = {0};
    assay_operator secrets = {0};
    assay_status status = assay_home_open(&home, path, err);
    if (status == ASSAY_OK) status = assay_operator_read(&secrets, path, err);
    if (status == ASSAY_OK) status = folder_check(out, err);
    if (status == ASSAY_OK) status = state_copy(&home, out, err);
    if (status == ASSAY_OK) status = log_copy(&home, out, count, err);
    if (status == ASSAY_OK)
        status = assay_home_create(out, &home.config, &home.genesis, &secrets, err);
    assay_operator_clear(&secrets);
    assay_home_close(&home);
    return status;
}

int assay_cmd_backup(assay_invocation *invocation) {
    const char *path = NULL, *out = NULL;
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &path, "DIR", "a node's folder; the node may be running", 0, 0,
         true},
        {"out", ASSAY_OPTION_TEXT, &out, "DIR", "folder to make", 0, 0, true},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, 2,
            "The copy is a home of its own, secrets included. Never run both: two\n"
            "nodes with one key sign two chains.",
            &code))
        return code;
    assay_error err = {0};
    uint64_t count = 0;
    if (home_copy(path, out, &count, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    if (invocation->json)
        return assay_command_print(
            json_pack("{s:s,s:o}", "home", out, "blocks", assay_json_from_u64(count)));
    printf("%s holds %llu blocks\n", out, (unsigned long long)count);
    return ASSAY_EXIT_OK;
}
