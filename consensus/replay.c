// SPDX-License-Identifier: Apache-2.0
#include "consensus/replay.h"

#include "consensus/ledger_application.h"

assay_status assay_replay_start(assay_tip *tip, const assay_app *app, assay_error *err) {
    char chain_name[ASSAY_CHAIN_ID_MAX + 1];
    const assay_genesis *genesis = assay_app_genesis(app);
    const assay_genesis_validator *own;
    ASSAY_TRY(assay_genesis_operator(&own, genesis, err));
    assay_app_info info;
    assay_app_info_get(app, &info);
    ASSAY_ASSERT(info.initialised && info.height == 0);
    assay_chain_name(chain_name, genesis);
    assay_tip_init(tip, chain_name, own->ed25519, assay_voting_power(own->consensus_bond),
                   genesis->time, &info.app_hash);
    return ASSAY_OK;
}

// What honest proposers keep to is no matter of the state: nothing but this looks at it in a chain
// that one operator makes alone.
static assay_status proposal_check(assay_app *app, const assay_app_block *input, assay_error *err) {
    assay_error why = {0};
    assay_status status = assay_app_process_proposal(app, input, &why);
    if (status == ASSAY_OK) return ASSAY_OK;
    return assay_fail(err, status, why.reject, "block %llu: %s", (ull)input->height, why.text);
}

static assay_status outcome_check(const assay_app_outcome *outcome, const assay_block *block,
                                  assay_error *err) {
    ull height = block->header.height;
    for (uint32_t i = 0; i < outcome->tx_count; i++)
        if (!assay_tx_result_equal(&outcome->results[i], &block->results[i]))
            return ASSAY_FAIL(err, MISMATCH,
                              "block %llu records code %u for transaction %u, the replay comes to "
                              "%u",
                              height, block->results[i].code, i, outcome->results[i].code);
    if (!assay_hash_equal(&outcome->app_hash, &block->app_hash_after))
        return ASSAY_FAIL(err, MISMATCH, "replaying block %llu comes to another state", height);
    return ASSAY_OK;
}

assay_status assay_replay_block(assay_tip *tip, assay_app *app, const assay_block *block,
                                assay_arena *arena, assay_error *err) {
    assay_hash results_hash;
    assay_app_outcome outcome;
    const assay_genesis_validator *own;
    ASSAY_TRY(assay_genesis_operator(&own, assay_app_genesis(app), err));
    const assay_app_block input = {.height = block->header.height,
                                   .time = block->header.time.seconds,
                                   .proposer = own->address,
                                   .txs = block->txs,
                                   .tx_count = block->tx_count,
                                   .time_nanos = block->header.time.nanos};
    ASSAY_TRY(assay_tip_check(tip, block, arena, err));
    ASSAY_TRY(proposal_check(app, &input, err));
    ASSAY_TRY(assay_app_finalize_block(app, &input, &outcome, err));
    ASSAY_TRY(outcome_check(&outcome, block, err));
    ASSAY_TRY(assay_results_hash(&results_hash, block->results, block->tx_count, arena, err));
    ASSAY_TRY(assay_app_commit(app, err));
    assay_tip_advance(tip, block, &results_hash);
    return ASSAY_OK;
}
