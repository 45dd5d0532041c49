// SPDX-License-Identifier: Apache-2.0
// Tree paths travel as hex of their canonical bytes: they are for machines. What a person asks
// about, the payouts and the epoch, is spelt out; header, commit and validators are CometBFT's
// JSON.
#include <stdlib.h>

#include "base/json.h"
#include "consensus/proof.h"

static json_t *payout_json(const assay_payout_proof *proof) {
    json_t *path = json_array();
    for (uint32_t i = 0; i < proof->path_count; i++)
        json_array_append_new(path, assay_json_from_hash(&proof->path[i]));
    return json_pack("{s:o,s:i,s:o,s:o,s:o,s:o}", "account",
                     assay_json_from_address(&proof->payout.account), "role", proof->payout.role,
                     "nopen", assay_json_from_u64(proof->payout.amount), "index",
                     assay_json_from_u64(proof->index), "count", assay_json_from_u64(proof->count),
                     "path", path);
}

static json_t *epoch_json(const assay_epoch *epoch) {
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "epoch", assay_json_from_u64(epoch->epoch),
                     "payout_root", assay_json_from_hash(&epoch->payout_root), "payout_count",
                     assay_json_from_u64(epoch->payout_count), "payout_total",
                     assay_json_from_u64(epoch->payout_total), "claims_root",
                     assay_json_from_hash(&epoch->claims_root), "claims_count",
                     assay_json_from_u64(epoch->claims_count), "claims_total",
                     assay_json_from_u64(epoch->claims_total));
}

json_t *assay_proof_json(const assay_proof *proof, const assay_genesis *genesis) {
    uint8_t record[ASSAY_SMT_PROOF_MAX];
    assay_writer record_writer;
    assay_writer_init(&record_writer, record, sizeof record);
    assay_smt_proof_write(&record_writer, &proof->record);
    ASSAY_ASSERT(!record_writer.failed);
    json_t *payouts = json_array();
    for (uint32_t i = 0; i < proof->payout_count; i++)
        json_array_append_new(payouts, payout_json(&proof->payouts[i]));
    return json_pack("{s:i,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:O}", "version", ASSAY_PROOF_VERSION,
                     "kind", "payout", "genesis", assay_json_from_hash(&genesis->hash), "payouts",
                     payouts, "epoch", epoch_json(&proof->epoch), "record",
                     assay_json_from_hex(record, record_writer.size), "state_root",
                     assay_json_from_hash(&proof->state_root), "history_root",
                     assay_json_from_hash(&proof->history_root), "light_block", proof->light_block);
}

static assay_status payout_read(assay_payout_proof *out, const json_t *object, assay_error *err) {
    static const char *const names[] = {"account", "role", "nopen", "index", "count", "path", NULL};
    const json_t *path;
    uint64_t role;
    ASSAY_TRY(assay_json_names(object, names, "payout", err));
    ASSAY_TRY(assay_json_address(&out->payout.account, object, "account", err));
    ASSAY_TRY(
        assay_json_u64(&role, object, "role", ASSAY_PAID_CONTRIBUTOR, ASSAY_PAID_VALIDATOR, err));
    out->payout.role = (uint8_t)role;
    ASSAY_TRY(assay_json_u64(&out->payout.amount, object, "nopen", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->index, object, "index", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->count, object, "count", 1, UINT64_MAX, err));
    ASSAY_TRY(assay_json_array(&path, object, "path", ASSAY_MERKLE_PATH_MAX, err));
    out->path_count = (uint32_t)json_array_size(path);
    for (uint32_t i = 0; i < out->path_count; i++)
        ASSAY_TRY(assay_json_item_hash(&out->path[i], path, i, "path", err));
    return ASSAY_OK;
}

static assay_status epoch_read(assay_epoch *out, const json_t *object, assay_error *err) {
    static const char *const names[] = {"epoch",        "payout_root", "payout_count",
                                        "payout_total", "claims_root", "claims_count",
                                        "claims_total", NULL};
    ASSAY_TRY(assay_json_names(object, names, "epoch", err));
    ASSAY_TRY(assay_json_u64(&out->epoch, object, "epoch", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_hash(&out->payout_root, object, "payout_root", err));
    ASSAY_TRY(assay_json_u64(&out->payout_count, object, "payout_count", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->payout_total, object, "payout_total", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_hash(&out->claims_root, object, "claims_root", err));
    ASSAY_TRY(assay_json_u64(&out->claims_count, object, "claims_count", 0, UINT64_MAX, err));
    return assay_json_u64(&out->claims_total, object, "claims_total", 0, UINT64_MAX, err);
}

static assay_status links_read(assay_proof *out, const json_t *document, assay_error *err) {
    uint8_t bytes[ASSAY_SMT_PROOF_MAX];
    size_t size;
    const json_t *light_block;
    assay_cursor cursor;
    ASSAY_TRY(assay_json_hash(&out->state_root, document, "state_root", err));
    ASSAY_TRY(assay_json_hash(&out->history_root, document, "history_root", err));
    ASSAY_TRY(assay_json_bytes(bytes, &size, sizeof bytes, document, "record", err));
    assay_cursor_init(&cursor, bytes, size);
    ASSAY_TRY(assay_smt_proof_read(&out->record, &cursor, err));
    ASSAY_TRY(assay_cursor_finish(&cursor, "record", err));
    ASSAY_TRY(assay_json_object(&light_block, document, "light_block", err));
    out->light_block = json_incref((json_t *)light_block);
    return ASSAY_OK;
}

assay_status assay_proof_read(assay_proof *out, const json_t *document,
                              const assay_genesis *genesis, assay_error *err) {
    static const char *const names[] = {"version",     "kind",   "genesis",    "payouts",
                                        "epoch",       "record", "state_root", "history_root",
                                        "light_block", NULL};
    uint64_t version;
    const char *kind;
    assay_hash chain;
    const json_t *payouts, *epoch;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_u64(&version, document, "version", 0, UINT32_MAX, err));
    if (version != ASSAY_PROOF_VERSION)
        return ASSAY_FAIL(err, VERSION, "proof file of version %llu, known is %d", (ull)version,
                          ASSAY_PROOF_VERSION);
    ASSAY_TRY(assay_json_names(document, names, "proof file", err));
    ASSAY_TRY(assay_json_text(&kind, document, "kind", 32, err));
    if (strcmp(kind, "payout") != 0)
        return ASSAY_FAIL(err, UNKNOWN, "proof of kind \"%s\", known is payout", kind);
    ASSAY_TRY(assay_json_hash(&chain, document, "genesis", err));
    if (genesis && !assay_hash_equal(&chain, &genesis->hash))
        return ASSAY_FAIL(err, MISMATCH, "proof is of another chain than the genesis file's");
    ASSAY_TRY(assay_json_array(&payouts, document, "payouts", ASSAY_PROOF_PAYOUTS_MAX, err));
    out->payout_count = (uint32_t)json_array_size(payouts);
    for (uint32_t i = 0; i < out->payout_count; i++)
        ASSAY_TRY(payout_read(&out->payouts[i], json_array_get(payouts, i), err));
    ASSAY_TRY(assay_json_object(&epoch, document, "epoch", err));
    ASSAY_TRY(epoch_read(&out->epoch, epoch, err));
    return links_read(out, document, err);
}
