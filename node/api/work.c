// SPDX-License-Identifier: Apache-2.0
// Paths about work and its pay: batches, cases, duties, evidence, epochs, claims, the beacon.
#include <stdlib.h>

#include "base/json.h"
#include "ledger/batch.h"
#include "ledger/beacon.h"
#include "ledger/case.h"
#include "ledger/epoch.h"
#include "ledger/evidence.h"
#include "ledger/tx/field_json.h"
#include "node/api/api.h"
#include "node/duty_json.h"

static json_t *tables_json(const assay_batch_tables *tables) {
    json_t *object = json_object();
    if (assay_schema_json_add(object, &assay_batch_tables_schema, tables, ASSAY_JSON_PLAIN))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *batch_json(const assay_hash *id, const assay_batch *batch) {
    static const char *const reasons[] = {"none", "fraud", "undecided", "no_beacon"};
    json_t *object = json_pack(
        "{s:o,s:s,s:s,s:o,s:o,s:i,s:o,s:i,s:o,s:i,s:o,s:s%}", "id", assay_json_from_hash(id),
        "state", assay_batch_state_names[batch->state], "void_reason", reasons[batch->reason],
        "provider", assay_json_from_address(&batch->provider), "height",
        assay_json_from_u64(batch->height), "index", (int)batch->index, "root",
        assay_json_from_hash(&batch->root), "count", (int)batch->count, "fee_total",
        assay_json_from_u64(batch->fee_total), "receipt_bytes", (int)batch->receipt_bytes,
        "check_price", assay_json_from_u64(batch->check_price), "uri", (const char *)batch->uri,
        (size_t)batch->uri_size);
    json_t *rest = json_pack(
        "{s:o,s:o,s:i,s:i,s:i,s:i,s:i,s:o,s:o,s:o,s:o}", "beacon_height",
        assay_json_from_u64(batch->beacon_height), "beacon", assay_json_from_hash(&batch->beacon),
        "sample_count", (int)batch->sample_count, "cases_open", (int)batch->cases_open, "caught",
        (int)batch->caught, "table_bad", (int)batch->table_bad, "undecided", (int)batch->undecided,
        "ended", assay_json_from_u64(batch->ended), "slashed", assay_json_from_u64(batch->slashed),
        "refunded", assay_json_from_u64(batch->refunded), "burned",
        assay_json_from_u64(batch->burned));
    json_object_update(object, rest);
    json_decref(rest);
    return object;
}

static json_t *line_json(const assay_payout_line *line) {
    static const char *const reasons[] = {"none", "fees", "check", "rerun", "catch", "data"};
    return json_pack("{s:o,s:i,s:s,s:o,s:o,s:o}", "account",
                     assay_json_from_address(&line->account), "role", (int)line->role, "reason",
                     reasons[line->reason <= ASSAY_PAID_FOR_DATA ? line->reason : 0], "id",
                     assay_json_from_hash(&line->id), "nopen", assay_json_from_u64(line->amount),
                     "height", assay_json_from_u64(line->height));
}

static assay_status lines_json(json_t *lines, const assay_hash *id, const assay_view *view,
                               assay_error *err) {
    for (uint32_t i = 0;; i++) {
        assay_payout_line line;
        bool found;
        ASSAY_TRY(assay_payout_line_get(&line, &found, &view->reader, id, i, err));
        if (!found) return ASSAY_OK;
        json_array_append_new(lines, line_json(&line));
    }
}

// A batch with its tables and, but for ?rows=1, everything paid because of it: as much again as
// the tables, and more, which nobody needs who checks the batch.
static assay_status batch_get(const assay_api_call *call, const assay_view *view,
                              assay_http_reply *reply, assay_error *err) {
    assay_hash id;
    assay_batch batch;
    assay_batch_tables tables;
    assay_arena arena;
    uint64_t rows;
    bool found;
    ASSAY_TRY(assay_api_hash(&id, call, 1, err));
    ASSAY_TRY(assay_api_query_number(&rows, call, "rows", 1, err));
    ASSAY_TRY(assay_batch_get(&batch, &found, &view->reader, &id, err));
    if (!found) return ASSAY_FAIL(err, NOT_FOUND, "no such batch");
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    json_t *lines = json_array();
    assay_status status = assay_batch_tables_get(&tables, &view->reader, &id, &arena, err);
    if (status == ASSAY_OK && !rows) status = lines_json(lines, &id, view, err);
    if (status == ASSAY_OK) {
        json_t *object = batch_json(&id, &batch);
        json_object_set_new(object, "tables", tables_json(&tables));
        if (!rows) json_object_set(object, "payouts", lines);
        assay_http_reply_json(reply, 200, object);
    }
    json_decref(lines);
    assay_arena_close(&arena);
    return status;
}

// /batches?height=H&index=I: those after this place, in order.
static assay_status batches_get(const assay_api_call *call, const assay_view *view,
                                assay_http_reply *reply, assay_error *err) {
    uint64_t height, place;
    ASSAY_TRY(assay_api_query_number(&height, call, "height", UINT64_MAX, err));
    ASSAY_TRY(assay_api_query_number(&place, call, "index", UINT32_MAX, err));
    json_t *list = json_array();
    uint32_t index = (uint32_t)place;
    for (int i = 0; i < ASSAY_API_PAGE_MAX; i++) {
        assay_hash id;
        assay_batch batch;
        bool found;
        assay_status status = assay_batch_next(&height, &index, &id, &found, &view->reader, err);
        if (status == ASSAY_OK && found)
            status = assay_batch_get(&batch, &found, &view->reader, &id, err);
        if (status != ASSAY_OK) {
            json_decref(list);
            return status;
        }
        if (!found) break;
        json_array_append_new(list, batch_json(&id, &batch));
    }
    assay_http_reply_json(reply, 200, json_pack("{s:o}", "batches", list));
    return ASSAY_OK;
}

static json_t *vote_json(const assay_vote *vote) {
    return json_pack("{s:o,s:o,s:b,s:b,s:b,s:i,s:o,s:o,s:o,s:o}", "validator",
                     assay_json_from_address(&vote->validator), "bond",
                     assay_json_from_u64(vote->bond), "committed", (int)vote->committed, "revealed",
                     (int)vote->revealed, "struck", (int)vote->struck, "verdict",
                     (int)vote->verdict, "probe", assay_json_from_hash(&vote->probe), "commitment",
                     assay_json_from_hash(&vote->commitment), "slashed",
                     assay_json_from_u64(vote->slashed), "paid", assay_json_from_u64(vote->paid));
}

static assay_status rounds_json(json_t *rounds, const assay_hash *batch, uint32_t sample,
                                uint8_t last, const assay_view *view, assay_error *err) {
    assay_vote *votes = calloc(ASSAY_VOTERS_MAX, sizeof *votes);
    assay_status status =
        votes ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for %d votes", ASSAY_VOTERS_MAX);
    for (uint32_t round = 0; status == ASSAY_OK && round <= last; round++) {
        uint32_t count;
        status = assay_case_votes(votes, &count, &view->reader, batch, sample, (uint8_t)round, err);
        if (status != ASSAY_OK) break;
        json_t *list = json_array();
        for (uint32_t i = 0; i < count; i++)
            json_array_append_new(list, vote_json(&votes[i]));
        json_array_append_new(rounds, list);
    }
    free(votes);
    return status;
}

static assay_status case_get(const assay_api_call *call, const assay_view *view,
                             assay_http_reply *reply, assay_error *err) {
    static const char *const states[] = {"none",   "voting",    "answering", "right",
                                         "guilty", "undecided", "waiting",   "withheld"};
    assay_hash batch;
    uint64_t sample;
    assay_case found_case;
    bool found;
    ASSAY_TRY(assay_api_hash(&batch, call, 1, err));
    ASSAY_TRY(assay_api_number(&sample, call, 2, UINT32_MAX, err));
    ASSAY_TRY(assay_case_get(&found_case, &found, &view->reader, &batch, (uint32_t)sample, err));
    if (!found) return ASSAY_FAIL(err, NOT_FOUND, "no such case");
    const assay_case *c = &found_case;
    json_t *rounds = json_array();
    assay_status status = rounds_json(rounds, &batch, (uint32_t)sample, c->round, view, err);
    if (status != ASSAY_OK) {
        json_decref(rounds);
        return status;
    }
    assay_http_reply_json(reply, 200,
                          json_pack("{s:o,s:o,s:s,s:i,s:i,s:o,s:o,s:o,s:o,s:i,s:o,s:o,s:o}",
                                    "batch", assay_json_from_hash(&batch), "sample",
                                    assay_json_from_u64(sample), "state", states[c->state], "round",
                                    (int)c->round, "escalations", (int)c->escalations, "position",
                                    assay_json_from_u64(c->position), "commit_end",
                                    assay_json_from_u64(c->commit_end), "reveal_end",
                                    assay_json_from_u64(c->reveal_end), "answer_end",
                                    assay_json_from_u64(c->answer_end), "verdict", (int)c->verdict,
                                    "probe", assay_json_from_hash(&c->probe), "ended",
                                    assay_json_from_u64(c->ended), "rounds", rounds));
    return ASSAY_OK;
}

static assay_status duties_get(const assay_api_call *call, const assay_view *view,
                               assay_http_reply *reply, assay_error *err) {
    assay_address account;
    uint32_t count;
    bool more;
    ASSAY_TRY(assay_api_address(&account, call, 1, err));
    assay_duty *duties = calloc(ASSAY_DUTIES_MAX, sizeof *duties);
    if (!duties) return ASSAY_FAIL(err, MEMORY, "no memory for %d duties", ASSAY_DUTIES_MAX);
    assay_status status = assay_duty_list(duties, &count, &more, ASSAY_DUTIES_MAX, &view->reader,
                                          view->height + 1, &account, err);
    if (status == ASSAY_OK) {
        json_t *list = json_array();
        for (uint32_t i = 0; i < count; i++)
            json_array_append_new(list, assay_duty_json(&duties[i]));
        assay_http_reply_json(reply, 200,
                              json_pack("{s:o,s:b,s:o}", "height",
                                        assay_json_from_u64(view->height), "more", (int)more,
                                        "duties", list));
    }
    free(duties);
    return status;
}

// /evidence/BATCH/SAMPLE/leaf|table: the posted bytes.
static assay_status evidence_get(const assay_api_call *call, const assay_view *view,
                                 assay_http_reply *reply, assay_error *err) {
    assay_hash batch;
    uint64_t sample;
    uint8_t *data;
    size_t size;
    bool leaf = strcmp(call->segments[3], "leaf") == 0;
    if (!leaf && strcmp(call->segments[3], "table") != 0) return ASSAY_NOT_FOUND;
    ASSAY_TRY(assay_api_hash(&batch, call, 1, err));
    ASSAY_TRY(assay_api_number(&sample, call, 2, UINT32_MAX, err));
    ASSAY_TRY(assay_evidence_get(&data, &size, &view->reader, &batch, (uint32_t)sample,
                                 leaf ? ASSAY_EVIDENCE_LEAF : ASSAY_EVIDENCE_TABLE, err));
    if (!data) return ASSAY_FAIL(err, NOT_FOUND, "nothing was posted for this case");
    assay_http_reply_bytes(reply, data, size);
    free(data);
    return ASSAY_OK;
}

// The payouts of an epoch after (payout->account, payout->role), a page of them.
static assay_status payouts_json(json_t *list, bool *more, assay_payout *payout, uint64_t epoch,
                                 const assay_view *view, assay_error *err) {
    for (uint32_t i = 0;; i++) {
        ASSAY_TRY(assay_payout_next(payout, more, &view->reader, epoch, err));
        if (!*more || i == ASSAY_API_PAGE_MAX) return ASSAY_OK;
        json_array_append_new(list, json_pack("{s:o,s:i,s:o}", "account",
                                              assay_json_from_address(&payout->account), "role",
                                              (int)payout->role, "nopen",
                                              assay_json_from_u64(payout->amount)));
    }
}

// /epoch/N?account=A&role=R: its payouts after that place, closed or as they stand.
static assay_status epoch_get(const assay_api_call *call, const assay_view *view,
                              assay_http_reply *reply, assay_error *err) {
    uint64_t number, role;
    assay_epoch epoch;
    assay_payout after = {{{0}}, 0, 0};
    bool closed, more;
    ASSAY_TRY(assay_api_number(&number, call, 1, UINT64_MAX, err));
    ASSAY_TRY(assay_api_query_address(&after.account, call, "account", err));
    ASSAY_TRY(assay_api_query_number(&role, call, "role", UINT8_MAX, err));
    after.role = (uint8_t)role;
    ASSAY_TRY(assay_epoch_get(&epoch, &closed, &view->reader, number, err));
    json_t *list = json_array();
    assay_status status = payouts_json(list, &more, &after, number, view, err);
    if (status != ASSAY_OK) {
        json_decref(list);
        return status;
    }
    json_t *object = json_pack("{s:o,s:b,s:o,s:b}", "epoch", assay_json_from_u64(number), "closed",
                               (int)closed, "payouts", list, "more", (int)more);
    if (closed) {
        json_object_set_new(object, "payout_root", assay_json_from_hash(&epoch.payout_root));
        json_object_set_new(object, "payout_count", assay_json_from_u64(epoch.payout_count));
        json_object_set_new(object, "payout_total", assay_json_from_u64(epoch.payout_total));
        json_object_set_new(object, "claims_root", assay_json_from_hash(&epoch.claims_root));
        json_object_set_new(object, "claims_count", assay_json_from_u64(epoch.claims_count));
        json_object_set_new(object, "claims_total", assay_json_from_u64(epoch.claims_total));
    }
    assay_http_reply_json(reply, 200, object);
    return ASSAY_OK;
}

// /claim/RECIPIENT: what a distributor contract needs to pay it.
static assay_status claim_get(const assay_api *api, const assay_api_call *call,
                              const assay_view *view, assay_http_reply *reply, assay_error *err) {
    assay_address recipient;
    assay_claim claim;
    assay_hash path[ASSAY_CLAIMS_PATH_MAX];
    uint32_t steps;
    assay_epoch epoch;
    ASSAY_TRY(assay_api_address(&recipient, call, 1, err));
    ASSAY_TRY(assay_epoch_claim_prove(&claim, path, &steps, &epoch, &view->reader, view->params,
                                      view->height, &recipient, err));
    json_t *proof = json_array();
    for (uint32_t i = 0; i < steps; i++)
        json_array_append_new(proof, assay_json_from_hash(&path[i]));
    assay_http_reply_json(
        reply, 200,
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "recipient", assay_json_from_address(&recipient),
                  "wei", assay_json_decimal((assay_u128)claim.amount * ASSAY_WEI_PER_NOPEN),
                  "proof", proof, "claims_root", assay_json_from_hash(&epoch.claims_root), "epoch",
                  assay_json_from_u64(epoch.epoch), "chain_id",
                  assay_json_from_u64(api->genesis->chain_id), "distributor",
                  assay_json_from_address(&api->genesis->distributor)));
    return ASSAY_OK;
}

static assay_status beacon_get(const assay_api_call *call, const assay_view *view,
                               assay_http_reply *reply, assay_error *err) {
    uint64_t height;
    assay_hash beacon;
    ASSAY_TRY(assay_api_number(&height, call, 1, UINT64_MAX, err));
    ASSAY_TRY(assay_beacon_at(&beacon, &view->reader, height, err));
    assay_http_reply_json(reply, 200,
                          json_pack("{s:o,s:o}", "height", assay_json_from_u64(height), "beacon",
                                    assay_json_from_hash(&beacon)));
    return ASSAY_OK;
}

assay_status assay_api_work(assay_api *api, const assay_api_call *call, const assay_view *view,
                            assay_http_reply *reply, assay_error *err) {
    if (assay_api_is(call, "batch", 2)) return batch_get(call, view, reply, err);
    if (assay_api_is(call, "batches", 1)) return batches_get(call, view, reply, err);
    if (assay_api_is(call, "case", 3)) return case_get(call, view, reply, err);
    if (assay_api_is(call, "duties", 2)) return duties_get(call, view, reply, err);
    if (assay_api_is(call, "evidence", 4)) return evidence_get(call, view, reply, err);
    if (assay_api_is(call, "epoch", 2)) return epoch_get(call, view, reply, err);
    if (assay_api_is(call, "claim", 2)) return claim_get(api, call, view, reply, err);
    if (assay_api_is(call, "beacon", 2)) return beacon_get(call, view, reply, err);
    return ASSAY_NOT_FOUND;
}
