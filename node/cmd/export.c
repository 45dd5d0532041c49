// SPDX-License-Identifier: Apache-2.0
// Hands a chain to CometBFT: at its beginning, or a solo chain with all that happened on it.
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "consensus/blocklog.h"
#include "consensus/ledger_application.h"
#include "node/cmd/commands.h"
#include "node/comet/home.h"
#include "node/home/home.h"

typedef unsigned long long ull;

enum { BLOCK_ARENA_MAX = 256 << 20, NANOS_STEP = 1000000 };

typedef struct {
    assay_home home;
    assay_operator secrets;
    bool has_secrets;
    assay_app *app;
    assay_validator_update validators[ASSAY_ENGINE_VALIDATORS_MAX];
    assay_comet_start start;
} export_parts;

// The block log, if the chain has one, ends where the state does: what it has beyond would be
// signed a second time.
static assay_status log_check(export_parts *parts, assay_blocklog **log, assay_error *err) {
    char path[PATH_MAX];
    assay_error why = {0};
    uint64_t height = parts->start.height;
    ASSAY_TRY(assay_home_path(path, parts->home.path, "blocks", err));
    assay_status status = assay_blocklog_open(log, path, false, height, &why);
    if (status == ASSAY_NOT_FOUND && height == 0) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_fail(err, status, 0, "%s", why.text);
    if (assay_blocklog_count(*log) == height) return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH,
                      "the block log has %llu blocks and the state is of height %llu: start "
                      "and stop the node once",
                      (ull)assay_blocklog_count(*log), (ull)height);
}

// The first block states the genesis's time, which must be later than that of the last one so far.
static assay_status time_after_last(export_parts *parts, assay_blocklog *log, assay_error *err) {
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    size_t size;
    ASSAY_TRY(assay_blocklog_read(log, parts->start.height - 1, &data, &size, err));
    assay_arena_init(&arena, BLOCK_ARENA_MAX);
    assay_status status = assay_block_read(&block, data, size, &arena, err);
    if (status == ASSAY_OK) {
        assay_time *time = &parts->start.time;
        *time = block.header.time;
        time->nanos += NANOS_STEP;
        if (time->nanos >= 1000000000) *time = (assay_time){time->seconds + 1, 0};
    }
    free(data);
    assay_arena_close(&arena);
    return status;
}

// A chain that was handed over goes on as CometBFT's: it is handed over again only where it began.
static assay_status handover_check(export_parts *parts, assay_error *err) {
    const assay_config *config = &parts->home.config;
    assay_blocklog *log = NULL;
    if (config->engine == ASSAY_ENGINE_ABCI && config->initial_height != parts->start.height + 1)
        return ASSAY_FAIL(err, MISMATCH,
                          "this chain is CometBFT's from block %llu on and the state is of height "
                          "%llu: its key would sign heights a second time",
                          (ull)config->initial_height, (ull)parts->start.height);
    assay_status status = log_check(parts, &log, err);
    if (status == ASSAY_OK && parts->start.height) status = time_after_last(parts, log, err);
    assay_blocklog_close(log);
    return status;
}

static assay_status start_fill(export_parts *parts, assay_error *err) {
    char path[PATH_MAX];
    assay_app_info info;
    assay_comet_start *start = &parts->start;
    const assay_app_options options = {.map_size = parts->home.config.map_gib << 30};
    ASSAY_TRY(assay_home_path(path, parts->home.path, "state", err));
    ASSAY_TRY(assay_folder_make(path, err));
    // The writer's lock: a node that runs is refused here.
    ASSAY_TRY(assay_app_open(&parts->app, path, &parts->home.genesis, &options, err));
    ASSAY_TRY(assay_app_init_chain(parts->app, err));
    assay_app_info_get(parts->app, &info);
    *start = (assay_comet_start){.genesis = &parts->home.genesis,
                                 .height = info.height,
                                 .app_hash = info.app_hash,
                                 .time = {parts->home.genesis.time, 0}};
    ASSAY_TRY(assay_ledger_validators(parts->validators, &start->validator_count, parts->app, err));
    start->validators = parts->validators;
    return handover_check(parts, err);
}

static assay_status export_run(export_parts *parts, const char *home, const char *comet,
                               assay_error *err) {
    ASSAY_TRY(assay_home_open(&parts->home, home, err));
    assay_status status = assay_operator_read(&parts->secrets, home, err);
    if (status != ASSAY_OK && status != ASSAY_NOT_FOUND) return status;
    parts->has_secrets = status == ASSAY_OK;
    ASSAY_TRY(start_fill(parts, err));
    ASSAY_TRY(assay_comet_home_check(comet, err));
    // The embedded engine gives the key up before anyone else has it: a crash in between leaves a
    // chain that nobody signs, to be exported again.
    parts->home.config.initial_height = parts->start.height + 1;
    ASSAY_TRY(assay_home_engine_set(&parts->home, ASSAY_ENGINE_ABCI, err));
    return assay_comet_home_write(comet, &parts->start,
                                  parts->has_secrets ? parts->secrets.ed25519_seed : NULL, err);
}

static void export_close(export_parts *parts) {
    assay_app_close(parts->app);
    assay_operator_clear(&parts->secrets);
    assay_home_close(&parts->home);
}

static void export_print(const assay_invocation *invocation, const export_parts *parts,
                         const char *home, const char *comet) {
    const assay_comet_start *start = &parts->start;
    char name[ASSAY_CHAIN_ID_MAX + 1];
    assay_chain_name(name, start->genesis);
    if (invocation->json) {
        assay_command_print(
            json_pack("{s:s,s:s,s:o,s:o,s:i,s:b}", "comet_home", comet, "chain_id", name,
                      "initial_height", assay_json_from_u64(start->height + 1), "app_hash",
                      assay_json_from_hash(&start->app_hash), "validators",
                      (int)start->validator_count, "validator_key", (int)parts->has_secrets));
        return;
    }
    printf("%s holds CometBFT's genesis of %s: %u validators, first block %llu%s\n", comet, name,
           start->validator_count, (ull)start->height + 1,
           parts->has_secrets ? ", and this validator's key" : "");
    printf("  assay node --home '%s'\n  cometbft start --home '%s' --proxy_app %s\n", home, comet,
           parts->home.config.abci);
}

int assay_cmd_export(assay_invocation *invocation) {
    const char *home = NULL, *comet = NULL;
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &home, "DIR", "a chain's folder; its node must not be running",
         0, 0, true},
        {"to-cometbft", ASSAY_OPTION_TEXT, &comet, "DIR",
         "CometBFT's home to write genesis and validator key into", 0, 0, true},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, 2,
            "Hands a chain to CometBFT: a new one with the validators of its genesis, or a solo\n"
            "chain at its last height, with its whole state. The home's engine is abci from then\n"
            "on; its validator's key is in both places: never run the embedded engine with it.\n"
            "Every other node of a moved chain starts from a copy of this state (assay backup).",
            &code))
        return code;
    static export_parts parts;
    assay_error err = {0};
    assay_status status = export_run(&parts, home, comet, &err);
    if (status == ASSAY_OK) export_print(invocation, &parts, home, comet);
    export_close(&parts);
    return status == ASSAY_OK ? ASSAY_EXIT_OK : assay_command_fail(invocation, &err, NULL);
}
