// SPDX-License-Identifier: Apache-2.0
// A proposal: which of what waits to put into it, and whether another's is honest.
#include <stdlib.h>

#include "ledger/app_private.h"
#include "ledger/beacon.h"

// --- prepare_proposal ---

typedef struct {
    assay_app *app;
    const assay_app_proposal *proposal;
    assay_reader reader;
    uint64_t lane_bytes_left[ASSAY_TX_LANE_COUNT]; // by the rule (P-39)
    uint64_t lane_room_left[ASSAY_TX_LANE_COUNT];  // by the engine, overhead included (P-97)
    uint32_t *picked;
    uint32_t picked_count;
} selection;

static bool fits(const selection *select, uint8_t lane, size_t size) {
    return size <= select->lane_bytes_left[lane] &&
           size + ASSAY_APP_TX_OVERHEAD <= select->lane_room_left[lane];
}

static void room_take(selection *select, uint8_t lane, size_t size) {
    select->lane_bytes_left[lane] -= size;
    select->lane_room_left[lane] -= size + ASSAY_APP_TX_OVERHEAD;
}

// Takes a candidate if it fits and would be admitted behind what is picked.
static assay_status candidate_try(selection *select, uint32_t index, uint8_t lane,
                                  assay_arena *arena, assay_error *err) {
    assay_app *app = select->app;
    assay_bytes bytes = select->proposal->candidates[index];
    assay_verified_tx tx;
    assay_error refusal = {0};
    if (!fits(select, lane, bytes.size)) return ASSAY_OK;
    ASSAY_TRY(assay_verifier_check(app->verifier, &tx, bytes, arena, err));
    if (tx.code != 0) return ASSAY_OK;
    assay_status status =
        assay_pending_admit(&app->block_pending, &select->reader, &app->genesis->params,
                            select->proposal->height, &tx, ASSAY_PENDING_ALL, 0, &refusal);
    if (status == ASSAY_REJECTED) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &refusal);
    room_take(select, lane, bytes.size);
    select->picked[select->picked_count++] = index;
    return ASSAY_OK;
}

// A candidate's turn: how many bytes its principal has among those before it, or more, if an older
// one of its signer (an agent of several) comes later.
typedef struct {
    uint64_t before;
    uint32_t index;
    const uint8_t *head;
} turn;

static int by_number(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int turn_compare(const void *a, const void *b) {
    const turn *x = a, *y = b;
    int order = by_number(x->before, y->before);
    return order ? order : by_number(x->index, y->index);
}

static int party_compare(const turn *x, const turn *y, size_t at) {
    int order = memcmp(x->head + at, y->head + at, ASSAY_ADDRESS_SIZE);
    return order ? order : by_number(x->index, y->index);
}

static int principal_compare(const void *a, const void *b) {
    return party_compare(a, b, ASSAY_TX_PRINCIPAL_AT);
}

static int signer_compare(const void *a, const void *b) {
    return party_compare(a, b, ASSAY_TX_SIGNER_AT);
}

static bool same_party(const turn *x, const turn *y, size_t at) {
    return memcmp(x->head + at, y->head + at, ASSAY_ADDRESS_SIZE) == 0;
}

// Lane 1 is few principals' whose votes count by a height: nobody's bytes may hold up another's.
static void turns_take(turn *turns, uint32_t count, const assay_bytes *candidates) {
    qsort(turns, count, sizeof *turns, principal_compare);
    for (uint32_t i = 1; i < count; i++)
        if (same_party(&turns[i], &turns[i - 1], ASSAY_TX_PRINCIPAL_AT))
            turns[i].before = turns[i - 1].before + candidates[turns[i - 1].index].size;
    qsort(turns, count, sizeof *turns, signer_compare);
    for (uint32_t i = 1; i < count; i++)
        if (same_party(&turns[i], &turns[i - 1], ASSAY_TX_SIGNER_AT) &&
            turns[i].before < turns[i - 1].before)
            turns[i].before = turns[i - 1].before;
    qsort(turns, count, sizeof *turns, turn_compare);
}

// Lane 0 is taken oldest first: accounts are cheap, so turns would favour who has many.
static assay_status lane_select(selection *select, uint8_t lane, assay_error *err) {
    const assay_app_proposal *proposal = select->proposal;
    turn *turns = malloc(((size_t)proposal->candidate_count + 1) * sizeof *turns);
    if (turns == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for the order of a proposal");
    uint32_t count = 0;
    for (uint32_t i = 0; i < proposal->candidate_count; i++) {
        assay_bytes bytes = proposal->candidates[i];
        if (bytes.size >= ASSAY_TX_HEAD_SIZE && bytes.data[ASSAY_TX_LANE_AT] == lane)
            turns[count++] = (turn){0, i, bytes.data};
    }
    if (lane == 1) turns_take(turns, count, proposal->candidates);
    assay_arena arena;
    assay_status status = ASSAY_OK;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX + ASSAY_ERROR_TEXT_MAX + 16);
    for (uint32_t i = 0; i < count && status == ASSAY_OK; i++) {
        // One place is the beacon's.
        if (select->picked_count >= ASSAY_APP_TXS_MAX - 1) break;
        status = candidate_try(select, turns[i].index, lane, &arena, err);
        assay_arena_reset(&arena);
    }
    assay_arena_close(&arena);
    free(turns);
    return status;
}

static assay_status beacon_usable(assay_app *app, const selection *select, bool *usable,
                                  assay_error *err) {
    const assay_app_proposal *proposal = select->proposal;
    assay_arena arena;
    assay_verified_tx tx;
    assay_error refusal = {0};
    *usable = false;
    if (proposal->beacon == NULL || !fits(select, 0, proposal->beacon->size)) return ASSAY_OK;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    assay_status status = assay_verifier_check(app->verifier, &tx, *proposal->beacon, &arena, err);
    if (status == ASSAY_OK && tx.code == 0 &&
        assay_beacon_is_for(&tx.tx, &proposal->proposer, proposal->height)) {
        status = assay_beacon_check(&select->reader, app->genesis, &tx.tx, &refusal);
        *usable = status == ASSAY_OK;
        if (status == ASSAY_REJECTED)
            status = ASSAY_OK;
        else if (status != ASSAY_OK)
            assay_error_pass(err, &refusal);
    }
    assay_arena_close(&arena);
    return status;
}

assay_status assay_app_prepare_proposal(assay_app *app, const assay_app_proposal *proposal,
                                        uint32_t *picked, uint32_t *picked_count, bool *with_beacon,
                                        assay_error *err) {
    assay_snapshot *snapshot;
    *picked_count = 0;
    ASSAY_TRY(assay_snapshot_open(&snapshot, app->store, err));
    uint64_t half = app->genesis->params.block_bytes_max / 2;
    uint64_t room = proposal->bytes_max != 0 ? proposal->bytes_max / 2 : UINT64_MAX;
    selection select = {
        .app = app,
        .proposal = proposal,
        .reader = assay_reader_of_snapshot(snapshot),
        .lane_bytes_left = {half, half},
        .lane_room_left = {room, room},
        .picked = picked,
    };
    assay_pending_reset(&app->block_pending);
    assay_status status = beacon_usable(app, &select, with_beacon, err);
    if (status == ASSAY_OK) {
        if (*with_beacon) room_take(&select, 0, proposal->beacon->size);
        status = lane_select(&select, 1, err);
    }
    if (status == ASSAY_OK) status = lane_select(&select, 0, err);
    assay_snapshot_close(snapshot);
    if (status == ASSAY_OK) *picked_count = select.picked_count;
    return status;
}

// --- process_proposal ---

static assay_status sizes_check(const assay_app *app, const assay_verified *verified,
                                assay_error *err) {
    uint64_t half = app->genesis->params.block_bytes_max / 2;
    uint64_t bytes[ASSAY_TX_LANE_COUNT] = {0};
    uint32_t plain = 0; // one more than the place of the last of lane 0
    if (verified->count > ASSAY_APP_TXS_MAX)
        return ASSAY_REJECT(err, BLOCK_BYTES, "%u transactions, limit %d", verified->count,
                            ASSAY_APP_TXS_MAX);
    for (uint32_t i = 0; i < verified->count; i++) {
        const assay_verified_tx *tx = &verified->txs[i];
        if (tx->code != 0)
            return assay_fail(err, ASSAY_REJECTED, tx->code, "transaction %u: %s", i, tx->text);
        bytes[tx->tx.lane] += tx->bytes.size;
        bool beacon = tx->tx.kind == ASSAY_TX_BEACON;
        if (tx->tx.lane == 1 && plain != 0)
            return ASSAY_REJECT(err, BLOCK_ORDER, "transaction %u is of lane 1, %u of lane 0", i,
                                plain - 1);
        if (tx->tx.lane == 0 && !beacon) plain = i + 1;
    }
    for (int lane = 0; lane < ASSAY_TX_LANE_COUNT; lane++)
        if (bytes[lane] > half)
            return ASSAY_REJECT(err, BLOCK_BYTES, "lane %d has %llu bytes, limit %llu", lane,
                                (ull)bytes[lane], (ull)half);
    return ASSAY_OK;
}

static assay_status proposal_check(assay_app *app, const assay_app_block *block,
                                   const assay_verified *verified, const assay_reader *reader,
                                   assay_error *err) {
    const assay_params *params = &app->genesis->params;
    ASSAY_TRY(sizes_check(app, verified, err));
    const assay_tx *beacon = assay_block_beacon(verified, block);
    if (beacon == NULL)
        return ASSAY_REJECT(err, BEACON_PLACE,
                            "the first transaction is not the beacon of the "
                            "block's proposer");
    ASSAY_TRY(assay_beacon_check(reader, app->genesis, beacon, err));
    assay_pending_reset(&app->block_pending);
    for (uint32_t i = 1; i < verified->count; i++) {
        assay_error refusal = {0};
        assay_status status =
            assay_pending_admit(&app->block_pending, reader, params, block->height,
                                &verified->txs[i], ASSAY_PENDING_FEES, 0, &refusal);
        if (status != ASSAY_OK)
            return assay_fail(err, status, refusal.reject, "transaction %u: %s", i, refusal.text);
    }
    return ASSAY_OK;
}

assay_status assay_app_process_proposal(assay_app *app, const assay_app_block *block,
                                        assay_error *err) {
    assay_verified verified = {0};
    assay_snapshot *snapshot;
    ASSAY_TRY(assay_snapshot_open(&snapshot, app->store, err));
    assay_status status = assay_verifier_check_all(app->verifier, &verified, block->txs,
                                                   block->tx_count, app->pool, err);
    if (status == ASSAY_OK) {
        assay_reader reader = assay_reader_of_snapshot(snapshot);
        status = proposal_check(app, block, &verified, &reader, err);
    }
    assay_verified_close(&verified);
    assay_snapshot_close(snapshot);
    return status;
}
