// SPDX-License-Identifier: Apache-2.0
#include "ledger/execute.h"

#include "ledger/agent.h"
#include "ledger/batch.h"
#include "ledger/beacon.h"
#include "ledger/bond.h"
#include "ledger/case.h"
#include "ledger/checkers.h"
#include "ledger/commitment.h"
#include "ledger/dataset.h"
#include "ledger/evidence.h"
#include "ledger/money.h"
#include "ledger/registry.h"
#include "ledger/session.h"
#include "ledger/validator.h"

// Rates are at most 2^40 and sizes 2^20, so fees stay below 2^63 (params.h).
static uint64_t admission_fee(const assay_params *params, size_t size, bool new_account) {
    return params->tx_fee_base + size * params->tx_fee_byte + (new_account ? params->key_fee : 0);
}

static assay_status fee_check(uint64_t fee, const assay_reader *reader, const assay_params *params,
                              uint64_t height, const assay_tx *tx, const assay_account *signer,
                              const assay_ahead *ahead, assay_error *err) {
    bool by_agent = !assay_address_equal(&tx->signer, &tx->principal);
    assay_account principal = *signer;
    if (by_agent) ASSAY_TRY(assay_account_get(&principal, reader, &tx->principal, err));
    if (principal.balance < fee || principal.balance - fee < ahead->outflow)
        return ASSAY_REJECT(err, FEE_SHORT, "balance %llu nopen, %llu waiting to leave, fee %llu",
                            (ull)principal.balance, (ull)ahead->outflow, (ull)fee);
    if (!by_agent) return ASSAY_OK;
    assay_allowance allowance;
    ASSAY_TRY(assay_allowance_get(&allowance, reader, &tx->principal, err));
    uint64_t left = assay_allowance_left(&allowance, params, height);
    if (left < fee || left - fee < ahead->by_agents)
        return ASSAY_REJECT(err, AGENT_LIMIT,
                            "%llu nopen of the epoch's limit left, %llu waiting to leave, fee %llu",
                            (ull)left, (ull)ahead->by_agents, (ull)fee);
    return ASSAY_OK;
}

// Lane 1 is for those who may check a batch, and for its provider: nobody else's transactions keep
// theirs out of blocks. All of it was settled when the batch was included, so nodes that are a few
// blocks apart agree.
static assay_status lane_check(const assay_reader *reader, const assay_tx *tx, assay_error *err) {
    const assay_hash *id;
    if (tx->kind == ASSAY_TX_VERDICT_COMMIT)
        id = &tx->body.verdict_commit.batch;
    else if (tx->kind == ASSAY_TX_VERDICT_REVEAL)
        id = &tx->body.verdict_reveal.batch;
    else if (tx->kind == ASSAY_TX_POST_EVIDENCE)
        id = &tx->body.post_evidence.batch;
    else
        return ASSAY_OK;
    assay_checkers checkers;
    bool open, found;
    ASSAY_TRY(assay_checkers_get(&checkers, &open, reader, id, err));
    if (!open) return ASSAY_REJECT(err, BATCH_UNKNOWN, "no batch of that id is open");
    if (tx->kind != ASSAY_TX_POST_EVIDENCE) {
        if (assay_checkers_have(&checkers, &tx->principal)) return ASSAY_OK;
        return ASSAY_REJECT(err, CASE_VOTER, "not among those who may check the batch");
    }
    assay_batch batch;
    ASSAY_TRY(assay_batch_get(&batch, &found, reader, id, err));
    if (found && assay_address_equal(&batch.provider, &tx->principal)) return ASSAY_OK;
    return ASSAY_REJECT(err, EVIDENCE_PROVIDER, "the batch is another provider's");
}

assay_status assay_admission_check(uint64_t *fee, const assay_reader *reader,
                                   const assay_params *params, uint64_t height,
                                   const assay_verified_tx *verified, const assay_ahead *ahead,
                                   assay_error *err) {
    const assay_tx *tx = &verified->tx;
    assay_account signer;
    if (verified->code != 0)
        return assay_fail(err, ASSAY_REJECTED, verified->code, "%s", verified->text);
    if (tx->kind == ASSAY_TX_BEACON)
        return ASSAY_REJECT(err, BEACON_PLACE,
                            "a beacon is first in its proposer's block of its height");
    ASSAY_TRY(assay_account_get(&signer, reader, &tx->signer, err));
    uint64_t next = signer.nonces[tx->lane];
    if (next < ahead->nonce) next = ahead->nonce;
    if (tx->nonce != next)
        return ASSAY_REJECT(err, NONCE, "nonce %llu in lane %u, the next is %llu", (ull)tx->nonce,
                            tx->lane, (ull)next);
    ASSAY_TRY(assay_agent_check(reader, tx, height, err));
    ASSAY_TRY(lane_check(reader, tx, err));
    bool new_account = signer.balance == 0 && signer.nonces[0] == 0 && signer.nonces[1] == 0;
    *fee = admission_fee(params, verified->bytes.size, new_account);
    return fee_check(*fee, reader, params, height, tx, &signer, ahead, err);
}

static assay_status rule_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    static assay_status (*const rules[])(assay_ledger *, const assay_tx *, assay_error *) = {
        [ASSAY_TX_TRANSFER] = assay_transfer_apply,
        [ASSAY_TX_BOND] = assay_bond_apply,
        [ASSAY_TX_UNBOND] = assay_unbond_apply,
        [ASSAY_TX_AUTHORIZE_AGENT] = assay_agent_authorize,
        [ASSAY_TX_REVOKE_AGENT] = assay_agent_revoke,
        [ASSAY_TX_COMMIT_DATASET] = assay_commitment_make,
        [ASSAY_TX_REGISTER_DATASET] = assay_dataset_register,
        [ASSAY_TX_RETIRE_DATASET] = assay_dataset_retire,
        [ASSAY_TX_REGISTER_MODEL] = assay_model_register,
        [ASSAY_TX_REGISTER_ADAPTER] = assay_adapter_register,
        [ASSAY_TX_DECLARE_ROOTS] = assay_declared_replace,
        [ASSAY_TX_REGISTER_CHAIN] = assay_beacon_register,
        [ASSAY_TX_REGISTER_VALIDATOR] = assay_validator_register,
        [ASSAY_TX_OPEN_SESSION] = assay_session_open,
        [ASSAY_TX_CLOSE_SESSION] = assay_session_close,
        [ASSAY_TX_SUBMIT_BATCH] = assay_batch_submit,
        [ASSAY_TX_VERDICT_COMMIT] = assay_case_commit,
        [ASSAY_TX_VERDICT_REVEAL] = assay_case_reveal,
        [ASSAY_TX_POST_EVIDENCE] = assay_evidence_post,
        [ASSAY_TX_WITHDRAW] = assay_withdraw_apply,
    };
    static_assert(ASSAY_COUNT(rules) == ASSAY_TX_KIND_COUNT + 1, "a kind without a rule");
    // Decoding knows no other kinds, and admission has refused beacons.
    ASSAY_ASSERT(tx->kind < ASSAY_COUNT(rules) && rules[tx->kind] != NULL);
    return rules[tx->kind](ledger, tx, err);
}

// P-98
static assay_status block_full(const assay_ledger *ledger, assay_error *err) {
    return ASSAY_REJECT(err, BLOCK_WORK, "%llu writes in this block, limit %d", (ull)ledger->writes,
                        ASSAY_WRITES_TXS);
}

assay_status assay_execute(assay_ledger *ledger, const assay_verified_tx *verified,
                           assay_error *err) {
    static const assay_ahead nothing;
    const assay_tx *tx = &verified->tx;
    uint64_t fee;
    ASSAY_TRY(assay_admission_check(&fee, &ledger->reader, ledger->params, ledger->height, verified,
                                    &nothing, err));
    ledger->signer = tx->signer;
    ledger->principal = tx->principal;
    ledger->by_agent = !assay_address_equal(&tx->signer, &tx->principal);
    ledger->digest = verified->digest;
    bool room = assay_ledger_has_room(ledger);
    ASSAY_TRY(assay_money_admit(ledger, tx->lane, fee, err));

    ledger->new_keys = 0;
    assay_ledger_mark mark = assay_ledger_savepoint(ledger);
    assay_status status = room ? rule_apply(ledger, tx, err) : block_full(ledger, err);
    if (status == ASSAY_OK)
        status = assay_money_fee(ledger, ledger->new_keys * ledger->params->key_fee, err);
    if (status == ASSAY_REJECTED)
        assay_ledger_rollback(ledger, &mark);
    else
        assay_ledger_release(ledger, &mark);
    return status;
}

// Keys a transaction may make beside its signer's account: two for each row of a list, and a few.
static uint64_t keys_max(const assay_tx *tx) {
    uint64_t rows = 0;
    // A bond that counts again brings its roots back (P-36).
    if (tx->kind == ASSAY_TX_BOND && tx->body.bond.role == ASSAY_ROLE_VERIFICATION)
        rows = ASSAY_ROOTS_MAX;
    if (tx->kind == ASSAY_TX_DECLARE_ROOTS) rows = tx->body.declare_roots.roots.count;
    if (tx->kind == ASSAY_TX_SUBMIT_BATCH)
        rows = (uint64_t)tx->body.submit_batch.sessions.count + tx->body.submit_batch.models.count +
               tx->body.submit_batch.datasets.count;
    return 4 + 2 * rows + (tx->kind == ASSAY_TX_WITHDRAW ? ASSAY_CLAIM_KEYS : 0); // P-38
}

uint64_t assay_outflow_named(const assay_tx *tx, const assay_params *params) {
    switch (tx->kind) {
    case ASSAY_TX_TRANSFER:
        return tx->body.transfer.amount;
    case ASSAY_TX_BOND:
        return tx->body.bond.amount;
    case ASSAY_TX_REGISTER_DATASET:
        return params->dataset_bond;
    case ASSAY_TX_REGISTER_MODEL:
        return params->model_bond;
    case ASSAY_TX_REGISTER_ADAPTER:
        return params->adapter_bond;
    case ASSAY_TX_OPEN_SESSION:
        return tx->body.open_session.deposit;
    case ASSAY_TX_WITHDRAW:
        return tx->body.withdraw.amount;
    default:
        return 0;
    }
}

uint64_t assay_outflow_max(const assay_tx *tx, const assay_params *params) {
    assay_u128 sum = assay_outflow_named(tx, params);
    sum += (assay_u128)keys_max(tx) * params->key_fee;
    if (tx->kind == ASSAY_TX_SUBMIT_BATCH)
        sum += (params->check_price_base +
                (assay_u128)ASSAY_OUTFLOW_MODEL_MIB * params->check_price_mib) *
               params->samples * params->validators_per_sample;
    return sum < INT64_MAX ? (uint64_t)sum : INT64_MAX;
}
