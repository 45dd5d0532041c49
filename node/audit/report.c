// SPDX-License-Identifier: Apache-2.0
#include "node/audit/report.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "ledger/payout.h"
#include "ledger/scan.h"
#include "ledger/view.h"
#include "node/api/api.h"

enum { EPOCHS_PRINTED = 8, FINDINGS_PRINTED = 8 };

bool assay_audit_agrees(const assay_audit_report *report) {
    return !*report->problem && !report->rerun->mismatches && !report->rerun->unavailable;
}

// How many epochs the replayed chain has closed.
static uint64_t epochs_closed(const assay_audit_report *report) {
    return report->audit->tip.height / report->audit->home.genesis.params.epoch_blocks;
}

static assay_status epoch_read(assay_epoch *out, const assay_view *view, uint64_t number,
                               assay_error *err) {
    bool closed;
    ASSAY_TRY(assay_epoch_get(out, &closed, &view->reader, number, err));
    if (!closed)
        return ASSAY_FAIL(err, CORRUPT, "epoch %llu has ended and is not closed", (ull)number);
    return ASSAY_OK;
}

static assay_status roots_json(json_t *roots, const assay_audit_report *report,
                               const assay_view *view, assay_error *err) {
    for (uint64_t i = 0; i < epochs_closed(report); i++) {
        assay_epoch epoch;
        ASSAY_TRY(epoch_read(&epoch, view, i, err));
        json_array_append_new(roots, json_pack("{s:o,s:o}", "epoch", assay_json_from_u64(i), "root",
                                               assay_json_from_hash(&epoch.payout_root)));
    }
    return ASSAY_OK;
}

static json_t *findings_json(const assay_rerun_result *rerun) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < rerun->finding_count; i++) {
        const assay_rerun_finding *finding = &rerun->findings[i];
        json_array_append_new(list, json_pack("{s:o,s:i,s:b,s:i,s:s,s:s}", "batch",
                                              assay_json_from_hash(&finding->batch), "leaf",
                                              (int)finding->index, "void", (int)finding->is_void,
                                              "verdict", (int)finding->verdict, "verdict_name",
                                              assay_verdict_name(finding->verdict), "reason",
                                              finding->reason));
    }
    return list;
}

static json_t *rerun_json(const assay_audit_report *report) {
    const assay_rerun_result *rerun = report->rerun;
    json_t *document = json_pack(
        "{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rerun",
        assay_rerun_names[report->options->mode], "batches", assay_json_from_u64(rerun->batches),
        "receipts", assay_json_from_u64(rerun->receipts), "receipts_rerun",
        assay_json_from_u64(rerun->rerun), "mismatches", assay_json_from_u64(rerun->mismatches),
        "unavailable", assay_json_from_u64(rerun->unavailable), "voided_batches",
        assay_json_from_u64(rerun->voided_batches), "voided", assay_json_from_u64(rerun->voided),
        "voided_rerun", assay_json_from_u64(rerun->voided_rerun), "findings", findings_json(rerun));
    if (report->options->mode == ASSAY_RERUN_SAMPLED) {
        json_object_set_new(document, "samples", assay_json_from_u64(report->options->samples));
        json_object_set_new(document, "seed", assay_json_from_u64(report->seed));
    }
    return document;
}

// What the replay alone gives, as far as it went.
static json_t *replay_json(const assay_audit_report *report) {
    const assay_audit *audit = report->audit;
    const assay_store_tip *tip = assay_store_last(assay_app_store(audit->app));
    json_t *home = json_null();
    if (audit->recorded.committed)
        home = json_pack("{s:o,s:o}", "height", assay_json_from_u64(audit->recorded.height),
                         "state_root", assay_json_from_hash(&audit->recorded.state_root));
    return json_pack(
        "{s:b,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "agrees", (int)assay_audit_agrees(report), "problem",
        report->problem, "genesis", assay_json_from_hash(&audit->home.genesis.hash), "blocks",
        assay_json_from_u64(audit->tip.height), "height", assay_json_from_u64(audit->tip.height),
        "state_root", assay_json_from_hash(&tip->state_root), "app_hash",
        assay_json_from_hash(&tip->app_hash), "home", home);
}

assay_status assay_audit_json(json_t **out, const assay_audit_report *report, assay_error *err) {
    assay_view view;
    *out = replay_json(report);
    if (*report->problem) return ASSAY_OK;
    json_t *roots = json_array(), *rerun = rerun_json(report);
    json_object_set_new(*out, "payout_roots", roots);
    json_object_set_new(
        *out, "supply",
        assay_api_supply(&report->audit->totals, report->audit->home.genesis.supply));
    json_object_update(*out, rerun);
    json_decref(rerun);
    assay_status status = assay_view_open(&view, report->audit->app, err);
    if (status == ASSAY_OK) {
        status = roots_json(roots, report, &view, err);
        assay_view_close(&view);
    }
    if (status == ASSAY_OK) return ASSAY_OK;
    json_decref(*out);
    *out = NULL;
    return status;
}

static void hash_print(const char *name, const assay_hash *hash, const char *rest) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(text, hash->bytes, ASSAY_HASH_SIZE);
    printf("%-12s %s%s\n", name, text, rest);
}

static assay_status epochs_print(const assay_audit_report *report, assay_error *err) {
    assay_view view;
    uint64_t closed = epochs_closed(report);
    uint64_t first = closed > EPOCHS_PRINTED ? closed - EPOCHS_PRINTED : 0;
    ASSAY_TRY(assay_view_open(&view, report->audit->app, err));
    assay_status status = ASSAY_OK;
    if (first) printf("%-12s %llu earlier epochs, with --json\n", "payout root", (ull)first);
    for (uint64_t i = first; status == ASSAY_OK && i < closed; i++) {
        assay_epoch epoch;
        char rest[96];
        status = epoch_read(&epoch, &view, i, err);
        if (status != ASSAY_OK) break;
        snprintf(rest, sizeof rest, "  epoch %llu, %llu payouts of %llu nopen", (ull)i,
                 (ull)epoch.payout_count, (ull)epoch.payout_total);
        hash_print("payout root", &epoch.payout_root, rest);
    }
    assay_view_close(&view);
    return status;
}

static void replay_print(const assay_audit_report *report) {
    const assay_audit *audit = report->audit;
    const assay_store_tip *tip = assay_store_last(assay_app_store(audit->app));
    double seconds = (double)report->replay_ms / 1000;
    char rest[64] = "";
    printf("%-12s %llu blocks in %.1f s, %.0f a second\n", "replayed", (ull)audit->tip.height,
           seconds, seconds > 0 ? (double)audit->tip.height / seconds : 0.0);
    if (audit->recorded.committed && audit->recorded.height <= audit->tip.height)
        snprintf(rest, sizeof rest, "  the home's at height %llu agrees",
                 (ull)audit->recorded.height);
    hash_print("state root", &tip->state_root, *report->problem ? "" : rest);
    hash_print("app hash", &tip->app_hash, "");
}

static void supply_print(const assay_audit_report *report) {
    const uint64_t *nopen = report->audit->totals.nopen;
    printf("%-12s genesis %llu = balances %llu + deposits %llu + bonds %llu + claims %llu + "
           "burned %llu\n",
           "supply", (ull)report->audit->home.genesis.supply,
           (ull)(nopen[ASSAY_MONEY_BALANCES] + nopen[ASSAY_MONEY_POOLS]),
           (ull)nopen[ASSAY_MONEY_DEPOSITS], (ull)nopen[ASSAY_MONEY_BONDS],
           (ull)nopen[ASSAY_MONEY_CLAIMS], (ull)nopen[ASSAY_MONEY_BURNED]);
}

static void rerun_print(const assay_audit_report *report) {
    const assay_rerun_result *rerun = report->rerun;
    printf("%-12s %llu settled, %llu rerun, %llu unavailable, %llu mismatches\n", "receipts",
           (ull)rerun->receipts, (ull)rerun->rerun, (ull)rerun->unavailable,
           (ull)rerun->mismatches);
    printf("%-12s %llu receipts in %llu batches, %llu found guilty and rerun\n", "voided",
           (ull)rerun->voided, (ull)rerun->voided_batches, (ull)rerun->voided_rerun);
    if (report->options->mode == ASSAY_RERUN_SAMPLED)
        printf("%-12s those of the chain and %llu of --seed %llu\n", "samples",
               (ull)report->options->samples, (ull)report->seed);
    for (uint32_t i = 0; i < rerun->finding_count; i++) {
        const assay_rerun_finding *finding = &rerun->findings[i];
        char rest[32];
        if (i == FINDINGS_PRINTED) {
            printf("%-12s more of them with --json\n", "");
            break;
        }
        snprintf(rest, sizeof rest, "  receipt %u", finding->index);
        hash_print(finding->is_void ? "void batch" : "batch", &finding->batch, rest);
        printf("%-12s rerun gives: %s%s%s\n", "", assay_verdict_name(finding->verdict),
               *finding->reason ? ", " : "", finding->reason);
    }
}

assay_status assay_audit_print(const assay_audit_report *report, assay_error *err) {
    replay_print(report);
    if (*report->problem) {
        printf("does not agree: %s\n", report->problem);
        return ASSAY_OK;
    }
    ASSAY_TRY(epochs_print(report, err));
    supply_print(report);
    rerun_print(report);
    printf(assay_audit_agrees(report) ? "everything agrees\n" : "does not agree\n");
    return ASSAY_OK;
}
