// SPDX-License-Identifier: Apache-2.0
#include "node/verifier/check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/sha256.h"
#include "consensus/clock.h"
#include "ledger/draw.h"
#include "node/workshop/batch_table.h"

enum { URL_MAX = ASSAY_URI_SIZE_MAX + 32, POSTED_MS = 30000 };

// A check in progress. Everything it points to is in the arena.
typedef struct {
    const assay_checker *checker;
    const assay_check_task *task;
    assay_arena *arena;
    assay_check_result *result;
    assay_batch batch;
    assay_batch_tables tables;
    assay_receipt *receipts;    // [receipt_count]
    assay_sumtree_node *leaves; // of the receipts, where the table was made again
    uint32_t receipt_count;
    assay_sumtree_node root; // over them
    assay_session session;
    assay_lineage lineage;
    const assay_adapter *adapter;
    assay_hash digest; // of the request
} check;

const char *assay_verdict_name(uint8_t verdict) {
    switch (verdict) {
    case ASSAY_VERDICT_MATCH:
        return "match";
    case ASSAY_VERDICT_REQUEST:
        return "request invalid";
    case ASSAY_VERDICT_FEE:
        return "count or fee";
    case ASSAY_VERDICT_OUTPUT:
        return "output tokens";
    case ASSAY_VERDICT_STOP:
        return "stop reason";
    case ASSAY_VERDICT_TRACE:
        return "trace";
    case ASSAY_VERDICT_ATTRIBUTION:
        return "attribution";
    case ASSAY_VERDICT_UNAVAILABLE:
        return "unavailable";
    case ASSAY_VERDICT_TABLE:
        return "table wrong";
    case ASSAY_VERDICT_TABLE_UNAVAILABLE:
        return "table unavailable";
    case ASSAY_VERDICT_DATA_MISSING:
        return "data missing";
    default:
        return "unknown verdict";
    }
}

// Ends the check with a verdict and why. Always OK: a verdict is no error of ours.
static assay_status conclude(check *c, uint8_t verdict, const char *reason) {
    c->result->verdict = verdict;
    snprintf(c->result->reason, sizeof c->result->reason, "%s", reason);
    return ASSAY_OK;
}

// The same with a failure's sentence, unless what failed is this machine.
static assay_status conclude_by(check *c, uint8_t verdict, const assay_error *why,
                                assay_error *err) {
    if (why->status == ASSAY_MEMORY) return assay_error_pass(err, why);
    return conclude(c, verdict, why->text);
}

static bool concluded(const check *c) {
    return c->result->verdict != ASSAY_VERDICT_MATCH;
}

// What the ledger holds of the provider's answer. That our node has it is certain, so that a
// failure is ours and no verdict.
static assay_status posted_fetch(const check *c, assay_fetched *out, const char *kind,
                                 assay_error *err) {
    char url[ASSAY_CLIENT_URL_MAX + URL_MAX + ASSAY_HEX_HASH_MAX], id[ASSAY_HEX_HASH_MAX];
    const assay_fetch_limits limits = {.size_max = ASSAY_TABLE_BYTES_MAX,
                                       .timeout_ms = POSTED_MS,
                                       .allow_private = true,
                                       .stop = c->task->over};
    assay_hex_encode_0x(id, c->task->batch.bytes, ASSAY_HASH_SIZE);
    snprintf(url, sizeof url, "%s/v1/evidence/%s/%u/%s", c->checker->client->url, id,
             c->task->sample, kind);
    ASSAY_TRY(assay_fetch(out, url, NULL, &limits, err));
    if (out->code == 200) return ASSAY_OK;
    free(out->body);
    return ASSAY_FAIL(err, NETWORK, "the node answers %u instead of posted evidence", out->code);
}

// Does a failed fetch tell of the moment, and not of the files? A connection, a name that is not
// found, a wait, a server that is busy or broken; not what is refused, redirected or too large.
static bool may_pass(assay_status status, unsigned code) {
    if (status == ASSAY_OK) return code == 408 || code == 429 || code >= 500;
    return status == ASSAY_NETWORK || status == ASSAY_TIMEOUT || status == ASSAY_IO;
}

// <uri>/<name>. Errors: why it cannot be had.
static assay_status served_fetch(check *c, assay_fetched *out, const char *name, size_t size_max,
                                 assay_error *why) {
    static const char *const options[] = {
        [ASSAY_LEAVE_PRIVATE] = "--allow-private", [ASSAY_LEAVE_FILE] = "--allow-file"};
    char url[URL_MAX];
    assay_fetch_limits limits = c->checker->limits;
    limits.size_max = size_max;
    limits.stop = c->task->stop;
    if (c->task->fetch_ms && c->task->fetch_ms < limits.timeout_ms)
        limits.timeout_ms = c->task->fetch_ms;
    snprintf(url, sizeof url, "%.*s/%s", (int)c->batch.uri_size, (const char *)c->batch.uri, name);
    assay_meter *meter = &c->checker->shop->meter;
    assay_status status = assay_fetch(out, url, NULL, &limits, why);
    atomic_fetch_add(&meter->fetches, 1);
    if (status == ASSAY_OK && out->code == 200) return ASSAY_OK;
    atomic_fetch_add(&meter->fetch_failures, 1);
    c->result->late = status == ASSAY_TIMEOUT || status == ASSAY_STOPPED;
    c->result->passing = may_pass(status, out->code);
    c->result->lacks = options[out->lacks];
    free(out->body);
    if (status != ASSAY_OK) return status;
    return ASSAY_FAIL(why, NETWORK, "%.120s answers %u", url, out->code);
}

// Takes evidence over into the check, if it is what the batch's root commits to.
typedef assay_status evidence_read(check *c, const uint8_t *data, size_t size, assay_error *why);

// evidence/<root>/<name> of the first folder that has it as it should be (F-52). bad: why the last
// that has it otherwise has not.
static bool folders_read(check *c, const char *name, size_t size_max, evidence_read *read,
                         assay_error *bad) {
    const assay_option_texts *folders = c->checker->folders;
    char path[PATH_MAX];
    for (uint32_t i = 0; folders && i < folders->count; i++) {
        uint8_t *data;
        size_t size;
        if (assay_evidence_path(path, folders->items[i], &c->batch.root, name, NULL) != ASSAY_OK ||
            assay_file_read(path, size_max, &data, &size, NULL) != ASSAY_OK)
            continue;
        *bad = (assay_error){0};
        assay_arena_mark mark = assay_arena_mark_take(c->arena);
        assay_status status = read(c, data, size, bad);
        free(data);
        if (status == ASSAY_OK) return true;
        assay_arena_rewind(c->arena, mark);
    }
    return false;
}

// From a folder, else from the batch's URL. Errors: why it is not to be had as it should be.
static assay_status evidence_find(check *c, const char *name, size_t size_max, evidence_read *read,
                                  assay_error *why) {
    assay_fetched fetched;
    assay_error bad = {0}, away = {0};
    if (folders_read(c, name, size_max, read, &bad)) return ASSAY_OK;
    if (served_fetch(c, &fetched, name, size_max, &away) != ASSAY_OK)
        return assay_error_pass(why, bad.status == ASSAY_OK ? &away : &bad);
    assay_status status = read(c, fetched.body, fetched.body_size, why);
    free(fetched.body);
    return status;
}

// Are these the receipts that the batch's root commits to? Only then can they speak against its
// provider: whoever sits between the two could have changed the bytes (F-47).
static assay_status table_read(check *c, const uint8_t *data, size_t size, assay_error *why) {
    ASSAY_TRY(assay_receipts_read(&c->receipts, &c->receipt_count, data, size,
                                  ASSAY_BATCH_RECEIPTS_MAX, c->arena, why));
    ASSAY_TRY(assay_receipt_leaves(&c->leaves, c->receipts, c->receipt_count, c->arena, why));
    ASSAY_TRY(assay_sumtree_root(&c->root, c->leaves, c->receipt_count, why));
    if (!assay_hash_equal(&c->root.hash, &c->batch.root))
        return ASSAY_FAIL(why, MISMATCH, "the receipts served are not those of the batch's root");
    return ASSAY_OK;
}

// Sums, sizes and rows of the receipts against what the batch states.
static assay_status table_compare(check *c, assay_error *why) {
    assay_batch_tables tables;
    uint64_t bytes = 0;
    uint8_t encoded[ASSAY_RECEIPT_SIZE_MAX];
    if (c->receipt_count != c->batch.count)
        return ASSAY_FAIL(why, MISMATCH, "%u receipts, batch states %u", c->receipt_count,
                          c->batch.count);
    for (uint32_t i = 0; i < c->receipt_count; i++)
        bytes += assay_receipt_encode(&c->receipts[i], encoded);
    if (bytes != c->batch.receipt_bytes)
        return ASSAY_FAIL(why, MISMATCH, "receipts of %llu bytes, batch states %u", (ull)bytes,
                          c->batch.receipt_bytes);
    if (c->root.sum != c->batch.fee_total)
        return ASSAY_FAIL(why, MISMATCH, "receipts of %llu nopen, batch states %llu",
                          (ull)c->root.sum, (ull)c->batch.fee_total);
    ASSAY_TRY(assay_table_make(&tables, c->receipts, c->receipt_count, c->arena, why));
    if (!assay_table_equal(&tables, &c->tables))
        return ASSAY_FAIL(why, MISMATCH, "receipts add up to another table than the batch's");
    return ASSAY_OK;
}

// Evidence that the ledger has found good, against the root: this can fail on our side only.
static assay_status table_posted_read(check *c, assay_error *err) {
    assay_fetched fetched;
    ASSAY_TRY(posted_fetch(c, &fetched, "table", err));
    assay_status status = table_read(c, fetched.body, fetched.body_size, err);
    free(fetched.body);
    return status;
}

static assay_status table_check(check *c, assay_error *err) {
    assay_error why = {0};
    if (c->task->table_posted) {
        ASSAY_TRY(table_posted_read(c, err));
    } else if (evidence_find(c, "receipts",
                             assay_receipts_file_size(c->batch.receipt_bytes, c->batch.count),
                             table_read, &why) != ASSAY_OK) {
        return conclude_by(c, ASSAY_VERDICT_TABLE_UNAVAILABLE, &why, err);
    }
    if (table_compare(c, &why) != ASSAY_OK) return conclude_by(c, ASSAY_VERDICT_TABLE, &why, err);
    return ASSAY_OK;
}

// As table_posted_read.
static assay_status leaf_posted_read(check *c, assay_error *err) {
    assay_fetched fetched;
    assay_receipt receipt;
    uint32_t index;
    assay_check_result *result = c->result;
    ASSAY_TRY(posted_fetch(c, &fetched, "leaf", err));
    assay_status status = assay_posting_read(&receipt, &index, &result->ids, fetched.body,
                                             fetched.body_size, c->arena, err);
    free(fetched.body);
    ASSAY_TRY(status);
    if (index != result->index)
        return ASSAY_FAIL(err, MISMATCH, "the node gives evidence of receipt %u, not %u", index,
                          result->index);
    return assay_leaf_match(&result->receipt, &result->ids, err);
}

static assay_status leaf_read(check *c, const uint8_t *data, size_t size, assay_error *why) {
    assay_check_result *result = c->result;
    ASSAY_TRY(assay_leaf_read(&result->ids, data, size, c->arena, why));
    return assay_leaf_match(&result->receipt, &result->ids, why);
}

static assay_status leaf_fetch(check *c, assay_error *err) {
    assay_error why = {0};
    char name[32];
    assay_check_result *result = c->result;
    result->receipt = c->receipts[result->index];
    result->has_receipt = true;
    if (c->task->leaf_posted) return leaf_posted_read(c, err);
    snprintf(name, sizeof name, "leaf/%u", result->index);
    size_t size =
        assay_leaf_file_size(result->receipt.request.prompt_count, result->receipt.output_count);
    if (size > ASSAY_LEAF_BYTES_MAX)
        ASSAY_FAIL(&why, CAPACITY, "a leaf of %zu bytes, limit %d", size, ASSAY_LEAF_BYTES_MAX);
    if (why.status || evidence_find(c, name, size, leaf_read, &why) != ASSAY_OK)
        return conclude_by(c, ASSAY_VERDICT_UNAVAILABLE, &why, err);
    return ASSAY_OK;
}

// Is this request one that the consumer signed and this provider may be paid for? why: if not.
static assay_status request_check(check *c, assay_error *why) {
    const assay_request *request = &c->result->receipt.request;
    const assay_model *model = &c->checker->shop->model;
    assay_generate_request run;
    ASSAY_TRY(assay_request_check(request, c->checker->params->request_tokens_max, why));
    ASSAY_TRY(assay_session_signer_check(&c->session, request, &c->checker->client->domain, why));
    if (!assay_address_equal(&request->provider, &c->batch.provider) ||
        !assay_address_equal(&c->session.provider, &c->batch.provider))
        return ASSAY_FAIL(why, MISMATCH, "request is for another provider");
    ASSAY_TRY(assay_request_fee_check(request, c->session.price_in, c->session.price_out, why));
    assay_request_digest(&c->digest, request, &c->checker->client->domain);
    assay_workshop_request(&run, request, &c->digest, c->result->ids.prompt, c->adapter);
    return assay_generate_check(model, &run, why);
}

// What is needed to judge: session, lineage, model and adapter. Errors are ours.
static assay_status context_fetch(check *c, assay_error *err) {
    const assay_request *request = &c->result->receipt.request;
    const assay_workshop *shop = c->checker->shop;
    ASSAY_TRY(assay_session_fetch(&c->session, c->checker->client, &request->session, err));
    ASSAY_TRY(assay_lineage_fetch(&c->lineage, c->checker->client, &request->adapter, err));
    if (!assay_hash_equal(&request->model, &shop->model.root))
        return ASSAY_FAIL(err, MISSING, "the batch's model is not the one loaded here");
    if (assay_hash_is_zero(&request->adapter)) return ASSAY_OK;
    c->adapter = assay_workshop_adapter(shop, &request->adapter);
    if (!c->adapter) return ASSAY_FAIL(err, MISSING, "the batch's adapter is not loaded here");
    return ASSAY_OK;
}

uint32_t assay_check_claim_cut(const assay_check_result *result) {
    uint32_t most = result->receipt.request.max_tokens;
    return result->ids.output_count < most ? result->ids.output_count : most;
}

static void probe_hash(check *c, const assay_probe *probe, uint32_t width) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, c->batch.provider.bytes, ASSAY_ADDRESS_SIZE);
    if (probe->faulted) {
        assay_sha256_update(&sha, "fault", 5);
    } else {
        for (uint32_t i = 0; i < width; i++) {
            uint8_t little[4];
            uint32_t bits;
            memcpy(&bits, &probe->residual[i], sizeof bits);
            assay_store_le32(little, bits);
            assay_sha256_update(&sha, little, sizeof little);
        }
    }
    assay_sha256_final(&sha, &c->result->probe);
}

// The rerun: one teacher-forced pass. Fills the probe where there is a beacon to draw it from.
static assay_status output_check(check *c, assay_difference *difference, assay_error *err) {
    assay_workshop *shop = c->checker->shop;
    const assay_check_result *result = c->result;
    const assay_request *request = &result->receipt.request;
    assay_generate_request run;
    assay_output_claim claim = {result->ids.output, result->ids.output_count,
                                (assay_stop)result->receipt.stop, result->receipt.trace};
    assay_probe probe = {0};
    const assay_checkup checkup = {&run, &claim, &probe, c->task->over};
    void *room;
    assay_workshop_request(&run, request, &c->digest, result->ids.prompt, c->adapter);
    uint32_t width = shop->model.shape.width;
    ASSAY_TRY(assay_arena_get(c->arena, width, sizeof(float), "probe", &room, err));
    probe.residual = room;
    assay_draw_probe(&probe.layer, &probe.position, &c->batch.beacon, &c->task->batch,
                     c->task->sample, shop->model.shape.layer_count, request->prompt_count,
                     assay_check_claim_cut(result));
    uint64_t begun = assay_clock_ns();
    ASSAY_TRY(assay_batcher_verify(&shop->batcher, &checkup, difference, err));
    assay_timing_add(&shop->meter.reruns, assay_clock_ns() - begun);
    probe_hash(c, &probe, width);
    return ASSAY_OK;
}

bool assay_check_rows_equal(const assay_receipt *a, const assay_receipt *b) {
    if (a->attribution_count != b->attribution_count) return false;
    for (uint32_t i = 0; i < a->attribution_count; i++)
        if (!assay_hash_equal(&a->attribution[i].dataset, &b->attribution[i].dataset) ||
            a->attribution[i].ppm != b->attribution[i].ppm)
            return false;
    return true;
}

static assay_status difference_tell(check *c, const assay_difference *d) {
    const assay_leaf_ids *ids = &c->result->ids;
    char text[ASSAY_ERROR_TEXT_MAX];
    switch (d->finding) {
    case ASSAY_FINDING_TOKENS:
        snprintf(text, sizeof text, "output token %u is %u, the rerun gives %u", d->place,
                 ids->output[d->place], d->id);
        break;
    case ASSAY_FINDING_COUNT:
        if (d->place < ids->output_count)
            snprintf(text, sizeof text, "%u output tokens, the rerun ends after %u",
                     ids->output_count, d->place);
        else
            snprintf(text, sizeof text, "the output ends after %u tokens, the rerun goes on",
                     d->place);
        break;
    default:
        snprintf(text, sizeof text, "all %u output tokens are right", d->place);
    }
    return conclude(c, (uint8_t)d->finding, text);
}

// What of the shares needs no data: they are of sources alone, and of each at least half of its
// lineage weight.
static assay_status shares_check(const check *c, assay_error *why) {
    const assay_receipt *receipt = &c->result->receipt;
    uint32_t known = 0;
    for (uint32_t i = 0; i < c->lineage.count; i++) {
        const assay_lineage_source *source = &c->lineage.sources[i];
        uint32_t ppm = 0;
        for (uint32_t j = 0; j < receipt->attribution_count; j++) {
            if (!assay_hash_equal(&receipt->attribution[j].dataset, &source->dataset)) continue;
            ppm = receipt->attribution[j].ppm;
            known++;
        }
        if (ppm < source->weight_ppm / 2)
            return ASSAY_FAIL(why, MISMATCH, "a source has %u ppm, its lineage alone gives %u", ppm,
                              source->weight_ppm / 2);
    }
    if (known != receipt->attribution_count)
        return ASSAY_FAIL(why, MISMATCH, "%u rows of shares, %u are of the adapter's sources",
                          receipt->attribution_count, known);
    return ASSAY_OK;
}

// Verdicts 35 and 6. Nothing else of a receipt needs the data, so that a missing set hides nothing.
static assay_status attribution_check(check *c, assay_error *err) {
    assay_error why = {0};
    assay_check_result *result = c->result;
    assay_receipt own;
    assay_hash missing;
    if (shares_check(c, &why) != ASSAY_OK) return conclude(c, ASSAY_VERDICT_ATTRIBUTION, why.text);
    assay_status attributed = assay_workshop_attribute(
        c->checker->shop, &c->lineage, (uint32_t)c->checker->params->span_tokens_min,
        result->ids.prompt, result->ids.prompt_count, result->ids.output,
        assay_check_claim_cut(result), &own, &missing, &why);
    if (attributed == ASSAY_MISSING || attributed == ASSAY_FORMAT) {
        result->probe = missing;
        return conclude(c, ASSAY_VERDICT_DATA_MISSING, why.text);
    }
    if (attributed != ASSAY_OK) return assay_error_pass(err, &why);
    if (!assay_check_rows_equal(&own, &result->receipt))
        return conclude(c, ASSAY_VERDICT_ATTRIBUTION, "the data follow other shares");
    return ASSAY_OK;
}

// Verdicts 1 to 5, 35, 6 in this order: the first that fails counts (P-10).
static assay_status leaf_judge(check *c, assay_error *err) {
    assay_error why = {0};
    assay_difference difference;
    ASSAY_TRY(context_fetch(c, err));
    if (request_check(c, &why) != ASSAY_OK) return conclude_by(c, ASSAY_VERDICT_REQUEST, &why, err);
    ASSAY_TRY(output_check(c, &difference, err));
    if (assay_receipt_fee_check(&c->result->receipt, c->session.price_in, c->session.price_out,
                                &why) != ASSAY_OK)
        return conclude(c, ASSAY_VERDICT_FEE, why.text);
    if (difference.finding != ASSAY_FINDING_MATCH) return difference_tell(c, &difference);
    return attribution_check(c, err);
}

static assay_status batch_begin(check *c, assay_error *err) {
    memset(c->result, 0, sizeof *c->result);
    return assay_batch_fetch(&c->batch, &c->tables, c->checker->client, &c->task->batch, c->arena,
                             err);
}

assay_status assay_check_run(assay_check_result *result, const assay_checker *checker,
                             const assay_check_task *task, assay_arena *arena, assay_error *err) {
    check c = {.checker = checker, .task = task, .arena = arena, .result = result};
    ASSAY_TRY(batch_begin(&c, err));
    ASSAY_TRY(table_check(&c, err));
    if (concluded(&c)) return ASSAY_OK;
    result->index = assay_sumtree_find(c.leaves, c.receipt_count, task->position);
    ASSAY_TRY(leaf_fetch(&c, err));
    return concluded(&c) ? ASSAY_OK : leaf_judge(&c, err);
}

assay_status assay_check_batch_open(assay_check_batch *out, const assay_checker *checker,
                                    const assay_hash *batch, assay_arena *arena, assay_error *err) {
    assay_check_result result;
    const assay_check_task task = {.batch = *batch};
    check c = {.checker = checker, .task = &task, .arena = arena, .result = &result};
    ASSAY_TRY(batch_begin(&c, err));
    ASSAY_TRY(table_check(&c, err));
    *out = (assay_check_batch){.checker = checker,
                               .id = *batch,
                               .batch = c.batch,
                               .receipts = c.receipts,
                               .receipt_count = c.receipts ? c.receipt_count : 0,
                               .verdict = result.verdict,
                               .lacks = result.lacks};
    memcpy(out->reason, result.reason, sizeof out->reason);
    return ASSAY_OK;
}

static assay_status batch_leaf_fetch(check *c, const assay_check_batch *batch, uint32_t index,
                                     assay_error *err) {
    memset(c->result, 0, sizeof *c->result);
    if (index >= c->batch.count)
        return ASSAY_FAIL(err, RANGE, "receipt %u of a batch of %u", index, c->batch.count);
    c->result->index = index;
    c->result->lacks = batch->lacks;
    if (batch->verdict != ASSAY_VERDICT_MATCH) return conclude(c, batch->verdict, batch->reason);
    return leaf_fetch(c, err);
}

static check batch_check(const assay_check_batch *batch, const assay_check_task *task,
                         assay_check_result *result, assay_arena *arena) {
    return (check){.checker = batch->checker,
                   .task = task,
                   .arena = arena,
                   .result = result,
                   .batch = batch->batch,
                   .receipts = batch->receipts,
                   .receipt_count = batch->receipt_count};
}

assay_status assay_check_batch_leaf(assay_check_result *result, const assay_check_batch *batch,
                                    uint32_t index, assay_arena *arena, assay_error *err) {
    const assay_check_task task = {.batch = batch->id};
    check c = batch_check(batch, &task, result, arena);
    ASSAY_TRY(batch_leaf_fetch(&c, batch, index, err));
    if (!concluded(&c)) ASSAY_TRY(leaf_judge(&c, err));
    // No beacon drew this leaf: a probe of it means nothing.
    memset(&result->probe, 0, sizeof result->probe);
    return ASSAY_OK;
}

assay_status assay_check_evidence(assay_check_result *result, const assay_checker *checker,
                                  const assay_hash *batch, uint32_t index, assay_arena *arena,
                                  assay_error *err) {
    const assay_check_task task = {.batch = *batch};
    assay_check_batch opened;
    ASSAY_TRY(assay_check_batch_open(&opened, checker, batch, arena, err));
    check c = batch_check(&opened, &task, result, arena);
    return batch_leaf_fetch(&c, &opened, index, err);
}

assay_status assay_check_leaf(assay_check_result *result, const assay_checker *checker,
                              const assay_hash *batch, uint32_t index, assay_arena *arena,
                              assay_error *err) {
    assay_check_batch opened;
    ASSAY_TRY(assay_check_batch_open(&opened, checker, batch, arena, err));
    return assay_check_batch_leaf(result, &opened, index, arena, err);
}
