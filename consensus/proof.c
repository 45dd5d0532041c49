// SPDX-License-Identifier: Apache-2.0
#include "consensus/proof.h"

#include "consensus/ledger_application.h"

assay_status assay_proof_make(assay_proof *out, const assay_view *view, uint64_t epoch,
                              const assay_address *account, assay_error *err) {
    bool found;
    assay_bytes value;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_epoch_get(&out->epoch, &found, &view->reader, epoch, err));
    if (!found)
        return ASSAY_FAIL(err, NOT_FOUND, "epoch %llu is not closed at height %llu", (ull)epoch,
                          (ull)view->height);
    for (uint8_t role = ASSAY_PAID_CONTRIBUTOR; role <= ASSAY_PAID_VALIDATOR; role++) {
        assay_payout_proof *payout = &out->payouts[out->payout_count];
        assay_status status = assay_payout_prove(payout, &view->reader, epoch, account, role, err);
        if (status == ASSAY_OK)
            out->payout_count++;
        else if (status != ASSAY_NOT_FOUND)
            return status;
    }
    if (!out->payout_count)
        return ASSAY_FAIL(err, NOT_FOUND, "this account was paid nothing in epoch %llu",
                          (ull)epoch);
    assay_record_key key = assay_epoch_key(epoch);
    ASSAY_TRY(assay_view_prove(view, &key, &value, &out->record, err));
    out->state_root = view->state_root;
    out->history_root = view->history_root;
    return ASSAY_OK;
}

void assay_proof_close(assay_proof *proof) {
    json_decref(proof->light_block);
    memset(proof, 0, sizeof *proof);
}

static assay_status payouts_check(const assay_proof *proof, assay_error *err) {
    if (proof->payout_count == 0 || proof->payout_count > ASSAY_PROOF_PAYOUTS_MAX)
        return ASSAY_FAIL(err, RANGE, "proof of %u payouts, limits 1 to %d", proof->payout_count,
                          ASSAY_PROOF_PAYOUTS_MAX);
    for (uint32_t i = 0; i < proof->payout_count; i++) {
        const assay_payout_proof *payout = &proof->payouts[i];
        if (payout->count != proof->epoch.payout_count)
            return ASSAY_FAIL(err, MISMATCH, "payout %u is one of %llu, its epoch has %llu", i,
                              (ull)payout->count, (ull)proof->epoch.payout_count);
        if (!assay_address_equal(&payout->payout.account, &proof->payouts[0].payout.account))
            return ASSAY_FAIL(err, MISMATCH, "payout %u is of another account", i);
        if (i && payout->payout.role <= proof->payouts[i - 1].payout.role)
            return ASSAY_FAIL(err, MISMATCH, "payout %u has role %u after role %u", i,
                              payout->payout.role, proof->payouts[i - 1].payout.role);
        ASSAY_TRY(assay_payout_check(&proof->epoch.payout_root, payout, err));
    }
    return ASSAY_OK;
}

assay_status assay_proof_links(assay_light_block *block, const assay_proof *proof,
                               assay_arena *arena, assay_error *err) {
    uint8_t record[ASSAY_EPOCH_SIZE];
    assay_hash app_hash;
    ASSAY_TRY(payouts_check(proof, err));
    assay_record_key key = assay_epoch_key(proof->epoch.epoch);
    assay_epoch_encode(&proof->epoch, record);
    ASSAY_TRY(assay_smt_check(&proof->state_root, key.bytes, key.size, record, sizeof record,
                              &proof->record, err));
    ASSAY_TRY(assay_light_document_read(block, proof->light_block, arena, err));
    assay_store_app_hash(&app_hash, &proof->state_root, &proof->history_root);
    const assay_bytes *named = &block->header.hashes[ASSAY_HEADER_APP];
    if (named->size != ASSAY_HASH_SIZE || memcmp(named->data, app_hash.bytes, named->size) != 0)
        return ASSAY_FAIL(err, MISMATCH, "header of height %llu names another state",
                          (ull)block->header.height);
    return ASSAY_OK;
}

// How often a genesis's validator stands in a set with its power.
static uint32_t validator_count_in(const assay_light_set *set,
                                   const assay_genesis_validator *validator) {
    uint64_t power = assay_voting_power(validator->consensus_bond);
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        count += set->validators[i].power == power &&
                 memcmp(set->validators[i].key, validator->ed25519, ASSAY_ED25519_KEY_SIZE) == 0;
    return count;
}

// The block's set is that of the genesis, each once and with its power: a set is whatever the
// header says, and one that names a validator twice would let it count twice.
static assay_status genesis_set_check(const assay_light_block *block, const assay_genesis *genesis,
                                      assay_error *err) {
    bool same = block->set.count == genesis->validator_count;
    for (uint32_t i = 0; same && i < genesis->validator_count; i++)
        same = validator_count_in(&block->set, &genesis->validators[i]) == 1;
    if (same) return ASSAY_OK;
    return ASSAY_FAIL(
        err, MISMATCH,
        "other validators than the genesis's sign at height %llu: assay light follows "
        "them from a header you trust",
        (ull)block->header.height);
}

assay_status assay_proof_check(assay_light_block *block, const assay_proof *proof,
                               const assay_genesis *genesis, assay_arena *arena, assay_error *err) {
    char chain[ASSAY_CHAIN_ID_MAX + 1];
    ASSAY_TRY(assay_proof_links(block, proof, arena, err));
    assay_chain_name(chain, genesis);
    ASSAY_TRY(assay_light_check(block, chain, arena, err));
    return genesis_set_check(block, genesis, err);
}
