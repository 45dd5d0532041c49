// SPDX-License-Identifier: Apache-2.0
// The verifier: one receipt, or every duty of a validator.
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "ledger/tx/tx_json.h"
#include "node/cmd/commands.h"
#include "node/ending.h"
#include "node/error_json.h"
#include "node/log.h"
#include "node/verifier/declaration.h"
#include "node/verifier/watch.h"
#include "node/workshop/batch_table.h"

enum { FETCH_MS_DEFAULT = 10000, REDIRECTS_MAX = 3, QUIET_AFTER = 5 };

typedef struct {
    assay_wallet wallet;
    assay_workshop_options shop_options;
    const char *batch, *misbehave, *log, *metrics, *votes;
    uint64_t leaf, poll_ms, fetch_ms;
    bool watch, allow_private, allow_file;
} verify_options;

static assay_status checker_open(assay_checker *checker, const verify_options *options,
                                 assay_workshop *shop, assay_genesis *genesis, assay_error *err) {
    ASSAY_TRY(assay_genesis_fetch(genesis, &options->wallet.client, err));
    ASSAY_TRY(assay_workshop_open(shop, &options->shop_options, err));
    *checker = (assay_checker){.shop = shop,
                               .client = &options->wallet.client,
                               .params = &genesis->params,
                               .limits = {.timeout_ms = (uint32_t)options->fetch_ms,
                                          .redirects_max = REDIRECTS_MAX,
                                          .allow_private = options->allow_private,
                                          .allow_file = options->allow_file}};
    return ASSAY_OK;
}

static int one_print(const assay_invocation *invocation, const assay_check_result *result) {
    if (invocation->json) {
        json_t *document = json_pack("{s:i,s:s,s:s,s:i}", "verdict", (int)result->verdict,
                                     "verdict_name", assay_verdict_name(result->verdict), "reason",
                                     result->reason, "leaf", (int)result->index);
        if (result->has_receipt) {
            assay_hash hash;
            assay_receipt_hash(&hash, &result->receipt);
            json_object_set_new(document, "receipt_hash", assay_json_from_hash(&hash));
            json_object_set_new(document, "receipt", assay_receipt_to_json(&result->receipt));
        }
        assay_command_print(document);
    } else {
        printf("receipt %u: %s%s%s\n", result->index, assay_verdict_name(result->verdict),
               *result->reason ? ", " : "", result->reason);
    }
    return result->verdict == ASSAY_VERDICT_MATCH ? ASSAY_EXIT_OK : ASSAY_EXIT_NO;
}

static assay_status one_run(const assay_invocation *invocation, verify_options *options,
                            assay_workshop *shop, assay_genesis *genesis, int *code,
                            const char **next, assay_error *err) {
    assay_checker checker;
    assay_hash batch;
    assay_check_result result;
    assay_arena arena;
    if (!options->batch || options->leaf == UINT64_MAX)
        return ASSAY_FAIL(err, USAGE, "give --watch, or --batch and --leaf");
    ASSAY_TRY(assay_hex_parse(batch.bytes, ASSAY_HASH_SIZE, options->batch, "--batch", err));
    ASSAY_TRY(assay_client_open(&options->wallet.client, options->wallet.node_url, NULL, err));
    ASSAY_TRY(checker_open(&checker, options, shop, genesis, err));
    ASSAY_TRY(assay_workshop_wait(shop, err));
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status =
        assay_check_leaf(&result, &checker, &batch, (uint32_t)options->leaf, &arena, err);
    if (status == ASSAY_OK && result.lacks) {
        *next = result.lacks;
        status = ASSAY_FAIL(err, FORBIDDEN, "%s", result.reason);
    }
    if (status == ASSAY_OK) *code = one_print(invocation, &result);
    assay_arena_close(&arena);
    return status;
}

static assay_status manner_parse(assay_validator_manner *out, const verify_options *options,
                                 assay_error *err) {
    *out = ASSAY_VALIDATOR_HONEST;
    if (!options->misbehave) return ASSAY_OK;
    if (!options->wallet.client.testnet)
        return ASSAY_FAIL(err, FORBIDDEN, "--misbehave is for chains whose genesis says testnet");
    if (strcmp(options->misbehave, "copy") == 0)
        *out = ASSAY_VALIDATOR_COPY;
    else if (strcmp(options->misbehave, "silent") == 0)
        *out = ASSAY_VALIDATOR_SILENT;
    else if (strcmp(options->misbehave, "lie") == 0)
        *out = ASSAY_VALIDATOR_LIE;
    else
        return ASSAY_FAIL(err, USAGE, "misbehaviour \"%.20s\", known are copy, silent and lie",
                          options->misbehave);
    return ASSAY_OK;
}

// What was not registered at the start may be by now. Refused, votes are due all the same: whoever
// leaves declares nothing any more and stays on duty (P-50).
static void declaration_step(assay_declaration *declaration) {
    assay_error err = {0};
    if (assay_declaration_look(declaration, assay_clock_ms(), &err) != ASSAY_OK)
        assay_log(ASSAY_LOG_WARN, "declaration_failed", assay_error_to_json(&err, NULL),
                  "roots not declared, error %u: %s", (unsigned)assay_error_code(&err), err.text);
}

// What scripts wait for, on standard output, whatever the log's form.
static void watch_tell(const assay_invocation *invocation, const assay_http_server *server) {
    json_t *fields = json_object();
    const char *url = server ? assay_http_server_url(server) : NULL;
    if (url) json_object_set_new(fields, "metrics", json_string(url));
    if (invocation->json)
        assay_command_print(json_pack("{s:b,s:o}", "watching", 1, "metrics",
                                      url ? json_sprintf("%s/metrics", url) : json_null()));
    else
        printf("watching\n");
    if (!invocation->json && url) printf("metrics %s/metrics\n", url);
    fflush(stdout);
    assay_log(ASSAY_LOG_TRACE, "started", fields, "watching");
}

// Until a signal, or until there is nothing to rerun with. A node that is away for a while is
// waited for. While data sets are indexed, kept votes are sent.
static assay_status watch_loop(const assay_invocation *invocation, assay_watch *watch,
                               assay_declaration *declaration, const assay_http_server *server,
                               uint64_t poll_ms, assay_error *fatal) {
    int failures = 0;
    bool told = false;
    do {
        assay_error err = {0};
        ASSAY_TRY(assay_workshop_unchanged(declaration->shop, fatal));
        if (!told && assay_workshop_ready(declaration->shop, NULL) == ASSAY_OK) {
            declaration_step(declaration);
            watch_tell(invocation, server);
            told = true;
        }
        if (assay_watch_step(watch, &err) == ASSAY_OK) {
            failures = 0;
            if (told) declaration_step(declaration);
            continue;
        }
        atomic_fetch_add(&watch->meter->node_failures, 1);
        if (failures++ == QUIET_AFTER)
            assay_log(ASSAY_LOG_WARN, "node_away", assay_error_to_json(&err, NULL),
                      "still trying, error %u: %s", (unsigned)err.status, err.text);
    } while (!assay_ending_sleep(poll_ms));
    assay_log(ASSAY_LOG_TRACE, "stopping", NULL, "asked to end");
    return ASSAY_OK;
}

static assay_status watch_run(const assay_invocation *invocation, verify_options *options,
                              assay_workshop *shop, assay_genesis *genesis, assay_error *err) {
    assay_watch watch;
    assay_checker checker;
    assay_declaration declaration = {.shop = shop, .wallet = &options->wallet};
    assay_watch_options how = {.checker = &checker,
                               .wallet = &options->wallet,
                               .json = invocation->json,
                               .votes_path = options->votes};
    if (!options->wallet.key_file)
        return ASSAY_FAIL(err, USAGE, "--watch needs --key, the validator's keystore");
    ASSAY_TRY(assay_wallet_open(&options->wallet, err));
    ASSAY_TRY(manner_parse(&how.manner, options, err));
    ASSAY_TRY(checker_open(&checker, options, shop, genesis, err));
    assay_client reader = options->wallet.client;
    options->wallet.client.stop = NULL; // votes are sent to the end
    checker.client = &reader;
    how.commit_blocks = genesis->params.commit_blocks;
    ASSAY_TRY(assay_watch_open(&watch, &how, err));
    assay_http_server *server = NULL;
    assay_status status = ASSAY_OK;
    if (options->metrics) status = assay_meter_serve(&server, &shop->meter, options->metrics, err);
    if (status == ASSAY_OK)
        status = watch_loop(invocation, &watch, &declaration, server, options->poll_ms, err);
    assay_http_server_close(server);
    assay_watch_close(&watch);
    return status;
}

int assay_cmd_verify(assay_invocation *invocation) {
    verify_options options = {.wallet = ASSAY_WALLET_INIT,
                              .shop_options = {.threads = 1},
                              .leaf = UINT64_MAX,
                              .poll_ms = 100,
                              .fetch_ms = FETCH_MS_DEFAULT};
    const assay_option table[] = {
        {"watch", ASSAY_OPTION_FLAG, &options.watch, NULL, "work as a validator until SIGTERM", 0,
         0, false},
        {"batch", ASSAY_OPTION_TEXT, &options.batch, "ID", "rerun one receipt of this batch", 0, 0,
         false},
        {"leaf", ASSAY_OPTION_U64, &options.leaf, "N", "which one, from 0", 0, UINT32_MAX, false},
        ASSAY_WALLET_NODE_OPTION(options.wallet),
        {"key", ASSAY_OPTION_TEXT, &options.wallet.key_file, "FILE", "the validator's keystore", 0,
         0, false},
        ASSAY_PASSWORD_OPTION(options.wallet.password_file),
        {"principal", ASSAY_OPTION_TEXT, &options.wallet.principal_text, "ADDRESS",
         "the validator to act for as its agent", 0, 0, false},
        ASSAY_WORKSHOP_OPTIONS(options.shop_options, true),
        {"allow-private", ASSAY_OPTION_FLAG, &options.allow_private, NULL,
         "let evidence URLs lead to private addresses", 0, 0, false},
        {"allow-file", ASSAY_OPTION_FLAG, &options.allow_file, NULL,
         "let evidence URLs name local files", 0, 0, false},
        {"fetch-ms", ASSAY_OPTION_U64, &options.fetch_ms, "MS", "longest fetch (10000)", 1, 600000,
         false},
        {"poll-ms", ASSAY_OPTION_U64, &options.poll_ms, "MS", "pause between looks (100)", 1, 60000,
         false},
        ASSAY_LOG_OPTION(options.log),
        {"metrics", ASSAY_OPTION_TEXT, &options.metrics, "HOST:PORT",
         "with --watch: answer /metrics there", 0, 0, false},
        {"votes", ASSAY_OPTION_TEXT, &options.votes, "FILE",
         "with --watch: keep votes there, for the next start", 0, 0, false},
        {"misbehave", ASSAY_OPTION_TEXT, &options.misbehave, "HOW",
         "testnets only: copy (never rerun), silent (never reveal) or lie (vote the opposite)", 0,
         0, false},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "One receipt: exits with 0 if the rerun matches, with 1 if it does not.", &code))
        return code;
    static assay_workshop shop;
    assay_genesis genesis = {0};
    assay_error err = {0};
    options.shop_options.isa = invocation->isa;
    const char *next = NULL;
    static const char *const ones[] = {"batch", "leaf", NULL};
    static const char *const watchers[] = {"metrics", "misbehave", "poll-ms", "votes", NULL};
    assay_status status = assay_command_apart(invocation, table, "watch", ones, &err);
    if (status == ASSAY_OK)
        status = assay_command_apart(invocation, table, "batch", watchers, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    if (options.watch) status = assay_ending_listen(&err);
    if (status == ASSAY_OK) status = assay_log_open(options.log, invocation->json, &err);
    if (status == ASSAY_OK)
        status = options.watch ? watch_run(invocation, &options, &shop, &genesis, &err)
                               : one_run(invocation, &options, &shop, &genesis, &code, &next, &err);
    if (options.watch) code = ASSAY_EXIT_OK;
    assay_workshop_leave(&shop);
    assay_genesis_close(&genesis);
    assay_wallet_close(&options.wallet);
    if (assay_ending_stopped(status)) status = ASSAY_OK;
    return status == ASSAY_OK ? code : assay_command_fail(invocation, &err, next);
}
