// SPDX-License-Identifier: Apache-2.0
// Hands a chain to CometBFT: at its beginning, or a solo chain with all that happened on it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "consensus/blocklog.h"
#include "consensus/ledger_application.h"
#include "node/cmd/commands.h"
#include "node/comet/home.h"
#include "node/home/home.h"

enum { BLOCK_ARENA_MAX = 256 << 20 };

typedef struct {
    assay_home home;
    assay_operator secrets;
    bool has_secrets;
    assay_app *app;
    assay_validator_update validators[ASSAY_ENGINE_VALIDATORS_MAX];
    assay_comet_start start;
    uint64_t signed_to;            // --sign-again-above; UINT64_MAX: not given
    bool with_others;              // --with-others
    char target[PATH_MAX];         // CometBFT's home as a whole path; "": not there yet
    char next[3 * PATH_MAX + 128]; // what to do about a failure; "": its sentence says it
} export_parts;

// E-31: which folder has the key is written down before it does, and again when it has it whole.
static assay_status once_check(export_parts *parts, const char *comet, assay_error *err) {
    const assay_config *config = &parts->home.config;
    if (!realpath(comet, parts->target)) parts->target[0] = 0;
    if (!parts->has_secrets || parts->signed_to != UINT64_MAX) return ASSAY_OK;
    if (config->export_begun[0]) {
        if (strcmp(config->export_begun, parts->target) == 0) return ASSAY_OK;
        char again[PATH_MAX + 64] = "";
        if (access(config->export_begun, F_OK) != 0)
            snprintf(again, sizeof again, "if it was removed, and not moved, mkdir '%s' and ",
                     config->export_begun);
        snprintf(parts->next, sizeof parts->next, "%sassay export --home '%s' --to-cometbft '%s'",
                 again, parts->home.path, config->export_begun);
        return ASSAY_FAIL(err, EXISTS,
                          "an export into %s was begun and may have left the key there",
                          config->export_begun);
    }
    if (!config->exported[0]) return ASSAY_OK;
    snprintf(parts->next, sizeof parts->next, "cometbft start --home '%s'", config->exported);
    return ASSAY_FAIL(err, EXISTS,
                      "this home's key is in %s: a CometBFT that has it as well signs heights a "
                      "second time, and the bond is lost",
                      config->exported);
}

// The block log, if the chain has one, ends where the state does: what it has beyond would be
// signed a second time.
static assay_status log_check(export_parts *parts, assay_blocklog **log, assay_error *err) {
    char path[PATH_MAX];
    assay_error why = {0};
    uint64_t height = parts->start.height;
    ASSAY_TRY(assay_home_path(path, parts->home.path, "blocks", err));
    assay_status status = assay_blocklog_open(log, path, false, height, &why);
    if (status == ASSAY_NOT_FOUND && height == 0) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
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
    if (status == ASSAY_OK) parts->start.time = assay_time_next(&block.header.time);
    free(data);
    assay_arena_close(&arena);
    return status;
}

// A chain that was handed over goes on as CometBFT's: it is handed over again only where it began.
static assay_status handover_check(export_parts *parts, assay_error *err) {
    const assay_config *config = &parts->home.config;
    assay_blocklog *log = NULL;
    if (config->engine == ASSAY_ENGINE_ABCI && config->initial_height != parts->start.height + 1) {
        snprintf(
            parts->next, sizeof parts->next,
            "follow the chain by state sync: assay init --home NEW --genesis '%s/genesis.json', "
            "and a fresh CometBFT home with another node's config/genesis.json",
            parts->home.path);
        return ASSAY_FAIL(err, MISMATCH,
                          "this chain is CometBFT's from block %llu on and the state is of height "
                          "%llu: %s",
                          (ull)config->initial_height, (ull)parts->start.height,
                          parts->has_secrets ? "its key would sign heights a second time"
                                             : "no fresh CometBFT can begin with it");
    }
    assay_status status = log_check(parts, &log, err);
    if (status == ASSAY_OK && parts->start.height) status = time_after_last(parts, log, err);
    assay_blocklog_close(log);
    return status;
}

// A moved chain stands still until validators with more than two thirds of its power take part.
static assay_status power_check(export_parts *parts, assay_error *err) {
    const assay_comet_start *start = &parts->start;
    uint8_t key[ASSAY_ED25519_KEY_SIZE];
    uint64_t own = 0, all = 0;
    bool moves = start->height && parts->home.config.engine == ASSAY_ENGINE_SOLO;
    if (!moves || !parts->has_secrets || parts->with_others) return ASSAY_OK;
    ASSAY_TRY(assay_ed25519_public(key, parts->secrets.ed25519_seed, err));
    for (uint32_t i = 0; i < start->validator_count; i++) {
        bool same = memcmp(parts->validators[i].ed25519, key, sizeof key) == 0;
        own += same ? parts->validators[i].power : 0;
        all += parts->validators[i].power;
    }
    if (all - own < own / 2 + own % 2) return ASSAY_OK; // others have less than half as much
    snprintf(parts->next, sizeof parts->next,
             "more consensus bond, or, where the others' nodes are ready: --with-others");
    return ASSAY_FAIL(err, FORBIDDEN,
                      "this validator has %llu of %llu power, and no block comes without more than "
                      "two thirds",
                      (ull)own, (ull)all);
}

static assay_status start_fill(export_parts *parts, const char *comet, assay_error *err) {
    char path[PATH_MAX];
    assay_app_info info;
    assay_comet_start *start = &parts->start;
    const assay_app_options options = {.map_size = parts->home.config.map_gib << 30};
    ASSAY_TRY(assay_home_path(path, parts->home.path, "state", err));
    ASSAY_TRY(assay_folder_make(path, err));
    // The writer's lock: a node that runs is refused here, and another export has ended.
    ASSAY_TRY(assay_app_open(&parts->app, path, &parts->home.genesis, &options, err));
    ASSAY_TRY(assay_home_config_read(&parts->home.config, parts->home.path, err));
    ASSAY_TRY(once_check(parts, comet, err));
    ASSAY_TRY(assay_app_init_chain(parts->app, err));
    assay_app_info_get(parts->app, &info);
    *start = (assay_comet_start){.genesis = &parts->home.genesis,
                                 .height = info.height,
                                 .app_hash = info.app_hash,
                                 .time = {parts->home.genesis.time, 0}};
    ASSAY_TRY(assay_ledger_validators(parts->validators, &start->validator_count, parts->app, err));
    start->validators = parts->validators;
    ASSAY_TRY(handover_check(parts, err));
    ASSAY_TRY(power_check(parts, err));
    if (parts->signed_to == UINT64_MAX) return ASSAY_OK;
    start->signed_to = parts->signed_to;
    if (start->signed_to >= start->height) return ASSAY_OK;
    return ASSAY_FAIL(err, RANGE, "to sign above %llu, and the state is of height %llu",
                      (ull)start->signed_to, (ull)start->height);
}

// The embedded engine gives the key up before anyone else has it: a crash in between leaves a chain
// that nobody signs, to be exported again into the same folder.
static assay_status key_hand_over(export_parts *parts, const char *comet, assay_error *err) {
    assay_config *config = &parts->home.config;
    const uint8_t *seed = parts->has_secrets ? parts->secrets.ed25519_seed : NULL;
    bool repeated = parts->target[0] && strcmp(config->export_begun, parts->target) == 0;
    assay_status status = assay_comet_home_prepare(comet, &parts->start, seed, repeated, err);
    if (status == ASSAY_EXISTS && !repeated)
        snprintf(parts->next, sizeof parts->next,
                 "export into a folder that is not there yet, and only then: cometbft init, which "
                 "leaves what it finds");
    if (status != ASSAY_OK) return status;
    if (!realpath(comet, parts->target))
        return assay_fail_errno(err, errno, "cannot find %s", comet);
    config->engine = ASSAY_ENGINE_ABCI;
    config->initial_height = parts->start.height + 1;
    if (seed) memcpy(config->export_begun, parts->target, sizeof config->export_begun);
    ASSAY_TRY(assay_home_config_write(&parts->home, err));
    ASSAY_TRY(assay_comet_home_write(comet, &parts->start, seed, err));
    if (!seed) return ASSAY_OK;
    memcpy(config->exported, parts->target, sizeof config->exported);
    config->export_begun[0] = 0;
    return assay_home_config_write(&parts->home, err);
}

static assay_status export_run(export_parts *parts, const char *home, const char *comet,
                               assay_error *err) {
    ASSAY_TRY(assay_home_open(&parts->home, home, err));
    assay_status status = assay_operator_read(&parts->secrets, home, err);
    if (status != ASSAY_OK && status != ASSAY_NOT_FOUND) return status;
    parts->has_secrets = status == ASSAY_OK;
    ASSAY_TRY(start_fill(parts, comet, err));
    return key_hand_over(parts, comet, err);
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
    static export_parts parts;
    parts.signed_to = UINT64_MAX;
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &home, "DIR", "a chain's folder; its node must not be running",
         0, 0, true},
        {"to-cometbft", ASSAY_OPTION_TEXT, &comet, "DIR",
         "CometBFT's home to write genesis and validator key into", 0, 0, true},
        {"sign-again-above", ASSAY_OPTION_U64, &parts.signed_to, "HEIGHT",
         "the folder that got the key is gone for good: write it once more, for heights above "
         "the last at which it may have signed",
         1, INT64_MAX - 1, false},
        {"with-others", ASSAY_OPTION_FLAG, &parts.with_others, NULL,
         "this validator has no two thirds of the power, and the others' nodes are ready", 0, 0,
         false},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, 4,
            "Hands a chain to CometBFT: a new one with the validators of its genesis, or a solo\n"
            "chain at its last height, with its whole state. The home's engine is abci from then\n"
            "on, and its validator's key is CometBFT's: it is written into one folder, once. Two\n"
            "that sign with it lose its bond, so --sign-again-above is for a folder that is lost.\n"
            "Every other node of a moved chain begins with a copy of this state (assay backup)\n"
            "from before CometBFT's first block. Run cometbft init after this, never before.",
            &code))
        return code;
    assay_error err = {0};
    assay_status status = export_run(&parts, home, comet, &err);
    if (status == ASSAY_OK) export_print(invocation, &parts, home, comet);
    export_close(&parts);
    return status == ASSAY_OK
               ? ASSAY_EXIT_OK
               : assay_command_fail(invocation, &err, parts.next[0] ? parts.next : NULL);
}
