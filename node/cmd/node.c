// SPDX-License-Identifier: Apache-2.0
// The block-making node: state, engine and API in one process until a signal drains it.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "consensus/mempool.h"
#include "node/api/api.h"
#include "node/cmd/commands.h"
#include "node/cmd/node_kv.h"
#include "node/ending.h"
#include "node/home/engine.h"
#include "node/home/room.h"
#include "node/log.h"

enum { DRAIN_MS = 10000, TELL_MS = 5000, LOOK_MS = 1000 };

typedef struct {
    const char *home, *listen, *engine, *abci, *comet, *misbehave, *log;
    uint64_t block_ms, threads;
    const char *app; // NULL: the ledger
} node_options;

typedef struct {
    assay_home home;
    assay_operator secrets;
    assay_beacon_chains chains;
    uint8_t ed25519[ASSAY_ED25519_KEY_SIZE];
    assay_pool *pool;
    assay_app *app;
    assay_ledger_application application;
    assay_node_engine engine;
    assay_api api;
    assay_http_server *server;
    uint64_t told_ms; // when it last said how far it had replayed
    bool ended;       // by a signal, before it was open
} node_parts;

static assay_status ledger_open(node_parts *node, uint64_t threads, assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(assay_pool_open(&node->pool, (unsigned)threads, err));
    const assay_config *config = &node->home.config;
    // A connection asks one thing at a time, and that reads by two views at most: a block always
    // finds a place.
    assay_app_options options = {.pool = node->pool,
                                 .map_size = config->map_gib << 30,
                                 .readers = 2 * (uint32_t)config->connections_max};
    // Its own mempool is offered whole. It is limited by number too, which the least transactions
    // of lane 0 must not reach with their half of the bytes.
    if (config->engine == ASSAY_ENGINE_SOLO)
        options.waiting_max = (uint64_t)ASSAY_MEMPOOL_COUNT_MAX *
                              (ASSAY_TX_HEAD_SIZE + ASSAY_SIGNATURE_SIZE + ASSAY_APP_TX_OVERHEAD);
    ASSAY_TRY(assay_home_path(path, node->home.path, "state", err));
    ASSAY_TRY(assay_folder_make(path, err));
    ASSAY_TRY(assay_app_open(&node->app, path, &node->home.genesis, &options, err));
    node->application = (assay_ledger_application){.app = node->app};
    const assay_operator *secrets = &node->secrets;
    if (!secrets->beacon_length) return ASSAY_OK;
    node->application.chains = &node->chains;
    ASSAY_TRY(assay_ed25519_public(node->ed25519, secrets->ed25519_seed, err));
    return assay_beacon_chains_open(&node->chains, secrets->ed25519_seed, &secrets->beacon_seed,
                                    secrets->beacon_length, err);
}

static assay_status server_open(node_parts *node, assay_error *err) {
    const assay_config *config = &node->home.config;
    node->api = (assay_api){.app = node->app,
                            .engine = &node->engine.calls,
                            .genesis = &node->home.genesis,
                            .ed25519 = node->secrets.beacon_length ? node->ed25519 : NULL,
                            .engine_name = node->engine.solo ? "solo" : "abci",
                            .behind = !node->engine.solo,
                            .facts = assay_node_engine_facts,
                            .well = assay_node_engine_well,
                            .facts_self = &node->engine,
                            .wait_ms_max = ASSAY_API_WAIT_MS_MAX,
                            .slow = PTHREAD_MUTEX_INITIALIZER};
    assay_http_options options = {.listen = config->listen,
                                  .body_max = config->body_max,
                                  .connections_max = (unsigned)config->connections_max,
                                  .requests_per_second = (unsigned)config->requests_per_second,
                                  .handle = assay_api_handle,
                                  .context = &node->api};
    return assay_http_server_open(&node->server, &options, err);
}

// What waited as the engine ended. After a failure the block that failed may be in the log, and is
// executed by the next start: whoever sends its transactions again pays twice.
static void left_tell(const node_parts *node, uint32_t left) {
    const assay_chain_engine *calls = &node->engine.calls;
    if (!left) return;
    bool failed = calls->health(calls->self, NULL) != ASSAY_OK;
    assay_log(ASSAY_LOG_WARN, "transactions_left", json_pack("{s:i}", "count", (int)left),
              failed
                  ? "%u transactions waited, and may be in a block: ask assay tx status for each "
                    "after the restart, before it is sent again"
                  : "%u transactions waited and are in no block: send them again",
              (unsigned)left);
}

// What was taken gets into a block, then what was asked is answered, then everything closes.
static void node_close(node_parts *node) {
    left_tell(node, assay_node_engine_drain(&node->engine, DRAIN_MS));
    atomic_store(&node->api.closing, true);
    assay_http_server_close(node->server);
    assay_node_engine_close(&node->engine);
    assay_app_close(node->app);
    assay_beacon_chains_close(&node->chains);
    assay_pool_close(node->pool);
    assay_home_close(&node->home);
    assay_operator_clear(&node->secrets);
}

// E-90: CometBFT halts at a write of its own that fails, but does not end. That its disk is full is
// seen here, and it ends with its connection.
static assay_status room_check(const node_parts *node, assay_error *err) {
    return node->engine.abci ? assay_room_check(node->home.path, err) : ASSAY_OK;
}

// Sleeps until a signal, or until the engine stopped by itself.
static assay_status node_run(node_parts *node, assay_error *err) {
    const assay_chain_engine *calls = &node->engine.calls;
    ASSAY_TRY(assay_node_engine_start(&node->engine, err));
    for (;;) {
        bool asked = assay_ending_sleep(LOOK_MS);
        assay_node_engine_tell(&node->engine);
        if (asked) return ASSAY_OK;
        ASSAY_TRY(calls->health(calls->self, err));
        ASSAY_TRY(room_check(node, err));
    }
}

// A node that ended for want of room is started again at once, over and over: it waits here, with
// nothing open, and no limit of restarts is met.
static assay_status room_await(node_parts *node, assay_error *err) {
    assay_error why = {0};
    bool told = false;
    if (assay_room_check(node->home.path, NULL) == ASSAY_DISK_FULL)
        assay_room_clear(node->home.path);
    while (assay_room_check(node->home.path, &why) == ASSAY_DISK_FULL) {
        if (!told)
            assay_log(ASSAY_LOG_WARN, "waits_for_room", NULL, "%s: the node starts when they are",
                      why.text);
        told = true;
        node->ended = assay_ending_sleep(LOOK_MS);
        if (node->ended) return ASSAY_OK;
        why = (assay_error){0};
    }
    if (why.status != ASSAY_OK) return assay_error_pass(err, &why);
    return ASSAY_OK;
}

// What to do about it, NULL: the error says it. ran: the engine had started.
static const char *next_of(assay_status status, bool ran) {
    if (status == ASSAY_NOT_FOUND) return "assay init --help";
    if (status == ASSAY_EXISTS && ran) // E-66
        return "keep this state by giving CometBFT the data back that it had, or take one from "
               "peers: stop both, remove the home's state/, start both";
    if (status == ASSAY_DISK_FULL) return "make room: started again, the node goes on by itself";
    return NULL;
}

// A node that only follows CometBFT's chain has no secrets, and proposes nothing.
static assay_status secrets_read(node_parts *node, assay_error *err) {
    assay_status status = assay_operator_read(&node->secrets, node->home.path, err);
    if (status != ASSAY_NOT_FOUND || node->home.config.engine != ASSAY_ENGINE_ABCI) return status;
    *err = (assay_error){0};
    return ASSAY_OK;
}

// How a validator's application cheats, so that testnets can show what becomes of it.
static assay_status manner_set(node_parts *node, const char *misbehave, assay_error *err) {
    if (!misbehave) return ASSAY_OK;
    if (!node->home.genesis.testnet)
        return ASSAY_FAIL(err, FORBIDDEN, "--misbehave is for chains whose genesis says testnet");
    if (node->home.config.engine != ASSAY_ENGINE_ABCI)
        return ASSAY_FAIL(err, USAGE, "--misbehave needs --engine abci: alone there is no other");
    if (strcmp(misbehave, "wrong-app-hash") == 0)
        node->application.wrong_app_hash = true;
    else if (strcmp(misbehave, "no-beacon") == 0)
        node->application.no_preimage = true;
    else
        return ASSAY_FAIL(err, USAGE,
                          "misbehaviour \"%.20s\", known are wrong-app-hash and no-beacon",
                          misbehave);
    return ASSAY_OK;
}

// An export between the reading of config.json and the lock of the state has given the key away.
static assay_status handover_check(const node_parts *node, const assay_config *before,
                                   assay_error *err) {
    bool handed;
    ASSAY_TRY(assay_home_handed_over(&handed, before, node->home.path, err));
    if (!handed) return ASSAY_OK;
    return ASSAY_FAIL(err, BUSY, "%s was handed to CometBFT meanwhile: start the node again",
                      node->home.path);
}

// A long log takes its time: it says how far it is, and may be ended.
static bool replay_watch(void *self, uint64_t height, uint64_t count) {
    node_parts *node = self;
    uint64_t now = assay_clock_ms();
    if (!node->told_ms) node->told_ms = now;
    if (now - node->told_ms >= TELL_MS) {
        node->told_ms = now;
        assay_log(ASSAY_LOG_NOTICE, "replaying",
                  json_pack("{s:o,s:o}", "height", assay_json_from_u64(height), "of",
                            assay_json_from_u64(count)),
                  "executing block %llu of %llu again", (ull)height, (ull)count);
    }
    node->ended = atomic_load(assay_ending_asked());
    return !node->ended;
}

static assay_status node_open(node_parts *node, const node_options *options, assay_error *err) {
    assay_config *config = &node->home.config;
    node->engine.replayed = replay_watch;
    node->engine.replayed_self = node;
    ASSAY_TRY(assay_home_open(&node->home, options->home, err));
    const assay_config before = *config;
    if (options->listen) ASSAY_TRY(assay_config_listen(config, options->listen, err));
    if (options->block_ms != UINT64_MAX) config->block_ms = options->block_ms;
    ASSAY_TRY(assay_config_engine(config, options->engine, options->abci, options->comet, err));
    ASSAY_TRY(room_await(node, err));
    if (node->ended) return ASSAY_OK;
    ASSAY_TRY(secrets_read(node, err));
    ASSAY_TRY(ledger_open(node, options->threads, err));
    ASSAY_TRY(handover_check(node, &before, err));
    ASSAY_TRY(manner_set(node, options->misbehave, err));
    assay_status status =
        assay_node_engine_open(&node->engine, &node->home, &node->secrets, &node->application, err);
    if (node->ended) return ASSAY_OK;
    ASSAY_TRY(status);
    node->engine.comet.stop = &node->api.closing; // the API alone asks CometBFT
    return server_open(node, err);
}

// The URL alone on standard output, for scripts that wait for it; the rest is for people.
static void ready_print(const assay_invocation *invocation, const node_parts *node) {
    const assay_genesis *genesis = &node->home.genesis;
    const char *url = assay_http_server_url(node->server);
    uint64_t height = node->engine.calls.height(node->engine.calls.self);
    json_t *facts = json_pack(
        "{s:s,s:o,s:o,s:o}", "url", url, "chain_id", assay_json_from_u64(genesis->chain_id),
        "genesis", assay_json_from_hash(&genesis->hash), "height", assay_json_from_u64(height));
    if (invocation->json) {
        assay_command_print(json_incref(facts));
    } else {
        printf("%s\n", url);
        fflush(stdout);
    }
    // With --json and the log as text, the document says it all.
    assay_log(invocation->json ? ASSAY_LOG_TRACE : ASSAY_LOG_NOTICE, "started", facts,
              "chain %llu (%s) at height %llu; SIGTERM or Ctrl-C ends the node",
              (ull)genesis->chain_id, genesis->name, (ull)height);
}

int assay_cmd_node(assay_invocation *invocation) {
    node_options options = {.block_ms = UINT64_MAX, .threads = assay_pool_thread_default()};
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &options.home, "DIR", "the chain's folder, made by assay init",
         0, 0, false},
        {"listen", ASSAY_OPTION_TEXT, &options.listen, "HOST:PORT", "API address (config.json's)",
         0, 0, false},
        {"block-ms", ASSAY_OPTION_U64, &options.block_ms, "MS",
         "pause between blocks (config.json's)", 0, 3600000, false},
        {"engine", ASSAY_OPTION_TEXT, &options.engine, "NAME",
         "solo makes blocks itself, abci serves CometBFT (config.json's)", 0, 0, false},
        {"abci", ASSAY_OPTION_TEXT, &options.abci, "ADDRESS",
         "unix:///PATH or tcp://HOST:PORT for CometBFT's proxy_app (config.json's)", 0, 0, false},
        {"comet", ASSAY_OPTION_TEXT, &options.comet, "URL",
         "CometBFT's RPC, http://HOST:PORT (config.json's)", 0, 0, false},
        {"threads", ASSAY_OPTION_U64, &options.threads, "N",
         "for signatures and hashes (processors but one)", 1, 1024, false},
        {"app", ASSAY_OPTION_TEXT, &options.app, "NAME",
         "serve that at --abci instead of a chain: kv, CometBFT's example", 0, 0, false},
        ASSAY_LOG_OPTION(options.log),
        {"misbehave", ASSAY_OPTION_TEXT, &options.misbehave, "HOW",
         "testnets only: wrong-app-hash or no-beacon", 0, 0, false},
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Makes blocks and answers on its API until SIGTERM or SIGINT.", &code))
        return code;
    assay_error err = {0};
    static const char *const chains[] = {"block-ms",  "comet",   "engine", "listen",
                                         "misbehave", "threads", NULL};
    assay_status status = assay_command_apart(invocation, table, "app", chains, &err);
    if (status == ASSAY_OK && !options.app && !options.home)
        status = ASSAY_FAIL(&err, USAGE, "--home is missing");
    if (status == ASSAY_OK) status = assay_log_open(options.log, invocation->json, &err);
    if (status == ASSAY_OK) status = assay_ending_listen(&err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    if (options.app) return assay_node_kv(invocation, options.app, options.abci, options.home);
    static node_parts node;
    status = node_open(&node, &options, &err);
    bool ran = status == ASSAY_OK && !node.ended;
    if (ran) {
        ready_print(invocation, &node);
        status = node_run(&node, &err);
        assay_log(ASSAY_LOG_TRACE, "stopping", NULL, "%s",
                  status == ASSAY_OK ? "asked to end" : err.text);
    }
    node_close(&node);
    if (status == ASSAY_OK) return ASSAY_EXIT_OK;
    return assay_command_fail(invocation, &err, next_of(status, ran));
}
