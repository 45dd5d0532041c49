// SPDX-License-Identifier: Apache-2.0
#include "node/home/engine.h"

#include "consensus/clock.h"
#include "node/comet/home.h"
#include "node/home/health.h"
#include "node/log.h"

enum { PEERS_FRESH_S = 5 };

static assay_status solo_open(assay_node_engine *engine, const assay_home *home,
                              const assay_operator *secrets, assay_ledger_application *application,
                              assay_error *err) {
    char path[PATH_MAX], chain_name[ASSAY_CHAIN_ID_MAX + 1];
    const assay_genesis *genesis = &home->genesis;
    const assay_genesis_validator *own;
    uint8_t public_key[ASSAY_ED25519_KEY_SIZE];
    ASSAY_TRY(assay_genesis_operator(&own, genesis, err));
    ASSAY_TRY(assay_ed25519_public(public_key, secrets->ed25519_seed, err));
    if (memcmp(public_key, own->ed25519, sizeof public_key) != 0)
        return ASSAY_FAIL(err, MISMATCH, "operator.json is not the key of the genesis's operator");
    assay_chain_name(chain_name, genesis);
    ASSAY_TRY(assay_home_path(path, home->path, "blocks", err));
    assay_solo_options options = {.folder = path,
                                  .application = assay_ledger_application_calls(application),
                                  .chain_id = chain_name,
                                  .genesis_seconds = genesis->time,
                                  .power = assay_voting_power(own->consensus_bond),
                                  .block_ms = (uint32_t)home->config.block_ms,
                                  .replayed = engine->replayed,
                                  .replayed_self = engine->replayed_self};
    memcpy(options.seed, secrets->ed25519_seed, sizeof options.seed);
    ASSAY_TRY(assay_solo_open(&engine->solo, &options, err));
    engine->calls = assay_solo_engine(engine->solo);
    return ASSAY_OK;
}

// E-64, E-65: what this node has for others, and where it takes a state from them.
static assay_status statesync_open(assay_node_engine *engine, const assay_home *home,
                                   assay_app *app, assay_error *err) {
    char snapshots[PATH_MAX], restoring[PATH_MAX];
    const assay_config *config = &home->config;
    ASSAY_TRY(assay_home_path(snapshots, home->path, "snapshots", err));
    ASSAY_TRY(assay_home_path(restoring, home->path, "state.restoring", err));
    const assay_statesync_options make = {.app = app,
                                          .folder = snapshots,
                                          .every = config->snapshot_blocks,
                                          .keep = (uint32_t)config->snapshot_keep};
    const assay_statesync_restore_options restore = {
        .app = app, .folder = restoring, .map_size = config->map_gib << 30};
    ASSAY_TRY(assay_statesync_maker_open(&engine->maker, &make, err));
    return assay_statesync_restore_open(&engine->restore, &restore, err);
}

static assay_status abci_open(assay_node_engine *engine, const assay_home *home,
                              assay_ledger_application *application, assay_error *err) {
    char chain_name[ASSAY_CHAIN_ID_MAX + 1];
    const assay_config *config = &home->config;
    pthread_mutex_init(&engine->peers.lock, NULL);
    ASSAY_TRY(assay_comet_open(&engine->comet, config->comet, err));
    assay_chain_name(chain_name, &home->genesis);
    ASSAY_TRY(statesync_open(engine, home, application->app, err));
    assay_abci_engine_options options = {.application = assay_ledger_application_calls(application),
                                         .peer = assay_comet_peer(&engine->comet),
                                         .chain_id = chain_name,
                                         .keep_blocks = config->keep_blocks,
                                         .initial_height = config->initial_height,
                                         .maker = engine->maker,
                                         .restore = engine->restore};
    assay_comet_params(&options.params, &home->genesis.params);
    ASSAY_TRY(assay_abci_engine_open(&engine->abci, &options, err));
    engine->calls = assay_abci_engine_calls(engine->abci);
    const assay_abci_server_options server = {
        .address = config->abci, .application = assay_abci_engine_application(engine->abci)};
    return assay_abci_server_open(&engine->server, &server, err);
}

assay_status assay_node_engine_open(assay_node_engine *engine, const assay_home *home,
                                    const assay_operator *secrets,
                                    assay_ledger_application *application, assay_error *err) {
    engine->opened_ns = assay_clock_ns();
    if (home->config.engine == ASSAY_ENGINE_ABCI) return abci_open(engine, home, application, err);
    return solo_open(engine, home, secrets, application, err);
}

assay_status assay_node_engine_start(assay_node_engine *engine, assay_error *err) {
    return engine->solo ? assay_solo_start(engine->solo, err) : ASSAY_OK;
}

uint32_t assay_node_engine_drain(assay_node_engine *engine, uint32_t timeout_ms) {
    return engine->solo ? assay_solo_drain(engine->solo, timeout_ms) : 0;
}

// Two scrapes at once ask once.
static void peers_look(assay_node_engine *engine, assay_engine_facts *out) {
    assay_peers_glance *peers = &engine->peers;
    pthread_mutex_lock(&peers->lock);
    uint64_t now = assay_clock_ns();
    if (!peers->asked_ns || now - peers->asked_ns > PEERS_FRESH_S * UINT64_C(1000000000)) {
        peers->known = assay_comet_peers(&peers->count, &engine->comet, NULL) == ASSAY_OK;
        peers->asked_ns = assay_clock_ns(); // one that does not answer is left alone as well
    }
    out->knows_peers = peers->known;
    out->peers = peers->known ? peers->count : 0;
    pthread_mutex_unlock(&peers->lock);
}

static void snapshots_look(const assay_node_engine *engine, assay_snapshot_facts *out) {
    assay_statesync_maker_state maker;
    assay_abci_sync sync;
    assay_statesync_maker_state_get(engine->maker, &maker);
    assay_abci_engine_sync(engine->abci, &sync);
    *out = (assay_snapshot_facts){.kept = maker.count,
                                  .newest = maker.newest,
                                  .made = maker.made,
                                  .skipped = maker.skipped,
                                  .failed = maker.failed,
                                  .making_ns = maker.making_ns,
                                  .served = sync.served,
                                  .applied = sync.applied,
                                  .refused = sync.refused,
                                  .offers_refused = sync.offers_refused,
                                  .restoring_ns = sync.restoring_ns};
}

static uint64_t uptime(const assay_node_engine *engine) {
    return (assay_clock_ns() - engine->opened_ns) / UINT64_C(1000000000);
}

assay_status assay_node_engine_well(void *self, assay_error *err) {
    assay_node_engine *engine = self;
    assay_abci_server_state server;
    assay_abci_proposals proposals;
    if (!engine->abci) return ASSAY_OK;
    assay_abci_engine_proposals(engine->abci, &proposals);
    if (proposals.own_height)
        return ASSAY_FAIL(err, REJECTED,
                          "its own proposal of block %llu was refused: is operator.json its own?",
                          (ull)proposals.own_height);
    if (uptime(engine) < ASSAY_HEALTH_START_SECONDS) return ASSAY_OK;
    assay_abci_server_state_get(engine->server, &server);
    if (server.connections) return ASSAY_OK;
    return ASSAY_FAIL(err, NETWORK, "no engine is connected to the ABCI socket");
}

void assay_node_engine_facts(void *self, assay_engine_facts *out) {
    assay_node_engine *engine = self;
    assay_abci_server_state server;
    uint64_t last;
    *out = (assay_engine_facts){.uptime = uptime(engine)};
    if (!engine->abci) return;
    assay_abci_server_state_get(engine->server, &server);
    out->knows_connections = true;
    out->connections = server.connections;
    assay_abci_engine_rounds(engine->abci, &last, &out->rounds);
    out->knows_rounds = last > 0;
    if (last) out->round = last - 1;
    peers_look(engine, out);
    out->knows_snapshots = true;
    snapshots_look(engine, &out->snapshots);
}

// E-66: CometBFT is not told a reason, and its own log has none.
static void refusal_tell(assay_node_engine *engine) {
    assay_abci_sync sync;
    assay_abci_engine_sync(engine->abci, &sync);
    uint64_t refusals = sync.offers_refused + sync.refused;
    if (refusals > engine->refusals_told)
        assay_log(ASSAY_LOG_WARN, "snapshot_refused",
                  json_pack("{s:I,s:I}", "offers", (json_int_t)sync.offers_refused, "chunks",
                            (json_int_t)sync.refused),
                  "another node's snapshot, or a chunk of it, was refused: %s", sync.problem);
    engine->refusals_told = refusals;
}

// E-25: a node's own proposal is refused where its beacon cannot be signed (P-97).
static void proposal_tell(assay_node_engine *engine) {
    static const char next[] = "give this home its own operator.json back, and start again";
    assay_abci_proposals now;
    assay_abci_engine_proposals(engine->abci, &now);
    bool own = now.own_height == now.height;
    if (now.refused > engine->proposals_told)
        assay_log(ASSAY_LOG_WARN, "proposal_refused",
                  json_pack("{s:I,s:b,s:s,s:s*}", "height", (json_int_t)now.height, "own", (int)own,
                            "problem", now.problem, "next", own ? next : NULL),
                  "a proposal of block %llu was refused: %s%s%s", (ull)now.height, now.problem,
                  own ? "; it was this node's own, next: " : "", own ? next : "");
    engine->proposals_told = now.refused;
}

void assay_node_engine_tell(assay_node_engine *engine) {
    assay_statesync_maker_state maker;
    if (engine->abci) refusal_tell(engine);
    if (engine->abci) proposal_tell(engine);
    if (engine->server) assay_refusals_tell(&engine->refusals, engine->server);
    if (!engine->maker) return;
    assay_statesync_maker_state_get(engine->maker, &maker);
    if (maker.failed > engine->failures_told)
        assay_log(ASSAY_LOG_WARN, "snapshot_failed",
                  json_pack("{s:I}", "failed", (json_int_t)maker.failed),
                  "no snapshot for other nodes was made: %s", maker.problem);
    engine->failures_told = maker.failed;
}

void assay_node_engine_close(assay_node_engine *engine) {
    if (engine->server) assay_abci_server_close(engine->server);
    assay_abci_engine_close(engine->abci);
    assay_statesync_maker_close(engine->maker);
    assay_statesync_restore_close(engine->restore);
    assay_solo_close(engine->solo);
    memset(engine, 0, sizeof *engine);
}
