// SPDX-License-Identifier: Apache-2.0
// Paths about who has what and what is registered: accounts, sessions, commitments, data sets,
// models, adapters, and what may be paid for.
#include "base/json.h"
#include "ledger/batch.h"
#include "ledger/checkers.h"
#include "ledger/commitment.h"
#include "node/api/api.h"

static json_t *bond_json(const assay_view *view, uint8_t role, const assay_bond *bond) {
    json_t *leaving = json_array();
    for (uint32_t i = 0; i < bond->unbonding_count; i++)
        json_array_append_new(leaving,
                              json_pack("{s:o,s:o}", "amount",
                                        assay_json_from_u64(bond->unbonding[i].amount), "release",
                                        assay_json_from_u64(bond->unbonding[i].release)));
    return json_pack("{s:s,s:o,s:o,s:o}", "role", assay_role_names[role], "active",
                     assay_json_from_u64(bond->active), "effective",
                     assay_json_from_u64(assay_bond_effective(view->params, role, bond)),
                     "unbonding", leaving);
}

static assay_status bonds_json(json_t *bonds, const assay_view *view, const assay_address *address,
                               assay_error *err) {
    for (uint8_t role = 1; role <= ASSAY_ROLE_MAX; role++) {
        assay_bond bond;
        ASSAY_TRY(assay_bond_get(&bond, &view->reader, role, address, err));
        if (bond.active || bond.unbonding_count)
            json_array_append_new(bonds, bond_json(view, role, &bond));
    }
    return ASSAY_OK;
}

static assay_status agents_json(json_t *agents, const assay_view *view,
                                const assay_address *principal, assay_error *err) {
    assay_address address = {{0}};
    for (int i = 0; i < ASSAY_API_PAGE_MAX; i++) {
        assay_agent agent;
        bool found;
        ASSAY_TRY(assay_agent_next(&address, &agent, &found, &view->reader, principal, err));
        if (!found) break;
        json_array_append_new(
            agents, json_pack("{s:o,s:i,s:o}", "agent", assay_json_from_address(&address), "scopes",
                              (int)agent.scopes, "expiry", assay_json_from_u64(agent.expiry)));
    }
    return ASSAY_OK;
}

static assay_status account_get(assay_api *api, const assay_api_call *call, const assay_view *view,
                                assay_http_reply *reply, assay_error *err) {
    assay_address address;
    assay_account account;
    assay_allowance allowance;
    assay_declared declared;
    uint64_t next[ASSAY_TX_LANE_COUNT];
    json_t *bonds = json_array(), *agents = json_array(), *roots = json_array();
    assay_status status = assay_api_address(&address, call, 1, err);
    if (status == ASSAY_OK) status = assay_account_get(&account, &view->reader, &address, err);
    if (status == ASSAY_OK) status = bonds_json(bonds, view, &address, err);
    if (status == ASSAY_OK) status = agents_json(agents, view, &address, err);
    if (status == ASSAY_OK) status = assay_allowance_get(&allowance, &view->reader, &address, err);
    if (status == ASSAY_OK) status = assay_declared_get(&declared, &view->reader, &address, err);
    for (uint8_t lane = 0; status == ASSAY_OK && lane < ASSAY_TX_LANE_COUNT; lane++)
        status = assay_app_next_nonce(api->app, &address, lane, &next[lane], err);
    if (status != ASSAY_OK) {
        json_decref(bonds);
        json_decref(agents);
        json_decref(roots);
        return status;
    }
    for (uint32_t i = 0; i < declared.count; i++)
        json_array_append_new(roots, assay_json_from_hash(&declared.roots[i]));
    uint64_t left = assay_allowance_left(&allowance, view->params, view->height + 1);
    assay_http_reply_json(reply, 200,
                          json_pack("{s:o,s:o,s:[o,o],s:[o,o],s:o,s:o,s:o,s:o,s:o}", "address",
                                    assay_json_from_address(&address), "balance",
                                    assay_json_from_u64(account.balance), "nonces",
                                    assay_json_from_u64(account.nonces[0]),
                                    assay_json_from_u64(account.nonces[1]), "next_nonces",
                                    assay_json_from_u64(next[0]), assay_json_from_u64(next[1]),
                                    "bonds", bonds, "agents", agents, "agent_limit",
                                    assay_json_from_u64(allowance.limit), "agent_left",
                                    assay_json_from_u64(left), "declared", roots));
    return ASSAY_OK;
}

static json_t *session_json(const assay_hash *id, const assay_session *session) {
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", assay_json_from_hash(id),
        "principal", assay_json_from_address(&session->principal), "opener",
        assay_json_from_address(&session->opener), "provider",
        assay_json_from_address(&session->provider), "opened", assay_json_from_u64(session->opened),
        "price_in", assay_json_from_u64(session->price_in), "price_out",
        assay_json_from_u64(session->price_out), "expiry", assay_json_from_u64(session->expiry),
        "end", assay_json_from_u64(session->end), "ended", assay_json_from_u64(session->ended),
        "last_sequence", assay_json_from_u64(session->last_sequence), "free",
        assay_json_from_u64(session->free), "reserved", assay_json_from_u64(session->reserved));
}

static assay_status session_get(const assay_api_call *call, const assay_view *view,
                                assay_http_reply *reply, assay_error *err) {
    assay_hash id;
    assay_session session;
    bool found;
    ASSAY_TRY(assay_api_hash(&id, call, 1, err));
    ASSAY_TRY(assay_session_get(&session, &found, &view->reader, &id, err));
    if (!found) return ASSAY_FAIL(err, NOT_FOUND, "no such session");
    assay_http_reply_json(reply, 200, session_json(&id, &session));
    return ASSAY_OK;
}

// /sessions/of/principal|provider/ADDRESS?after=ID
static assay_status sessions_get(const assay_api_call *call, const assay_view *view,
                                 assay_http_reply *reply, assay_error *err) {
    assay_address address;
    assay_hash id;
    bool provider = strcmp(call->segments[2], "provider") == 0;
    if (strcmp(call->segments[1], "of") != 0 ||
        (!provider && strcmp(call->segments[2], "principal") != 0))
        return ASSAY_NOT_FOUND;
    ASSAY_TRY(assay_api_address(&address, call, 3, err));
    ASSAY_TRY(assay_api_query_hash(&id, call, "after", err));
    json_t *list = json_array();
    for (int i = 0; i < ASSAY_API_PAGE_MAX; i++) {
        assay_session session;
        bool found;
        assay_status status = provider
                                  ? assay_session_next_of_provider(&id, &session, &found,
                                                                   &view->reader, &address, err)
                                  : assay_session_next_of_principal(&id, &session, &found,
                                                                    &view->reader, &address, err);
        if (status != ASSAY_OK) {
            json_decref(list);
            return status;
        }
        if (!found) break;
        json_array_append_new(list, session_json(&id, &session));
    }
    assay_http_reply_json(reply, 200, json_pack("{s:o}", "sessions", list));
    return ASSAY_OK;
}

static json_t *dataset_json(const assay_hash *root, const assay_dataset *dataset) {
    return json_pack(
        "{s:o,s:o,s:o,s:s,s:s,s:s,s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:o}", "root",
        assay_json_from_hash(root), "fingerprint_root",
        assay_json_from_hash(&dataset->fingerprint_root), "owner",
        assay_json_from_address(&dataset->owner), "name", dataset->name, "license",
        dataset->license, "uri", dataset->uri, "committed", assay_json_from_u64(dataset->committed),
        "committed_index", (int)dataset->committed_index, "registered",
        assay_json_from_u64(dataset->registered), "retired", assay_json_from_u64(dataset->retired),
        "released", assay_json_from_u64(dataset->released), "chunk_count",
        assay_json_from_u64(dataset->chunk_count), "byte_count",
        assay_json_from_u64(dataset->byte_count), "bond", assay_json_from_u64(dataset->bond));
}

static json_t *entry_json(const assay_hash *root, const assay_model_entry *entry) {
    return json_pack("{s:o,s:o,s:s,s:s,s:o,s:o,s:i,s:o}", "root", assay_json_from_hash(root),
                     "owner", assay_json_from_address(&entry->owner), "name", entry->name, "uri",
                     entry->uri, "registered", assay_json_from_u64(entry->registered), "byte_count",
                     assay_json_from_u64(entry->byte_count), "royalty_ppm", (int)entry->royalty_ppm,
                     "bond", assay_json_from_u64(entry->bond));
}

static json_t *adapter_json(const assay_hash *root, const assay_adapter_entry *adapter) {
    json_t *object = entry_json(root, &adapter->entry), *sources = json_array();
    for (uint32_t i = 0; i < adapter->source_count; i++)
        json_array_append_new(sources,
                              json_pack("{s:o,s:i}", "dataset",
                                        assay_json_from_hash(&adapter->sources[i].dataset),
                                        "weight_ppm", (int)adapter->sources[i].weight_ppm));
    json_object_set_new(object, "base", assay_json_from_hash(&adapter->base));
    json_object_set_new(object, "sources", sources);
    return object;
}

// /commitment/HASH. Who asks for one that is too young waits for it: an idle chain makes the blocks
// until it is not, and only then.
static assay_status commitment_get(assay_api *api, const assay_api_call *call,
                                   const assay_view *view, assay_http_reply *reply,
                                   assay_error *err) {
    assay_hash hash;
    assay_commitment date;
    bool found;
    ASSAY_TRY(assay_api_hash(&hash, call, 1, err));
    ASSAY_TRY(assay_commitment_get(&date, &found, &view->reader, &hash, err));
    if (!found) return ASSAY_FAIL(err, NOT_FOUND, "no such commitment");
    uint64_t ready = date.height + view->params->commitment_blocks;
    if (api->engine && view->height + 1 < ready) api->engine->nudge(api->engine->self);
    assay_http_reply_json(
        reply, 200,
        json_pack("{s:o,s:o,s:i,s:o,s:o}", "commitment", assay_json_from_hash(&hash), "height",
                  assay_json_from_u64(date.height), "index", (int)date.index, "ready",
                  assay_json_from_u64(ready), "next", assay_json_from_u64(view->height + 1)));
    return ASSAY_OK;
}

// /payable/PROVIDER/MODEL/ADAPTER: P-54 for a batch with this row alone, by the ledger's own
// checks; not whether the provider's bond covers one (P-30).
static assay_status payable_get(const assay_api_call *call, const assay_view *view,
                                assay_http_reply *reply, assay_error *err) {
    assay_address provider;
    assay_model_row row = {.fee_sum = 1};
    assay_checkers checkers;
    uint64_t byte_count;
    ASSAY_TRY(assay_api_address(&provider, call, 1, err));
    ASSAY_TRY(assay_api_hash(&row.model, call, 2, err));
    ASSAY_TRY(assay_api_hash(&row.adapter, call, 3, err));
    ASSAY_TRY(assay_registry_payable(&byte_count, &view->reader, view->params, &row.model,
                                     &row.adapter, &provider, err));
    ASSAY_TRY(assay_checkers_suffice(&checkers, &view->reader, view->params, &provider,
                                     &(const assay_model_list){&row, 1}, err));
    uint64_t price = assay_batch_check_price(view->params, byte_count);
    assay_http_reply_json(reply, 200,
                          json_pack("{s:o,s:o,s:o}", "height", assay_json_from_u64(view->height),
                                    "byte_count", assay_json_from_u64(byte_count), "check_price",
                                    assay_json_from_u64(price)));
    return ASSAY_OK;
}

typedef enum { KIND_DATASET, KIND_MODEL, KIND_ADAPTER } entry_kind;

// One entry, or (next) the one after *root. Returns through out NULL at the end.
static assay_status entry_read(json_t **out, entry_kind kind, bool next, assay_hash *root,
                               const assay_view *view, assay_error *err) {
    const assay_reader *reader = &view->reader;
    assay_dataset dataset;
    assay_model_entry model;
    assay_adapter_entry adapter;
    bool found = false;
    *out = NULL;
    switch (kind) {
    case KIND_DATASET:
        ASSAY_TRY(next ? assay_dataset_next(root, &dataset, &found, reader, err)
                       : assay_dataset_get(&dataset, &found, reader, root, err));
        if (found) *out = dataset_json(root, &dataset);
        break;
    case KIND_MODEL:
        ASSAY_TRY(next ? assay_model_next(root, &model, &found, reader, err)
                       : assay_model_get(&model, &found, reader, root, err));
        if (found) *out = entry_json(root, &model);
        break;
    case KIND_ADAPTER:
        ASSAY_TRY(next ? assay_adapter_next(root, &adapter, &found, reader, err)
                       : assay_adapter_get(&adapter, &found, reader, root, err));
        if (found) *out = adapter_json(root, &adapter);
        break;
    }
    return ASSAY_OK;
}

static assay_status entry_get(entry_kind kind, const char *name, const assay_api_call *call,
                              const assay_view *view, assay_http_reply *reply, assay_error *err) {
    assay_hash root;
    json_t *object;
    ASSAY_TRY(assay_api_hash(&root, call, 1, err));
    ASSAY_TRY(entry_read(&object, kind, false, &root, view, err));
    if (!object) return ASSAY_FAIL(err, NOT_FOUND, "no such %s", name);
    assay_http_reply_json(reply, 200, object);
    return ASSAY_OK;
}

// /datasets?after=ROOT and its like.
static assay_status entries_get(entry_kind kind, const char *plural, const assay_api_call *call,
                                const assay_view *view, assay_http_reply *reply, assay_error *err) {
    assay_hash root;
    ASSAY_TRY(assay_api_query_hash(&root, call, "after", err));
    json_t *list = json_array();
    for (int i = 0; i < ASSAY_API_PAGE_MAX; i++) {
        json_t *object;
        assay_status status = entry_read(&object, kind, true, &root, view, err);
        if (status != ASSAY_OK) {
            json_decref(list);
            return status;
        }
        if (!object) break;
        json_array_append_new(list, object);
    }
    assay_http_reply_json(reply, 200, json_pack("{s:o}", plural, list));
    return ASSAY_OK;
}

assay_status assay_api_registry(assay_api *api, const assay_api_call *call, const assay_view *view,
                                assay_http_reply *reply, assay_error *err) {
    static const char *const singular[] = {"dataset", "model", "adapter"};
    static const char *const plural[] = {"datasets", "models", "adapters"};
    if (assay_api_is(call, "account", 2)) return account_get(api, call, view, reply, err);
    if (assay_api_is(call, "session", 2)) return session_get(call, view, reply, err);
    if (assay_api_is(call, "sessions", 4)) return sessions_get(call, view, reply, err);
    if (assay_api_is(call, "payable", 4)) return payable_get(call, view, reply, err);
    if (assay_api_is(call, "commitment", 2)) return commitment_get(api, call, view, reply, err);
    for (int kind = KIND_DATASET; kind <= KIND_ADAPTER; kind++) {
        if (assay_api_is(call, singular[kind], 2))
            return entry_get((entry_kind)kind, singular[kind], call, view, reply, err);
        if (assay_api_is(call, plural[kind], 1))
            return entries_get((entry_kind)kind, plural[kind], call, view, reply, err);
    }
    return ASSAY_NOT_FOUND;
}
