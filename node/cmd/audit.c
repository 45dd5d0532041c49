// SPDX-License-Identifier: Apache-2.0
// The audit: every block again from the genesis on, and receipts again from their requests on.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/clock.h"
#include "node/api/api.h"
#include "node/audit/archive.h"
#include "node/audit/report.h"
#include "node/cmd/commands.h"

enum {
    ARCHIVE_ARENA_MAX = 1 << 20,
    FETCH_MS_DEFAULT = 10000,
    REDIRECTS_MAX = 3,
    SAMPLES_DEFAULT = 64,
    BODY_MAX = 4096,
    CONNECTIONS_MAX = 16,
};

typedef struct {
    const char *home, *comet, *mode, *archive;
    assay_workshop_options shop;
    assay_option_texts evidence;
    assay_rerun_options rerun;
    uint64_t threads, seed, fetch_ms;
    bool seeded, allow_private, allow_file, keep;
} audit_options;

// What reruns work with: the replayed state behind an API of its own, so that they read it as they
// would read a node's.
typedef struct {
    assay_api api;
    assay_http_server *server;
    assay_client client;
    assay_workshop shop;
    assay_arena paths;
} rerun_parts;

static const char *parent_get(void) {
    return assay_folder_temporary_parent("/tmp");
}

// The home is only read: a disk that is full is the replayed state's.
static int audit_fail(const assay_invocation *invocation, const assay_error *err) {
    char next[PATH_MAX + 128];
    snprintf(next, sizeof next,
             "the replayed state is in %s: set TMPDIR to a folder with more room, about that of "
             "the home's state/",
             parent_get());
    return assay_command_fail(invocation, err, err->status == ASSAY_DISK_FULL ? next : NULL);
}

// The auditor's own draw must not be known before: to the operator of a solo chain the beacon is.
static assay_status seed_set(audit_options *options, assay_error *err) {
    uint8_t bytes[5 + 8] = "audit";
    if (!options->seeded &&
        getrandom(&options->seed, sizeof options->seed, 0) != (ssize_t)sizeof options->seed)
        return assay_fail_errno(err, errno, "cannot get a random seed");
    assay_store_be64(bytes + 5, options->seed);
    assay_sha256_of(&options->rerun.seed, bytes, sizeof bytes);
    return ASSAY_OK;
}

static assay_status archive_open(rerun_parts *parts, audit_options *options, assay_error *err) {
    static char folder[PATH_MAX];
    const char *given = options->archive;
    ASSAY_TRY(assay_home_path(folder, options->home, "archive", err));
    if (given && access(given, F_OK) != 0)
        return assay_fail_errno(err, errno, "no archive at %s", given);
    if (!given && access(folder, F_OK) == 0) given = folder;
    if (given)
        ASSAY_TRY(assay_archive_add(&options->shop, &options->evidence, given, &parts->paths, err));
    if (!options->shop.model_file)
        return ASSAY_FAIL(err, USAGE,
                          "a rerun needs the base model: --model, or model.safetensors in %s",
                          given ? given : folder);
    ASSAY_TRY(assay_workshop_open(&parts->shop, &options->shop, err));
    return assay_workshop_wait(&parts->shop, err);
}

static assay_status server_open(rerun_parts *parts, assay_audit *audit, assay_error *err) {
    parts->api = (assay_api){
        .app = audit->app, .genesis = &audit->home.genesis, .slow = PTHREAD_MUTEX_INITIALIZER};
    const assay_http_options http = {.listen = "127.0.0.1:0",
                                     .body_max = BODY_MAX,
                                     .connections_max = CONNECTIONS_MAX,
                                     .handle = assay_api_handle,
                                     .context = &parts->api};
    ASSAY_TRY(assay_http_server_open(&parts->server, &http, err));
    return assay_client_open(&parts->client, assay_http_server_url(parts->server),
                             &audit->home.genesis.hash, err);
}

static assay_status receipts_rerun(assay_rerun_result *out, rerun_parts *parts, assay_audit *audit,
                                   const assay_view *view, audit_options *options,
                                   assay_error *err) {
    ASSAY_TRY(archive_open(parts, options, err));
    ASSAY_TRY(server_open(parts, audit, err));
    const assay_checker checker = {.shop = &parts->shop,
                                   .client = &parts->client,
                                   .params = &audit->home.genesis.params,
                                   .folders = &options->evidence,
                                   .limits = {.timeout_ms = (uint32_t)options->fetch_ms,
                                              .redirects_max = REDIRECTS_MAX,
                                              .allow_private = options->allow_private,
                                              .allow_file = options->allow_file}};
    return assay_rerun_run(out, view, &checker, &options->rerun, err);
}

static void parts_close(rerun_parts *parts) {
    assay_http_server_close(parts->server);
    assay_workshop_close(&parts->shop);
    assay_arena_close(&parts->paths);
}

// Counts first: a chain without ended batches needs no model.
static assay_status rerun_all(assay_rerun_result *out, assay_audit *audit, audit_options *options,
                              assay_error *err) {
    static rerun_parts parts;
    const assay_rerun_options count = {.mode = ASSAY_RERUN_NONE};
    assay_view view;
    ASSAY_TRY(assay_view_open(&view, audit->app, err));
    assay_status status = assay_rerun_run(out, &view, NULL, &count, err);
    if (status == ASSAY_OK && options->rerun.mode != ASSAY_RERUN_NONE &&
        out->receipts + out->voided > 0) {
        assay_arena_init(&parts.paths, ARCHIVE_ARENA_MAX);
        status = receipts_rerun(out, &parts, audit, &view, options, err);
        parts_close(&parts);
    }
    assay_view_close(&view);
    return status;
}

static assay_status report_print(const assay_audit_report *report, bool json, assay_error *err) {
    json_t *document;
    if (!json) return assay_audit_print(report, err);
    ASSAY_TRY(assay_audit_json(&document, report, err));
    if (assay_command_print(document) != ASSAY_EXIT_OK)
        return ASSAY_FAIL(err, IO, "cannot write to standard output");
    return ASSAY_OK;
}

// Replays, reruns, prints. What is wrong with the home is an answer; what keeps the audit from its
// work is an error.
static assay_status audit_run(assay_audit *audit, audit_options *options, bool json, bool *agrees,
                              assay_error *err) {
    static assay_rerun_result result;
    assay_error problem = {0};
    uint64_t start = assay_clock_ms();
    assay_status status = assay_audit_replay(audit, &problem);
    assay_audit_report report = {.audit = audit,
                                 .options = &options->rerun,
                                 .rerun = &result,
                                 .problem = status == ASSAY_OK ? "" : problem.text,
                                 .replay_ms = assay_clock_ms() - start,
                                 .seed = options->seed};
    if (status != ASSAY_OK && status < ASSAY_TRUNCATED) return assay_error_pass(err, &problem);
    if (status == ASSAY_OK) ASSAY_TRY(rerun_all(&result, audit, options, err));
    *agrees = assay_audit_agrees(&report);
    return report_print(&report, json, err);
}

static assay_status audit_options_check(audit_options *options, assay_error *err) {
    options->seeded = options->seed != UINT64_MAX;
    uint32_t mode;
    ASSAY_TRY(assay_name_parse(&mode, options->mode, assay_rerun_names, ASSAY_RERUN_ALL + 1,
                               "--rerun", err));
    options->rerun.mode = (assay_rerun_mode)mode;
    for (uint32_t i = 0; i < options->evidence.count; i++)
        if (access(options->evidence.items[i], F_OK) != 0)
            return assay_fail_errno(err, errno, "no evidence at %s", options->evidence.items[i]);
    return seed_set(options, err);
}

// What only reruns of some kinds use.
static assay_status usage_check(const assay_invocation *invocation, const assay_option *table,
                                const audit_options *options, assay_error *err) {
    static const char *const draws[] = {"samples", "seed", NULL};
    static const char *const reruns[] = {"samples",  "seed",          "model",      "adapter",
                                         "dataset",  "threads",       "archive",    "evidence",
                                         "fetch-ms", "allow-private", "allow-file", NULL};
    assay_error why = {0};
    const char *const *idle = NULL;
    if (strcmp(options->mode, assay_rerun_names[ASSAY_RERUN_NONE]) == 0) idle = reruns;
    if (strcmp(options->mode, assay_rerun_names[ASSAY_RERUN_ALL]) == 0) idle = draws;
    if (!idle || assay_command_apart(invocation, table, "rerun", idle, &why) == ASSAY_OK)
        return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "%s %s", why.text, options->mode);
}

static int audit_start(const assay_invocation *invocation, audit_options *options) {
    static assay_audit audit;
    char folder[PATH_MAX];
    bool agrees = false;
    assay_error err = {0};
    const assay_audit_options open = {options->home, folder, options->comet, options->threads};
    assay_status status = audit_options_check(options, &err);
    if (status == ASSAY_OK)
        status =
            assay_folder_temporary(folder, sizeof folder, parent_get(), "assay-audit-XXXXXX", &err);
    if (status != ASSAY_OK) return audit_fail(invocation, &err);
    status = assay_audit_open(&audit, &open, &err);
    // Its open files keep their contents without a name: whatever ends the program ends them too.
    if (!options->keep || status != ASSAY_OK) assay_folder_remove(folder);
    if (status == ASSAY_OK && options->keep) fprintf(stderr, "replaying into %s\n", folder);
    if (status == ASSAY_OK) status = audit_run(&audit, options, invocation->json, &agrees, &err);
    assay_audit_close(&audit);
    if (status != ASSAY_OK) return audit_fail(invocation, &err);
    return agrees ? ASSAY_EXIT_OK : ASSAY_EXIT_NO;
}

int assay_cmd_audit(assay_invocation *invocation) {
    audit_options options = {.mode = "sampled",
                             .shop = {.threads = 1},
                             .rerun = {.samples = SAMPLES_DEFAULT},
                             .threads = assay_processor_count(),
                             .seed = UINT64_MAX,
                             .fetch_ms = FETCH_MS_DEFAULT};
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &options.home, "DIR",
         "a node's folder; the node may be running", 0, 0, true},
        {"comet", ASSAY_OPTION_TEXT, &options.comet, "URL",
         "CometBFT's RPC to take blocks from (config.json's, if the engine is abci)", 0, 0, false},
        {"rerun", ASSAY_OPTION_TEXT, &options.mode, "WHICH",
         "receipts to rerun: all, sampled or none (sampled)", 0, 0, false},
        {"samples", ASSAY_OPTION_U64, &options.rerun.samples, "N",
         "own samples beside the chain's (64)", 0, ASSAY_RERUN_SAMPLES_MAX, false},
        {"seed", ASSAY_OPTION_U64, &options.seed, "N", "of the own samples (random)", 0,
         UINT64_MAX - 1, false},
        ASSAY_WORKSHOP_OPTIONS(options.shop, false),
        {"archive", ASSAY_OPTION_TEXT, &options.archive, "DIR",
         "folder with what reruns need (archive in the home)", 0, 0, false},
        {"evidence", ASSAY_OPTION_TEXTS, &options.evidence, "DIR",
         "a provider's folder to read evidence from; may be repeated", 0, 0, false},
        {"allow-private", ASSAY_OPTION_FLAG, &options.allow_private, NULL,
         "let evidence URLs lead to private addresses", 0, 0, false},
        {"allow-file", ASSAY_OPTION_FLAG, &options.allow_file, NULL,
         "let evidence URLs name local files", 0, 0, false},
        {"fetch-ms", ASSAY_OPTION_U64, &options.fetch_ms, "MS", "longest fetch (10000)", 1, 600000,
         false},
        {"keep", ASSAY_OPTION_FLAG, &options.keep, NULL, "leave the replayed state in its folder",
         0, 0, false},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "Replays every block from the genesis into a fresh state and compares signatures,\n"
            "results, state root and supply; then reruns receipts of settled batches, and those\n"
            "that voided ones were found guilty of. Blocks are the home's own or CometBFT's, "
            "which\n"
            "any node of the chain may serve. Exits with 0 if all of it agrees, with 1 if "
            "anything\n"
            "differs or is not to be had. The fresh state takes about the room of the home's,\n"
            "in $TMPDIR, or /tmp where that is not set.\n\n"
            "An archive holds model.safetensors, adapters/, datasets/ and evidence/; evidence "
            "that\n"
            "it lacks is fetched from the URL of its batch.",
            &code))
        return code;
    assay_error err = {0};
    if (usage_check(invocation, table, &options, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    options.shop.isa = invocation->isa;
    return audit_start(invocation, &options);
}
