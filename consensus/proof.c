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
        return ASSAY_FAIL(err, NOT_FOUND, "epoch %llu is not closed at height %llu",
                          (unsigned long long)epoch, (unsigned long long)view->height);
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
                          (unsigned long long)epoch);
    assay_record_key key = assay_epoch_key(epoch);
    ASSAY_TRY(assay_view_prove(view, &key, &value, &out->record, err));
    out->state_root = view->state_root;
    out->history_root = view->history_root;
    return ASSAY_OK;
}

assay_status assay_proof_check(const assay_proof *proof, const assay_genesis *genesis,
                               assay_error *err) {
    uint8_t record[ASSAY_EPOCH_SIZE];
    char chain[ASSAY_CHAIN_ID_MAX + 1];
    assay_hash app_hash;
    const assay_genesis_validator *own;
    ASSAY_TRY(assay_genesis_operator(&own, genesis, err));
    if (proof->payout_count == 0 || proof->payout_count > ASSAY_PROOF_PAYOUTS_MAX)
        return ASSAY_FAIL(err, RANGE, "proof of %u payouts, limits 1 to %d", proof->payout_count,
                          ASSAY_PROOF_PAYOUTS_MAX);
    for (uint32_t i = 0; i < proof->payout_count; i++) {
        const assay_payout_proof *payout = &proof->payouts[i];
        if (payout->count != proof->epoch.payout_count)
            return ASSAY_FAIL(err, MISMATCH, "payout %u is one of %llu, its epoch has %llu", i,
                              (unsigned long long)payout->count,
                              (unsigned long long)proof->epoch.payout_count);
        if (!assay_address_equal(&payout->payout.account, &proof->payouts[0].payout.account))
            return ASSAY_FAIL(err, MISMATCH, "payout %u is of another account", i);
        if (i && payout->payout.role <= proof->payouts[i - 1].payout.role)
            return ASSAY_FAIL(err, MISMATCH, "payout %u has role %u after role %u", i,
                              payout->payout.role, proof->payouts[i - 1].payout.role);
        ASSAY_TRY(assay_payout_check(&proof->epoch.payout_root, payout, err));
    }
    assay_record_key key = assay_epoch_key(proof->epoch.epoch);
    assay_epoch_encode(&proof->epoch, record);
    ASSAY_TRY(assay_smt_check(&proof->state_root, key.bytes, key.size, record, sizeof record,
                              &proof->record, err));
    assay_store_app_hash(&app_hash, &proof->state_root, &proof->history_root);
    if (!assay_hash_equal(&app_hash, &proof->header.app_hash))
        return ASSAY_FAIL(err, MISMATCH, "header of height %llu names another state",
                          (unsigned long long)proof->header.height);
    assay_chain_name(chain, genesis);
    return assay_commit_check(&proof->commit, &proof->header, chain, own->ed25519,
                              assay_voting_power(own->consensus_bond), err);
}
