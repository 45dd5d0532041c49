// SPDX-License-Identifier: Apache-2.0
#include "consensus/ledger_application.h"

#include <assert.h>
#include <stdio.h>

#include "base/hex.h"
#include "ledger/beacon.h"
#include "ledger/view.h"

static_assert((int)ASSAY_APP_DATA_MAX <= (int)ASSAY_RESULT_DATA_MAX, "result data does not fit");
enum { NOPEN_PER_POWER = 1000000000, NAME_HASH_BYTES = 8 };

void assay_chain_name(char *out, const assay_genesis *genesis) {
    char digits[2 * NAME_HASH_BYTES + 1];
    assay_hex_encode(digits, genesis->hash.bytes, NAME_HASH_BYTES);
    snprintf(out, ASSAY_CHAIN_ID_MAX + 1, "assay-%llu-%s", (unsigned long long)genesis->chain_id,
             digits);
}

uint64_t assay_voting_power(uint64_t consensus_bond) {
    uint64_t power = consensus_bond / NOPEN_PER_POWER;
    return power ? power : 1;
}

static void info(void *self, assay_engine_info *out) {
    const assay_ledger_application *ledger = self;
    assay_app_info app;
    assay_app_info_get(ledger->app, &app);
    *out = (assay_engine_info){app.initialised, app.height, app.app_hash};
}

static assay_status init_chain(void *self, assay_error *err) {
    return assay_app_init_chain(((assay_ledger_application *)self)->app, err);
}

static assay_status check_tx(void *self, const void *tx, size_t size, assay_hash *id,
                             assay_error *err) {
    return assay_app_check_tx(((assay_ledger_application *)self)->app, tx, size, id, err);
}

static void recheck(void *self) {
    assay_app_recheck(((assay_ledger_application *)self)->app);
}

// The next preimage as a transaction, or nothing when there is no chain or it is used up.
static assay_status beacon_make(assay_ledger_application *ledger, assay_bytes *out,
                                assay_error *err) {
    assay_view view;
    assay_chain chain;
    size_t size;
    *out = (assay_bytes){NULL, 0};
    if (!ledger->chain || !ledger->chain->length) return ASSAY_OK;
    ASSAY_TRY(assay_view_open(&view, ledger->app, err));
    assay_status status = assay_chain_get(&chain, &view.reader, &ledger->proposer, err);
    assay_view_close(&view);
    if (status != ASSAY_OK || chain.left == 0 || chain.left > ledger->chain->length) return status;
    assay_tx tx = {.kind = ASSAY_TX_BEACON,
                   .chain_id = assay_app_genesis(ledger->app)->chain_id,
                   .signer = ledger->proposer,
                   .principal = ledger->proposer};
    assay_hashchain_at(&tx.body.beacon.preimage, ledger->chain, chain.left - 1);
    ASSAY_TRY(assay_tx_encode(&tx, ledger->beacon, sizeof ledger->beacon, &size, err));
    *out = (assay_bytes){ledger->beacon, size};
    return ASSAY_OK;
}

static assay_status prepare_proposal(void *self, const assay_engine_candidates *candidates,
                                     uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                     assay_error *err) {
    assay_ledger_application *ledger = self;
    assay_bytes beacon;
    bool with_beacon = false;
    ASSAY_TRY(beacon_make(ledger, &beacon, err));
    assay_app_proposal proposal = {candidates->height, ledger->proposer, candidates->txs,
                                   candidates->tx_count, beacon.size ? &beacon : NULL};
    ASSAY_TRY(assay_app_prepare_proposal(ledger->app, &proposal, picked, picked_count, &with_beacon,
                                         err));
    *first = with_beacon ? beacon : (assay_bytes){NULL, 0};
    return ASSAY_OK;
}

static assay_app_block block_of(const assay_engine_block *block) {
    return (assay_app_block){block->height, block->time.seconds, block->proposer, block->txs,
                             block->tx_count};
}

static assay_status process_proposal(void *self, const assay_engine_block *block,
                                     assay_error *err) {
    const assay_ledger_application *ledger = self;
    const assay_app_block input = block_of(block);
    return assay_app_process_proposal(ledger->app, &input, err);
}

static assay_status finalize_block(void *self, const assay_engine_block *block,
                                   assay_tx_result *results, const char **texts,
                                   assay_hash *app_hash, assay_error *err) {
    assay_ledger_application *ledger = self;
    const assay_app_block input = block_of(block);
    assay_app_outcome outcome;
    ASSAY_TRY(assay_app_finalize_block(ledger->app, &input, &outcome, err));
    ASSAY_ASSERT(outcome.tx_count == block->tx_count);
    for (uint32_t i = 0; i < outcome.tx_count; i++) {
        texts[i] = outcome.results[i].text;
        results[i].code = outcome.results[i].code;
        results[i].data_size = (uint8_t)outcome.results[i].data_size;
        memcpy(results[i].data, outcome.results[i].data, outcome.results[i].data_size);
    }
    *app_hash = outcome.app_hash;
    return ASSAY_OK;
}

static assay_status commit(void *self, assay_error *err) {
    return assay_app_commit(((assay_ledger_application *)self)->app, err);
}

// Whether the table has an entry; due_before bounds the height a due table's key starts with.
static bool table_waits(const assay_reader *reader, uint8_t table, uint64_t due_before) {
    assay_record_key from;
    assay_store_position position;
    assay_record_key_start(&from, table);
    if (assay_reader_seek(reader, &position, &from, 1, NULL) != ASSAY_OK || !position.key_size)
        return false;
    return position.key_size < 9 || assay_load_be64(position.key + 1) <= due_before;
}

// Open batches, cases, settlements, payouts of an epoch not yet closed, and whatever ends within
// an unbonding period. A session that expires in a year keeps no blocks coming. Where the state
// cannot be asked, a block too many is better than a window that never closes.
static bool waiting(void *self) {
    assay_ledger_application *ledger = self;
    assay_view view;
    if (assay_view_open(&view, ledger->app, NULL) != ASSAY_OK) return true;
    uint64_t soon = view.height + assay_params_unbond_blocks(view.params);
    assay_record_key payouts;
    assay_store_position position;
    assay_record_key_start(&payouts, ASSAY_TABLE_PAYOUT);
    bool waits = table_waits(&view.reader, ASSAY_TABLE_WAITING, UINT64_MAX) ||
                 table_waits(&view.reader, ASSAY_TABLE_CASE_DUE, UINT64_MAX) ||
                 table_waits(&view.reader, ASSAY_TABLE_FINAL, UINT64_MAX) ||
                 table_waits(&view.reader, ASSAY_TABLE_DUE, soon) ||
                 (assay_reader_seek(&view.reader, &position, &payouts, 1, NULL) == ASSAY_OK &&
                  position.key_size);
    assay_view_close(&view);
    return waits;
}

assay_application assay_ledger_application_calls(assay_ledger_application *self) {
    return (assay_application){
        self,           info,   init_chain, check_tx, recheck, prepare_proposal, process_proposal,
        finalize_block, commit, waiting};
}
