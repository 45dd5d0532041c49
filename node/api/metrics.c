// SPDX-License-Identifier: Apache-2.0
// What a node tells Prometheus: one snapshot of the state, of which it reads a few dozen records
// whatever the state's size, and the application's counters.
#include "node/http/metrics.h"
#include "consensus/clock.h"
#include "ledger/beacon.h"
#include "ledger/bond.h"
#include "node/api/api.h"
#include "node/home/health.h"

// Counters and gauges that are one number of the application's.
static const struct {
    assay_counted what;
    assay_metric_type type;
    const char *name;
    const char *help;
} counted[] = {
    {ASSAY_COUNTED_BLOCKS, ASSAY_METRIC_COUNTER, "assay_blocks_total", "Blocks executed."},
    {ASSAY_COUNTED_RECEIPTS_INCLUDED, ASSAY_METRIC_COUNTER, "assay_receipts_included_total",
     "Receipts in batches that came into a block."},
    {ASSAY_COUNTED_RECEIPTS_SETTLED, ASSAY_METRIC_COUNTER, "assay_receipts_settled_total",
     "Receipts in batches that were settled."},
    {ASSAY_COUNTED_RECEIPTS_VOID, ASSAY_METRIC_COUNTER, "assay_receipts_void_total",
     "Receipts in batches that became void."},
    {ASSAY_COUNTED_BATCHES_OPEN, ASSAY_METRIC_GAUGE, "assay_batches_open",
     "Batches neither settled nor void."},
    {ASSAY_COUNTED_BATCHES_INCLUDED, ASSAY_METRIC_COUNTER, "assay_batches_included_total",
     "Batches that came into a block."},
    {ASSAY_COUNTED_BATCHES_SETTLED, ASSAY_METRIC_COUNTER, "assay_batches_settled_total",
     "Batches that were settled."},
    {ASSAY_COUNTED_BATCHES_VOID, ASSAY_METRIC_COUNTER, "assay_batches_void_total",
     "Batches that became void."},
    {ASSAY_COUNTED_VERDICTS_DUE, ASSAY_METRIC_GAUGE, "assay_verdicts_due",
     "Votes of running rounds, of all validators, that are not revealed yet."},
    {ASSAY_COUNTED_PENALTIES, ASSAY_METRIC_COUNTER, "assay_penalties_total",
     "Times a bond lost something."},
    {ASSAY_COUNTED_PENALTIES_NOPEN, ASSAY_METRIC_COUNTER, "assay_penalties_nopen_total",
     "What bonds lost."},
    {ASSAY_COUNTED_BEACON_MISSES, ASSAY_METRIC_COUNTER, "assay_beacon_misses_total",
     "Beacons without an accepted preimage."},
};

static void counters_put(assay_metrics *m, const assay_app_counters *counters) {
    static const char txs[] = "assay_transactions_total", admissions[] = "assay_admissions_total",
                      failed[] = "assay_verdicts_failed_total";
    const assay_counts *counts = &counters->counts;
    const uint64_t *scored = counts->scored;
    for (size_t i = 0; i < ASSAY_COUNT(counted); i++)
        assay_metrics_put(m, counted[i].name, counted[i].type, counted[i].help,
                          counts->of[counted[i].what]);
    assay_metrics_begin(m, txs, ASSAY_METRIC_COUNTER, "Transactions in blocks.");
    assay_metrics_add(m, txs, "result", "done", counts->of[ASSAY_COUNTED_TXS_DONE]);
    assay_metrics_add(m, txs, "result", "refused", counts->of[ASSAY_COUNTED_TXS_REFUSED]);
    assay_metrics_begin(m, admissions, ASSAY_METRIC_COUNTER,
                        "Transactions checked before they may wait for a block.");
    assay_metrics_add(m, admissions, "result", "accepted", counters->admitted);
    assay_metrics_add(m, admissions, "result", "refused", counters->turned_away);
    assay_metrics_put(m, "assay_verdicts_asked_total", ASSAY_METRIC_COUNTER,
                      "Votes asked of validators.", scored[ASSAY_SCORE_ASKED]);
    assay_metrics_put(m, "assay_verdicts_revealed_total", ASSAY_METRIC_COUNTER,
                      "Votes revealed in time.", scored[ASSAY_SCORE_REVEALED]);
    assay_metrics_put(m, "assay_verdicts_missed_total", ASSAY_METRIC_COUNTER,
                      "Votes not committed in time.", scored[ASSAY_SCORE_MISSED]);
    assay_metrics_begin(m, failed, ASSAY_METRIC_COUNTER,
                        "Votes committed that were wrong, struck or not revealed in time.");
    assay_metrics_add(m, failed, "reason", "wrong", scored[ASSAY_SCORE_WRONG]);
    assay_metrics_add(m, failed, "reason", "struck", scored[ASSAY_SCORE_STRUCK]);
    assay_metrics_add(m, failed, "reason", "unrevealed", scored[ASSAY_SCORE_UNREVEALED]);
}

// Of the validator whose node this is.
static assay_status operator_put(assay_metrics *m, const assay_api *api, const assay_view *view,
                                 assay_error *err) {
    assay_address own;
    assay_chain chain;
    bool found;
    ASSAY_TRY(assay_api_operator_get(&own, &found, api, view, err));
    if (!found) return ASSAY_OK;
    ASSAY_TRY(assay_chain_get(&chain, &view->reader, &own, err));
    assay_metrics_put(m, "assay_beacons_left", ASSAY_METRIC_GAUGE,
                      "Links left in the beacon chain of this node's validator.", chain.left);
    return ASSAY_OK;
}

static assay_status validators_put(assay_metrics *m, const assay_view *view, assay_error *err) {
    static const char bonds[] = "assay_bonds_nopen";
    assay_api_powers powers;
    ASSAY_TRY(assay_api_powers_get(&powers, view, NULL, err));
    assay_metrics_put(m, "assay_validators", ASSAY_METRIC_GAUGE, "Validators with consensus power.",
                      powers.weighty);
    assay_metrics_put(m, "assay_validators_jailed", ASSAY_METRIC_GAUGE,
                      "Validators in jail in this epoch.", powers.jailed);
    assay_metrics_put(m, "assay_power", ASSAY_METRIC_GAUGE, "Consensus power of all.", powers.all);
    assay_metrics_begin(m, bonds, ASSAY_METRIC_GAUGE, "Bonds that count, by role.");
    for (uint8_t role = 1; role <= ASSAY_ROLE_MAX; role++) {
        uint64_t nopen;
        ASSAY_TRY(assay_bond_total(&nopen, &view->reader, role, err));
        assay_metrics_add(m, bonds, "role", assay_role_names[role], nopen);
    }
    return ASSAY_OK;
}

static assay_status state_put(assay_metrics *m, const assay_api *api, const assay_view *view,
                              assay_error *err) {
    static const char supply[] = "assay_supply_nopen";
    static const char *const parts[ASSAY_MONEY_COUNT] = {"balances", "deposits", "bonds",
                                                         "pools",    "claims",   "burned"};
    assay_totals totals;
    assay_store_usage usage;
    ASSAY_TRY(assay_totals_get(&totals, &view->reader, err));
    ASSAY_TRY(assay_snapshot_measure(view->snapshot, &usage, err));
    assay_metrics_put(m, "assay_height", ASSAY_METRIC_GAUGE, "Last committed block.", view->height);
    assay_metrics_put(m, "assay_epoch", ASSAY_METRIC_GAUGE, "Epoch of the next block.",
                      assay_params_epoch(view->params, view->height + 1));
    assay_metrics_put(m, "assay_state_bytes", ASSAY_METRIC_GAUGE, "Bytes the state takes.",
                      usage.bytes_used);
    assay_metrics_put(m, "assay_state_bytes_max", ASSAY_METRIC_GAUGE,
                      "Bytes the state may take (map_gib).", usage.map_size);
    assay_metrics_put(m, "assay_state_entries", ASSAY_METRIC_GAUGE, "Records of the state.",
                      usage.entry_count);
    assay_metrics_begin(m, supply, ASSAY_METRIC_GAUGE, "Where all money is.");
    for (int i = 0; i < ASSAY_MONEY_COUNT; i++)
        assay_metrics_add(m, supply, "part", parts[i], totals.nopen[i]);
    ASSAY_TRY(operator_put(m, api, view, err));
    return validators_put(m, view, err);
}

// Made for others, and taken from them.
static void snapshots_put(assay_metrics *m, const assay_snapshot_facts *facts) {
    static const char made[] = "assay_snapshots_total", chunks[] = "assay_snapshot_chunks_total";
    assay_metrics_put(m, "assay_snapshots_kept", ASSAY_METRIC_GAUGE,
                      "Snapshots for state sync that are kept.", facts->kept);
    assay_metrics_put(m, "assay_snapshot_height", ASSAY_METRIC_GAUGE,
                      "Height of the newest of them, 0 without one.", facts->newest);
    assay_metrics_begin(m, made, ASSAY_METRIC_COUNTER,
                        "Snapshots made, failed, or skipped because one was being made.");
    assay_metrics_add(m, made, "result", "made", facts->made);
    assay_metrics_add(m, made, "result", "skipped", facts->skipped);
    assay_metrics_add(m, made, "result", "failed", facts->failed);
    assay_metrics_put_ns(m, "assay_snapshot_making_seconds_total", ASSAY_METRIC_COUNTER,
                         "Time spent making snapshots.", facts->making_ns);
    assay_metrics_begin(m, chunks, ASSAY_METRIC_COUNTER,
                        "Chunks of snapshots served to peers, and applied or refused of theirs.");
    assay_metrics_add(m, chunks, "result", "served", facts->served);
    assay_metrics_add(m, chunks, "result", "applied", facts->applied);
    assay_metrics_add(m, chunks, "result", "refused", facts->refused);
    assay_metrics_put(m, "assay_snapshot_offers_refused_total", ASSAY_METRIC_COUNTER,
                      "Snapshots of peers that were offered and refused.", facts->offers_refused);
    assay_metrics_put_ns(m, "assay_restore_seconds_total", ASSAY_METRIC_COUNTER,
                         "Time spent restoring the state from peers' snapshots.",
                         facts->restoring_ns);
}

// What the engine does not know is left out.
static void facts_put(assay_metrics *m, const assay_engine_facts *facts) {
    if (facts->knows_rounds) {
        assay_metrics_put(m, "assay_commit_round", ASSAY_METRIC_GAUGE,
                          "Round of the last commit that is known; 0 is the first.", facts->round);
        assay_metrics_put(m, "assay_rounds_total", ASSAY_METRIC_COUNTER,
                          "Rounds of all blocks since the start, each block's first one too.",
                          facts->rounds);
    }
    if (facts->knows_peers)
        assay_metrics_put(m, "assay_peers", ASSAY_METRIC_GAUGE, "Other nodes connected.",
                          facts->peers);
    if (facts->knows_snapshots) snapshots_put(m, &facts->snapshots);
}

static void engine_put(assay_metrics *m, assay_api *api) {
    const assay_chain_engine *engine = api->engine;
    assay_api_tip tip;
    assay_engine_facts facts;
    if (!engine) return;
    assay_api_facts_get(&facts, api);
    assay_metrics_put(m, "assay_healthy", ASSAY_METRIC_GAUGE,
                      "1 while blocks can come, 0 once the engine has stopped, or none is there.",
                      assay_api_health(api, NULL) == ASSAY_OK);
    assay_metrics_put(m, "assay_mempool_transactions", ASSAY_METRIC_GAUGE,
                      "Transactions that wait for a block.", engine->waiting(engine->self));
    facts_put(m, &facts);
    assay_api_tip_get(&tip, api);
    if (tip.time_ns)
        assay_metrics_put_ns(m, "assay_block_time_seconds", ASSAY_METRIC_GAUGE,
                             "Time of the last block's header, since 1970.", tip.time_ns);
    if (tip.interval_ns)
        assay_metrics_put_ns(m, "assay_block_interval_seconds", ASSAY_METRIC_GAUGE,
                             "Time of the last block's header after the one before.",
                             tip.interval_ns);
}

void assay_api_metrics(assay_api *api, assay_http_reply *reply) {
    assay_metrics m = {0};
    assay_view view = {0};
    assay_error err = {0};
    assay_app_counters counters;
    uint64_t begun = assay_clock_ns();
    const char *const build[] = {"version", ASSAY_PROGRAM_VERSION,
                                 "engine",  api->engine_name ? api->engine_name : "",
                                 "chain",   api->genesis->name};
    assay_status status = assay_view_open(&view, api->app, &err);
    if (status == ASSAY_OK) {
        assay_app_counters_get(api->app, &counters);
        assay_metrics_info(&m, "assay_build_info", "This program, its engine and its chain.", build,
                           ASSAY_COUNT(build));
        status = state_put(&m, api, &view, &err);
    }
    assay_view_close(&view);
    if (status != ASSAY_OK) {
        assay_metrics_close(&m);
        assay_http_reply_error(reply, &err);
        return;
    }
    engine_put(&m, api);
    counters_put(&m, &counters);
    assay_metrics_put_ns(&m, "assay_scrape_seconds", ASSAY_METRIC_GAUGE,
                         "What gathering all this took.", assay_clock_ns() - begun);
    assay_metrics_reply(&m, reply);
}
