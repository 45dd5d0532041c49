// SPDX-License-Identifier: Apache-2.0
#include "node/bench/market.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "ledger/commitment.h"
#include "ledger/view.h"

enum {
    PROVIDER,
    CONSUMER,
    PUBLISHER,
    VALIDATOR,      // and the next ones
    TX_BYTES = 640, // of the largest transaction here
    RECEIPT_FEE = 100,
    PROVIDER_OPEN = 100, // ten times the fees of what is open; its balance pays for checks
    VALIDATOR_OPEN = 500,
    DEPOSIT_OPEN = 900,
    SESSION_BLOCKS = 100000,
    VOTES_MAX = 64, // of a batch: samples times those drawn
};

static assay_hash hash_of(const char *name) {
    assay_hash hash;
    assay_sha256_of(&hash, name, strlen(name));
    return hash;
}

// Signs a transaction of an actor for itself and adds it to the block; id: its digest, or NULL.
static assay_status tx_add(assay_bench_market *market, assay_tx *tx, uint32_t actor, assay_hash *id,
                           assay_error *err) {
    const assay_bench_transfers *transfers = &market->stage->state.transfers;
    uint8_t *at = market->bytes + market->used;
    size_t size;
    if (market->tx_count == market->tx_max || market->bytes_max - market->used < TX_BYTES)
        return ASSAY_FAIL(err, CAPACITY, "more than %u transactions in a block", market->tx_max);
    tx->chain_id = transfers->domain.chain_id;
    tx->signer = tx->principal = transfers->accounts[actor].address;
    tx->lane = assay_tx_lane(tx->kind);
    tx->nonce = market->nonces[actor][tx->lane]++;
    ASSAY_TRY(assay_tx_sign(tx, &transfers->domain, &transfers->accounts[actor].key, err));
    if (id) assay_tx_digest(id, tx, &transfers->domain);
    ASSAY_TRY(assay_tx_encode(tx, at, TX_BYTES, &size, err));
    market->txs[market->tx_count++] = (assay_bytes){at, size};
    market->used += size;
    return ASSAY_OK;
}

static void block_clear(assay_bench_market *market) {
    market->tx_count = 0;
    market->used = 0;
}

static assay_status block_make(assay_bench_market *market, assay_error *err) {
    assay_abci_block block;
    ASSAY_TRY(assay_bench_stage_propose(market->stage, &block, market->txs, market->tx_count, err));
    ASSAY_TRY(assay_bench_stage_execute(market->stage, &block, err));
    block_clear(market);
    return ASSAY_OK;
}

// --- before the first batch ---

static assay_status bond_add(assay_bench_market *market, uint32_t actor, uint8_t role,
                             uint64_t open, assay_error *err) {
    assay_tx tx = {.kind = ASSAY_TX_BOND, .body.bond = {role, open * ASSAY_OPEN_NOPEN}};
    return tx_add(market, &tx, actor, NULL, err);
}

// A block with the commitment, and those until it is old enough.
static assay_status model_commit(assay_bench_market *market, assay_error *err) {
    assay_tx commit = {.kind = ASSAY_TX_COMMIT_DATASET};
    assay_commitment_hash(&commit.body.commit_dataset.commitment, &market->model, NULL,
                          &market->stage->state.transfers.accounts[PUBLISHER].address);
    ASSAY_TRY(tx_add(market, &commit, PUBLISHER, NULL, err));
    for (uint64_t i = 0; i < market->stage->state.genesis.params.commitment_blocks; i++)
        ASSAY_TRY(block_make(market, err));
    return ASSAY_OK;
}

static assay_status roles_make(assay_bench_market *market, assay_error *err) {
    assay_tx model = {.kind = ASSAY_TX_REGISTER_MODEL};
    model.body.register_model = (assay_tx_register_model){
        .root = market->model,
        .byte_count = 1 << 20,
        .name = {(const uint8_t *)"bench", 5},
        .uri = {(const uint8_t *)"file:bench", 10},
    };
    ASSAY_TRY(tx_add(market, &model, PUBLISHER, NULL, err));
    ASSAY_TRY(bond_add(market, PROVIDER, ASSAY_ROLE_PROVIDER, PROVIDER_OPEN, err));
    for (uint32_t i = 0; i < ASSAY_BENCH_MARKET_VALIDATORS; i++) {
        assay_tx declare = {.kind = ASSAY_TX_DECLARE_ROOTS};
        declare.body.declare_roots.roots = (assay_hash_list){&market->model, 1};
        ASSAY_TRY(bond_add(market, VALIDATOR + i, ASSAY_ROLE_VERIFICATION, VALIDATOR_OPEN, err));
        ASSAY_TRY(tx_add(market, &declare, VALIDATOR + i, NULL, err));
    }
    assay_tx session = {.kind = ASSAY_TX_OPEN_SESSION};
    session.body.open_session = (assay_tx_open_session){
        .provider = market->stage->state.transfers.accounts[PROVIDER].address,
        .deposit = DEPOSIT_OPEN * ASSAY_OPEN_NOPEN,
        .price_in = 1,
        .price_out = 1,
        .expiry = SESSION_BLOCKS,
    };
    ASSAY_TRY(tx_add(market, &session, CONSUMER, &market->session, err));
    return block_make(market, err);
}

static assay_status room_make(assay_bench_market *market, assay_error *err) {
    uint32_t batches = market->block_batches;
    market->tx_max = batches * (1 + 2 * VOTES_MAX) + 64;
    market->bytes_max = (size_t)market->tx_max * TX_BYTES;
    market->bytes = malloc(market->bytes_max);
    market->txs = calloc(market->tx_max, sizeof *market->txs);
    bool lacks = !market->bytes || !market->txs;
    for (uint32_t i = 0; i < ASSAY_BENCH_MARKET_COHORTS; i++) {
        assay_bench_cohort *cohort = &market->cohorts[i];
        cohort->batches = calloc(batches, sizeof *cohort->batches);
        cohort->votes = calloc((size_t)batches * VOTES_MAX, sizeof *cohort->votes);
        lacks |= !cohort->batches || !cohort->votes;
    }
    return lacks ? ASSAY_FAIL(err, MEMORY, "no memory for %u batches a block", batches) : ASSAY_OK;
}

assay_status assay_bench_market_open(assay_bench_market *market, assay_bench_stage *stage,
                                     uint32_t block_batches, uint32_t batch_receipts,
                                     assay_error *err) {
    const assay_params *params = &stage->state.genesis.params;
    *market = (assay_bench_market){.stage = stage,
                                   .block_batches = block_batches,
                                   .batch_receipts = batch_receipts,
                                   .sequence = 1};
    ASSAY_ASSERT(stage->state.transfers.account_count >= ASSAY_BENCH_MARKET_ACTORS &&
                 params->samples * params->validators_per_sample <= VOTES_MAX &&
                 block_batches <= params->settle_max);
    market->model = hash_of("assay bench model");
    ASSAY_TRY(room_make(market, err));
    ASSAY_TRY(model_commit(market, err));
    return roles_make(market, err);
}

void assay_bench_market_close(assay_bench_market *market) {
    for (uint32_t i = 0; i < ASSAY_BENCH_MARKET_COHORTS; i++) {
        free(market->cohorts[i].batches);
        free(market->cohorts[i].votes);
    }
    free(market->bytes);
    free(market->txs);
    *market = (assay_bench_market){0};
}

// --- a block's transactions ---

static assay_status batches_add(assay_bench_market *market, assay_bench_cohort *cohort,
                                assay_error *err) {
    uint64_t fees = (uint64_t)RECEIPT_FEE * market->batch_receipts;
    cohort->reveal_at = 0;
    cohort->vote_count = 0;
    for (uint32_t i = 0; i < market->block_batches; i++) {
        const assay_session_row session = {market->session, market->sequence,
                                           market->batch_receipts, fees};
        const assay_model_row model = {market->model, {{0}}, fees};
        assay_tx tx = {.kind = ASSAY_TX_SUBMIT_BATCH};
        tx.body.submit_batch = (assay_tx_submit_batch){
            .root = hash_of("assay bench receipts"), // nobody reruns them: the votes are made up
            .count = market->batch_receipts,
            .fee_total = fees,
            .receipt_bytes = market->batch_receipts * ASSAY_RECEIPT_SIZE_MIN,
            .uri = {(const uint8_t *)"file:bench", 10},
            .sessions = {&session, 1},
            .models = {&model, 1},
        };
        market->sequence += market->batch_receipts;
        ASSAY_TRY(tx_add(market, &tx, PROVIDER, &cohort->batches[i], err));
    }
    return ASSAY_OK;
}

static uint32_t actor_of(const assay_bench_market *market, const assay_address *address) {
    uint32_t actor = VALIDATOR;
    while (actor < ASSAY_BENCH_MARKET_ACTORS &&
           !assay_address_equal(&market->stage->state.transfers.accounts[actor].address, address))
        actor++;
    return actor;
}

// Who was drawn for a cohort's cases, once they are open.
static assay_status voters_read(const assay_bench_market *market, assay_bench_cohort *cohort,
                                const assay_view *view, assay_error *err) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t count;
    for (uint32_t i = 0; i < market->block_batches; i++) {
        for (uint32_t sample = 0; sample < view->params->samples; sample++) {
            const assay_hash *batch = &cohort->batches[i];
            assay_case record;
            bool found;
            ASSAY_TRY(assay_case_get(&record, &found, &view->reader, batch, sample, err));
            if (!found) return ASSAY_OK; // they open together
            ASSAY_TRY(assay_case_votes(votes, &count, &view->reader, batch, sample, 0, err));
            for (uint32_t vote = 0; vote < count; vote++) {
                uint32_t actor = actor_of(market, &votes[vote].validator);
                if (actor == ASSAY_BENCH_MARKET_ACTORS)
                    return ASSAY_FAIL(err, MISMATCH, "a stranger is drawn");
                cohort->votes[cohort->vote_count].batch = i;
                cohort->votes[cohort->vote_count].sample = sample;
                cohort->votes[cohort->vote_count++].actor = actor;
            }
            cohort->reveal_at = record.commit_end + 1;
        }
    }
    return ASSAY_OK;
}

static assay_status votes_add(assay_bench_market *market, const assay_bench_cohort *cohort,
                              assay_tx_kind kind, assay_error *err) {
    const assay_hash salt = hash_of("assay bench salt"), probe = hash_of("assay bench probe");
    for (uint32_t i = 0; i < cohort->vote_count; i++) {
        const assay_hash *batch = &cohort->batches[cohort->votes[i].batch];
        uint32_t sample = cohort->votes[i].sample, actor = cohort->votes[i].actor;
        assay_tx tx = {.kind = kind};
        if (kind == ASSAY_TX_VERDICT_COMMIT) {
            tx.body.verdict_commit = (assay_tx_verdict_commit){*batch, sample, 0, {{0}}};
            assay_verdict_commitment(&tx.body.verdict_commit.commitment,
                                     &market->stage->state.transfers.accounts[actor].address, &salt,
                                     ASSAY_VERDICT_MATCH, &probe);
        } else {
            tx.body.verdict_reveal =
                (assay_tx_verdict_reveal){*batch, sample, 0, salt, ASSAY_VERDICT_MATCH, probe};
        }
        ASSAY_TRY(tx_add(market, &tx, actor, NULL, err));
    }
    return ASSAY_OK;
}

static assay_status cohorts_add(assay_bench_market *market, const assay_view *view,
                                assay_error *err) {
    for (uint64_t i = market->first; i < market->end; i++) {
        assay_bench_cohort *cohort = &market->cohorts[i % ASSAY_BENCH_MARKET_COHORTS];
        if (cohort->reveal_at == view->height + 1) {
            ASSAY_TRY(votes_add(market, cohort, ASSAY_TX_VERDICT_REVEAL, err));
            market->first = i + 1; // older ones have gone before
        } else if (cohort->reveal_at == 0) {
            ASSAY_TRY(voters_read(market, cohort, view, err));
            if (cohort->reveal_at)
                ASSAY_TRY(votes_add(market, cohort, ASSAY_TX_VERDICT_COMMIT, err));
        }
    }
    return ASSAY_OK;
}

assay_status assay_bench_market_next(assay_bench_market *market, assay_error *err) {
    assay_view view;
    block_clear(market);
    if (market->end - market->first == ASSAY_BENCH_MARKET_COHORTS)
        return ASSAY_FAIL(err, CAPACITY, "more than %d blocks from a batch to its reveals",
                          ASSAY_BENCH_MARKET_COHORTS);
    ASSAY_TRY(assay_view_open(&view, market->stage->state.app, err));
    assay_status status = cohorts_add(market, &view, err);
    assay_view_close(&view);
    ASSAY_TRY(status);
    return batches_add(market, &market->cohorts[market->end++ % ASSAY_BENCH_MARKET_COHORTS], err);
}
