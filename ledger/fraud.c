// SPDX-License-Identifier: Apache-2.0
//   I1  a void batch's sessions (or their principals) have all reserved money back
//       test_fraud: refunds_of_ended_sessions_go_to_the_principal
//   I2  contributors + catch rewards + burned = slashed
//       test_fraud: slash_adds_up
#include "ledger/fraud.h"

#include "ledger/bond.h"
#include "ledger/money.h"
#include "ledger/payout.h"
#include "ledger/session.h"
#include "ledger/spoils.h"

// P-66. weight ≤ 2^50 · 10^6, so the product is far below 2^128.
uint64_t assay_fraud_contribution(assay_u128 weight, uint64_t data_ppm, uint32_t samples,
                                  uint32_t caught) {
    assay_u128 whole = (assay_u128)ASSAY_PPM * ASSAY_PPM * samples;
    return (uint64_t)(weight * data_ppm * (samples - caught) / whole);
}

// P-66: only where the table can be trusted to say whose data it was.
static assay_status contributors_pay(assay_ledger *ledger, const assay_hash *id,
                                     const assay_batch *batch, const assay_dataset_list *rows,
                                     uint64_t *left, assay_error *err) {
    if (batch->table_bad > 0) return ASSAY_OK;
    for (uint32_t i = 0; i < rows->count; i++) {
        uint64_t due = assay_fraud_contribution(rows->items[i].weight, ledger->params->data_ppm,
                                                batch->sample_count, batch->caught);
        assay_address owner;
        bool taker;
        if (due > *left) due = *left;
        ASSAY_TRY(assay_spoils_taker(&owner, &taker, ledger, id, &rows->items[i].dataset, err));
        if (!taker) continue;
        ASSAY_TRY(assay_payout_pay(ledger, assay_purse_pool(), &owner, ASSAY_PAID_CONTRIBUTOR,
                                   ASSAY_PAID_FOR_DATA, id, &rows->items[i].dataset, due, err));
        *left -= due;
    }
    return ASSAY_OK;
}

// P-67: equal parts for each right first verdict.
static assay_status catchers_pay(assay_ledger *ledger, const assay_hash *id, uint64_t slashed,
                                 uint64_t *left, assay_arena *arena, assay_error *err) {
    const assay_params *params = ledger->params;
    assay_spoils *catchers;
    uint32_t count;
    uint64_t parts = 0;
    uint64_t reward = (uint64_t)((assay_u128)slashed * params->catch_share_ppm / ASSAY_PPM);
    if (reward > params->catch_cap) reward = params->catch_cap;
    if (reward > *left) reward = *left;
    ASSAY_TRY(
        assay_spoils_list(&catchers, &count, &ledger->reader, ASSAY_TABLE_CATCHER, id, arena, err));
    for (uint32_t i = 0; i < count; i++)
        parts += catchers[i].weight;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t part = reward / parts * catchers[i].weight;
        ASSAY_TRY(assay_payout_pay(ledger, assay_purse_pool(), &catchers[i].validator,
                                   ASSAY_PAID_VALIDATOR, ASSAY_PAID_FOR_CATCH, id, NULL, part,
                                   err));
        *left -= part;
    }
    return ASSAY_OK;
}

static assay_status slash(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                          const assay_batch_tables *tables, assay_arena *arena, assay_error *err) {
    // P-66, before the bond's limit: < 2^60, as fees are at most 2^50 and the multiple is at most
    // 1000.
    uint64_t cost = batch->fee_total * ledger->params->bond_multiple;
    ASSAY_TRY(assay_bond_slash(ledger, ASSAY_ROLE_PROVIDER, &batch->provider, cost,
                               assay_purse_pool(), &batch->slashed, err));
    uint64_t left = batch->slashed;
    ASSAY_TRY(contributors_pay(ledger, id, batch, &tables->datasets, &left, err));
    ASSAY_TRY(catchers_pay(ledger, id, batch->slashed, &left, arena, err));
    batch->burned = left;
    return assay_money_move(ledger, assay_purse_pool(), assay_purse_burned(), left, err);
}

static assay_status void_with(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                              assay_void_reason reason, assay_arena *arena, assay_error *err) {
    assay_batch_tables tables;
    ASSAY_TRY(assay_batch_tables_get(&tables, &ledger->reader, id, arena, err));
    for (uint32_t i = 0; i < tables.sessions.count; i++) {
        const assay_session_row *row = &tables.sessions.items[i];
        ASSAY_TRY(assay_session_refund(ledger, &row->session, row->fee_sum, err));
        batch->refunded += row->fee_sum;
    }
    ASSAY_TRY(assay_batch_release(ledger, id, batch, err));
    if (reason == ASSAY_VOID_FRAUD) ASSAY_TRY(slash(ledger, id, batch, &tables, arena, err));
    return assay_spoils_drop(ledger, id, err);
}

// P-65
assay_status assay_fraud_void(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                              assay_void_reason reason, assay_error *err) {
    assay_arena arena;
    assay_arena_init(&arena, 2 * ASSAY_TX_ARENA_MAX);
    assay_status status = void_with(ledger, id, batch, reason, &arena, err);
    assay_arena_close(&arena);
    ASSAY_TRY(status);
    batch->state = ASSAY_BATCH_VOID;
    batch->reason = reason;
    return assay_batch_end(ledger, id, batch, err);
}
