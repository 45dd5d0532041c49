// SPDX-License-Identifier: Apache-2.0
// Paths for whoever operates a node: how this one is, and how a validator stands (F-73).
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "consensus/block.h"
#include "ledger/accusations.h"
#include "ledger/beacon.h"
#include "ledger/validator.h"
#include "node/api/api.h"

static const uint64_t nanos = 1000000000;

void assay_api_tip_get(assay_api_tip *out, const assay_api *api) {
    assay_app_counters counters;
    const assay_chain_engine *engine = api->engine;
    assay_app_counters_get(api->app, &counters);
    *out = (assay_api_tip){counters.time_ns, 0};
    if (counters.time_ns_before) out->interval_ns = counters.time_ns - counters.time_ns_before;
    // Behind CometBFT the block would have to be fetched, and the next one is about to come.
    if (out->time_ns || !engine || api->behind) return;
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    assay_arena_init(&arena, ASSAY_API_BLOCK_ARENA_MAX);
    if (engine->block(engine->self, engine->height(engine->self), &block, &arena, &data, NULL) ==
        ASSAY_OK) {
        out->time_ns = block.header.time.seconds * nanos + block.header.time.nanos;
        free(data);
    }
    assay_arena_close(&arena);
}

void assay_api_facts_get(assay_engine_facts *out, const assay_api *api) {
    *out = (assay_engine_facts){0};
    if (api->engine && api->facts) api->facts(api->facts_self, out);
}

assay_status assay_api_health(const assay_api *api, assay_error *err) {
    if (!api->engine) return ASSAY_OK;
    ASSAY_TRY(api->engine->health(api->engine->self, err));
    return api->well ? api->well(api->facts_self, err) : ASSAY_OK;
}

static json_t *number_or_null(bool known, uint64_t number) {
    return known ? assay_json_from_u64(number) : json_null();
}

static json_t *score_json(const uint64_t *of) {
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "asked",
                     assay_json_from_u64(of[ASSAY_SCORE_ASKED]), "revealed",
                     assay_json_from_u64(of[ASSAY_SCORE_REVEALED]), "missed",
                     assay_json_from_u64(of[ASSAY_SCORE_MISSED]), "unrevealed",
                     assay_json_from_u64(of[ASSAY_SCORE_UNREVEALED]), "struck",
                     assay_json_from_u64(of[ASSAY_SCORE_STRUCK]), "wrong",
                     assay_json_from_u64(of[ASSAY_SCORE_WRONG]), "slashed",
                     assay_json_from_u64(of[ASSAY_SCORE_NOPEN]));
}

static json_t *work_json(const assay_app_counters *counters) {
    const assay_counts *counts = &counters->counts;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "since", assay_json_from_u64(counters->since),
                     "transactions", assay_json_from_u64(counts->of[ASSAY_COUNTED_TXS_DONE]),
                     "refused", assay_json_from_u64(counts->of[ASSAY_COUNTED_TXS_REFUSED]),
                     "batches_open", assay_json_from_u64(counts->of[ASSAY_COUNTED_BATCHES_OPEN]),
                     "receipts_settled",
                     assay_json_from_u64(counts->of[ASSAY_COUNTED_RECEIPTS_SETTLED]),
                     "verdicts_due", assay_json_from_u64(counts->of[ASSAY_COUNTED_VERDICTS_DUE]),
                     "verdicts", score_json(counts->scored));
}

assay_status assay_api_powers_get(assay_api_powers *out, const assay_view *view,
                                  const assay_address *own, assay_error *err) {
    uint32_t count;
    uint64_t epoch = assay_params_epoch(view->params, view->height + 1);
    *out = (assay_api_powers){0};
    assay_power *list = calloc(ASSAY_POWER_MAX, sizeof *list);
    if (!list) return ASSAY_FAIL(err, MEMORY, "no memory for %d powers", ASSAY_POWER_MAX);
    assay_status status = assay_power_list(list, &count, &view->reader, err);
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++) {
        assay_chain chain;
        status = assay_chain_get(&chain, &view->reader, &list[i].address, err);
        if (status == ASSAY_OK) out->jailed += assay_chain_is_jailed(&chain, epoch);
        out->weighty += list[i].power > 0;
        out->all += list[i].power;
        if (own && assay_address_equal(&list[i].address, own)) out->own = list[i].power;
    }
    free(list);
    return status;
}

assay_status assay_api_operator_get(assay_address *out, bool *found, const assay_api *api,
                                    const assay_view *view, assay_error *err) {
    assay_address consensus;
    *found = false;
    if (!api->ed25519) return ASSAY_OK;
    assay_ed25519_address(&consensus, api->ed25519);
    return assay_validator_by_consensus(out, found, &view->reader, &consensus, err);
}

// /node: this node, for whoever looks after it.
static assay_status node_get(assay_api *api, const assay_view *view, assay_http_reply *reply,
                             assay_error *err) {
    assay_store_usage usage;
    assay_app_counters counters;
    assay_api_tip tip;
    assay_engine_facts facts;
    assay_api_powers powers;
    assay_address own;
    bool known;
    ASSAY_TRY(assay_api_powers_get(&powers, view, NULL, err));
    ASSAY_TRY(assay_api_operator_get(&own, &known, api, view, err));
    ASSAY_TRY(assay_snapshot_measure(view->snapshot, &usage, err));
    assay_app_counters_get(api->app, &counters);
    assay_api_tip_get(&tip, api);
    assay_api_facts_get(&facts, api);
    uint64_t epoch = assay_params_epoch(view->params, view->height + 1);
    uint64_t first = epoch * view->params->epoch_blocks + 1;
    assay_http_reply_json(
        reply, 200,
        json_pack(
            "{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:{s:o,s:o,s:o},s:{s:o,s:o,s:o},s:o}",
            "engine", api->engine_name ? api->engine_name : "", "operator",
            known ? assay_json_from_address(&own) : json_null(), "height",
            assay_json_from_u64(view->height), "time", assay_json_from_u64((uint64_t)time(NULL)),
            "block_time", number_or_null(tip.time_ns > 0, tip.time_ns / nanos), "block_interval_ms",
            number_or_null(tip.interval_ns > 0, tip.interval_ns / 1000000), "round",
            number_or_null(facts.knows_rounds, facts.round), "peers",
            number_or_null(facts.knows_peers, facts.peers), "connections",
            number_or_null(facts.knows_connections, facts.connections), "uptime",
            number_or_null(api->facts != NULL, facts.uptime), "validators", (int)powers.weighty,
            "waiting",
            assay_json_from_u64(api->engine ? api->engine->waiting(api->engine->self) : 0), "epoch",
            "number", assay_json_from_u64(epoch), "first", assay_json_from_u64(first), "last",
            assay_json_from_u64(first + view->params->epoch_blocks - 1), "state", "bytes",
            assay_json_from_u64(usage.bytes_used), "bytes_max", assay_json_from_u64(usage.map_size),
            "entries", assay_json_from_u64(usage.entry_count), "work", work_json(&counters)));
    return ASSAY_OK;
}

static json_t *hash_or_null(bool known, const assay_hash *hash) {
    return known ? assay_json_from_hash(hash) : json_null();
}

static json_t *chain_json(const assay_chain *chain, uint64_t epoch) {
    bool jailed = assay_chain_is_jailed(chain, epoch);
    // A used-up chain has a head too: its seed.
    return json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "jailed", (int)jailed, "jailed_epoch",
                     number_or_null(jailed, chain->jailed_epoch), "head",
                     hash_or_null(chain->left > 0 || chain->revealed > 0, &chain->head), "left",
                     assay_json_from_u64(chain->left), "pending_tip",
                     hash_or_null(chain->pending_length > 0, &chain->pending_tip), "pending",
                     assay_json_from_u64(chain->pending_length), "revealed",
                     assay_json_from_u64(chain->revealed), "misses",
                     assay_json_from_u64(chain->miss_epoch == epoch ? chain->misses : 0),
                     "vote_misses",
                     assay_json_from_u64(chain->miss_epoch == epoch ? chain->vote_misses : 0));
}

// The consensus key, and the address by which engines name it.
static json_t *key_json(const assay_validator *validator, bool found) {
    assay_address consensus;
    if (!found) return json_null();
    assay_ed25519_address(&consensus, validator->ed25519);
    return json_pack("{s:o,s:o,s:b}", "ed25519",
                     assay_json_from_hex(validator->ed25519, ASSAY_ED25519_KEY_SIZE), "address",
                     assay_json_from_address(&consensus), "barred", (int)validator->barred);
}

// /validator/ADDRESS: its key, power, beacon chain, exposure and accusations, and its score since
// `since`.
static assay_status validator_get(assay_api *api, const assay_api_call *call,
                                  const assay_view *view, assay_http_reply *reply,
                                  assay_error *err) {
    assay_address address;
    assay_chain chain;
    assay_validator validator;
    bool found;
    assay_score score;
    assay_app_counters counters;
    assay_api_powers powers;
    uint64_t exposure;
    uint32_t accusations;
    ASSAY_TRY(assay_api_address(&address, call, 1, err));
    ASSAY_TRY(assay_api_powers_get(&powers, view, &address, err));
    ASSAY_TRY(assay_validator_get(&validator, &found, &view->reader, &address, err));
    ASSAY_TRY(assay_chain_get(&chain, &view->reader, &address, err));
    ASSAY_TRY(assay_exposure_get(&exposure, &view->reader, &address, err));
    ASSAY_TRY(assay_accusations_open(&accusations, &view->reader, &address, 0, err));
    assay_app_counters_get(api->app, &counters);
    assay_app_score_get(api->app, &address, &score);
    uint64_t epoch = assay_params_epoch(view->params, view->height + 1);
    assay_http_reply_json(
        reply, 200,
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:o,s:o}", "address",
                  assay_json_from_address(&address), "height", assay_json_from_u64(view->height),
                  "key", key_json(&validator, found), "power", assay_json_from_u64(powers.own),
                  "power_all", assay_json_from_u64(powers.all), "beacon", chain_json(&chain, epoch),
                  "exposure", assay_json_from_u64(exposure), "accusations", (int)accusations,
                  "since", assay_json_from_u64(counters.since), "verdicts", score_json(score.of),
                  "last_fault", number_or_null(score.fault_height > 0, score.fault_height)));
    return ASSAY_OK;
}

assay_status assay_api_node(assay_api *api, const assay_api_call *call, const assay_view *view,
                            assay_http_reply *reply, assay_error *err) {
    if (assay_api_is(call, "node", 1)) return node_get(api, view, reply, err);
    if (assay_api_is(call, "validator", 2)) return validator_get(api, call, view, reply, err);
    return ASSAY_NOT_FOUND;
}
