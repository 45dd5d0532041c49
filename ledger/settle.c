// SPDX-License-Identifier: Apache-2.0
//   I1  all reserved money of a batch leaves in one settlement: what is not paid burns
//       test_settle: whole_batches_match_the_oracle
//   I2  batches settle in order of (height, index) among those that are final
//       test_settle: order
#include "ledger/settle.h"

#include <stdlib.h>

#include "ledger/dataset.h"
#include "ledger/money.h"
#include "ledger/payout.h"
#include "ledger/registry.h"
#include "ledger/session.h"
#include "ledger/spoils.h"

static uint64_t share(uint64_t amount, uint64_t ppm) {
    return (uint64_t)((assay_u128)amount * ppm / ASSAY_PPM);
}

// P-68
void assay_settle_split(assay_settle_row *out, uint64_t fee_sum, const assay_params *params,
                        uint32_t model_royalty_ppm, uint32_t adapter_royalty_ppm) {
    out->burn = share(fee_sum, params->burn_ppm);
    out->model = share(fee_sum, model_royalty_ppm);
    out->adapter = share(fee_sum, adapter_royalty_ppm);
    out->data = share(fee_sum, params->data_ppm);
    out->validators = share(fee_sum, params->validators_ppm);
    uint64_t taken = out->burn + out->model + out->adapter + out->data + out->validators;
    ASSAY_ASSERT(taken <= fee_sum); // the shares' sum is checked at genesis
    out->provider = fee_sum - taken;
}

// What rounding down took from one weight.
typedef struct {
    assay_u128 remainder;
    uint32_t index; // count stands for what no weight claims
} leftover;

static int leftover_compare(const void *left, const void *right) {
    const leftover *a = left, *b = right;
    if (a->remainder != b->remainder) return a->remainder > b->remainder ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

// P-69
assay_status assay_settle_divide(uint64_t *out, uint64_t *sum, uint64_t pool,
                                 const assay_u128 *weights, uint32_t count, assay_u128 whole,
                                 assay_error *err) {
    *sum = 0;
    if (count == 0) return ASSAY_OK;
    ASSAY_ASSERT(whole > 0 && (pool == 0 || whole <= ~(assay_u128)0 / pool));
    leftover *order = malloc(((size_t)count + 1) * sizeof *order);
    if (order == NULL) return ASSAY_FAIL(err, MEMORY, "no memory to divide by %u weights", count);
    assay_u128 unclaimed = whole;
    uint64_t left = pool;
    for (uint32_t i = 0; i <= count; i++) {
        assay_u128 product = (i < count ? weights[i] : unclaimed) * pool;
        uint64_t floor = (uint64_t)(product / whole);
        order[i] = (leftover){product % whole, i};
        left -= floor;
        if (i == count) break;
        unclaimed -= weights[i];
        out[i] = floor;
    }
    qsort(order, (size_t)count + 1, sizeof *order, leftover_compare);
    for (uint64_t i = 0; i < left; i++)
        if (order[i].index < count) out[order[i].index]++;
    free(order);
    for (uint32_t i = 0; i < count; i++)
        *sum += out[i];
    return ASSAY_OK;
}

// A settlement in hand: what still lies in the pool belongs to these.
typedef struct {
    assay_ledger *ledger;
    assay_hash id;
    assay_batch batch;
    assay_batch_tables tables;
    uint64_t data;
    uint64_t validators;
    uint64_t provider;
    uint64_t burned;
} settlement;

static assay_status pay(settlement *s, const assay_address *account, assay_paid_role role,
                        const assay_hash *id, uint64_t amount, assay_error *err) {
    return assay_payout_pay(s->ledger, assay_purse_pool(), account, role, ASSAY_PAID_FOR_FEES,
                            &s->id, id, amount, err);
}

// P-68: one (model, adapter) row.
static assay_status row_settle(settlement *s, const assay_model_row *row, assay_error *err) {
    const assay_reader *reader = &s->ledger->reader;
    assay_model_entry model;
    assay_adapter_entry adapter = {0};
    assay_settle_row part;
    bool found;
    ASSAY_TRY(assay_model_get(&model, &found, reader, &row->model, err));
    ASSAY_ASSERT(found);
    if (!assay_hash_is_zero(&row->adapter)) {
        ASSAY_TRY(assay_adapter_get(&adapter, &found, reader, &row->adapter, err));
        ASSAY_ASSERT(found);
    }
    assay_settle_split(&part, row->fee_sum, s->ledger->params, model.royalty_ppm,
                       adapter.entry.royalty_ppm);
    ASSAY_TRY(pay(s, &model.owner, ASSAY_PAID_PUBLISHER, &row->model, part.model, err));
    ASSAY_TRY(pay(s, &adapter.entry.owner, ASSAY_PAID_TUNER, &row->adapter, part.adapter, err));
    s->burned += part.burn;
    s->data += part.data;
    s->validators += part.validators;
    s->provider += part.provider;
    return ASSAY_OK;
}

// P-69: the data pool, once for the whole batch.
static assay_status data_settle(settlement *s, assay_arena *arena, assay_error *err) {
    const assay_dataset_list *rows = &s->tables.datasets;
    void *memory;
    ASSAY_TRY(assay_arena_get(arena, rows->count, sizeof(assay_u128), "weights", &memory, err));
    assay_u128 *weights = memory;
    ASSAY_TRY(assay_arena_get(arena, rows->count, sizeof(uint64_t), "shares", &memory, err));
    uint64_t *shares = memory;
    uint64_t paid;
    for (uint32_t i = 0; i < rows->count; i++)
        weights[i] = rows->items[i].weight;
    ASSAY_TRY(assay_settle_divide(shares, &paid, s->data, weights, rows->count,
                                  (assay_u128)s->batch.fee_total * ASSAY_PPM, err));
    s->burned += s->data - paid;
    for (uint32_t i = 0; i < rows->count; i++) {
        assay_address owner;
        bool taker;
        ASSAY_TRY(
            assay_spoils_taker(&owner, &taker, s->ledger, &s->id, &rows->items[i].dataset, err));
        if (taker)
            ASSAY_TRY(
                pay(s, &owner, ASSAY_PAID_CONTRIBUTOR, &rows->items[i].dataset, shares[i], err));
        else
            s->burned += shares[i];
    }
    return ASSAY_OK;
}

// P-70: those who were right about this batch, by their weights in its cases.
static assay_status validators_settle(settlement *s, assay_arena *arena, assay_error *err) {
    assay_spoils *checkers;
    uint32_t count;
    ASSAY_TRY(assay_spoils_list(&checkers, &count, &s->ledger->reader, ASSAY_TABLE_CHECKER, &s->id,
                                arena, err));
    void *memory;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_u128), "weights", &memory, err));
    assay_u128 *weights = memory;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(uint64_t), "shares", &memory, err));
    uint64_t *shares = memory;
    assay_u128 whole = 0;
    uint64_t paid;
    for (uint32_t i = 0; i < count; i++)
        whole += weights[i] = checkers[i].weight;
    ASSAY_TRY(assay_settle_divide(shares, &paid, s->validators, weights, count, whole, err));
    s->burned += s->validators - paid;
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(pay(s, &checkers[i].validator, ASSAY_PAID_VALIDATOR, NULL, shares[i], err));
    return ASSAY_OK;
}

static assay_status batch_settle(settlement *s, assay_arena *arena, assay_error *err) {
    assay_ledger *ledger = s->ledger;
    ASSAY_TRY(assay_batch_tables_get(&s->tables, &ledger->reader, &s->id, arena, err));
    for (uint32_t i = 0; i < s->tables.sessions.count; i++) {
        const assay_session_row *row = &s->tables.sessions.items[i];
        ASSAY_TRY(assay_session_settle(ledger, &row->session, row->fee_sum, err));
    }
    for (uint32_t i = 0; i < s->tables.models.count; i++)
        ASSAY_TRY(row_settle(s, &s->tables.models.items[i], err));
    ASSAY_TRY(data_settle(s, arena, err));
    ASSAY_TRY(validators_settle(s, arena, err));
    ASSAY_TRY(pay(s, &s->batch.provider, ASSAY_PAID_PROVIDER, NULL, s->provider, err));
    ASSAY_TRY(assay_money_move(ledger, assay_purse_pool(), assay_purse_burned(), s->burned, err));
    ASSAY_TRY(assay_spoils_drop(ledger, &s->id, err));
    s->batch.state = ASSAY_BATCH_SETTLED;
    s->batch.burned = s->burned;
    return assay_batch_end(ledger, &s->id, &s->batch, err);
}

// P-70
assay_status assay_settle_due(assay_ledger *ledger, assay_error *err) {
    assay_record_key first;
    assay_record_key_start(&first, ASSAY_TABLE_FINAL);
    for (uint64_t i = 0; i < ledger->params->settle_max && assay_ledger_has_room(ledger); i++) {
        settlement s = {.ledger = ledger};
        assay_store_position at;
        assay_arena arena;
        bool found;
        ASSAY_TRY(assay_reader_seek(&ledger->reader, &at, &first, 1, err));
        if (at.key_size == 0) break;
        memcpy(s.id.bytes, at.value.data, ASSAY_HASH_SIZE);
        assay_record_key key = assay_record_key_at(&at);
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        ASSAY_TRY(assay_batch_get(&s.batch, &found, &ledger->reader, &s.id, err));
        ASSAY_ASSERT(found && s.batch.state == ASSAY_BATCH_FINAL);
        assay_arena_init(&arena, 2 * ASSAY_TX_ARENA_MAX);
        assay_status status = batch_settle(&s, &arena, err);
        assay_arena_close(&arena);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}
