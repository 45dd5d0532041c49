// SPDX-License-Identifier: Apache-2.0
#include "consensus/ledger_application.h"

#include <assert.h>
#include <stdio.h>

#include "base/hex.h"
#include "ledger/beacon.h"
#include "ledger/due.h"
#include "ledger/epoch.h"
#include "ledger/money.h"
#include "ledger/validator.h"
#include "ledger/view.h"

enum { NAME_HASH_BYTES = 8 };

void assay_chain_name(char *out, const assay_genesis *genesis) {
    char digits[2 * NAME_HASH_BYTES + 1];
    assay_hex_encode(digits, genesis->hash.bytes, NAME_HASH_BYTES);
    snprintf(out, ASSAY_CHAIN_ID_MAX + 1, "assay-%llu-%s", (ull)genesis->chain_id, digits);
}

static void info(void *self, assay_app_info *out) {
    assay_app_info_get(((assay_ledger_application *)self)->app, out);
}

static assay_status init_chain(void *self, assay_error *err) {
    return assay_app_init_chain(((assay_ledger_application *)self)->app, err);
}

static assay_status check_tx(void *self, const void *tx, size_t size, bool again, assay_hash *id,
                             assay_error *err) {
    return assay_app_check_tx(((assay_ledger_application *)self)->app, tx, size, again, id, err);
}

static void expect(void *self, const assay_bytes *txs, uint32_t count) {
    assay_app_expect(((assay_ledger_application *)self)->app, txs, count);
}

static void recheck(void *self) {
    assay_app_forget_waiting(((assay_ledger_application *)self)->app);
}

// --- validators: engines know keys, the ledger accounts ---

static assay_status account_of(assay_address *out, const assay_view *view,
                               const assay_address *consensus, assay_error *err) {
    bool found;
    ASSAY_TRY(assay_validator_by_consensus(out, &found, &view->reader, consensus, err));
    if (found) return ASSAY_OK;
    char text[2 * ASSAY_ADDRESS_SIZE + 1];
    assay_hex_encode(text, consensus->bytes, ASSAY_ADDRESS_SIZE);
    return ASSAY_FAIL(err, MISMATCH, "no validator of this chain has the consensus address %s",
                      text);
}

assay_status assay_ledger_validators(assay_validator_update *out, uint32_t *count, assay_app *app,
                                     assay_error *err) {
    assay_validator_power list[ASSAY_POWER_MAX];
    static_assert((int)ASSAY_POWER_MAX <= (int)ASSAY_ENGINE_VALIDATORS_MAX, "out holds them all");
    uint32_t listed = 0;
    assay_view view;
    *count = 0;
    ASSAY_TRY(assay_view_open(&view, app, err));
    assay_status status = assay_validator_list(list, &listed, &view.reader, err);
    assay_view_close(&view);
    for (uint32_t i = 0; status == ASSAY_OK && i < listed; i++) {
        if (list[i].power == 0) continue;
        assay_validator_update *validator = &out[(*count)++];
        memcpy(validator->ed25519, list[i].ed25519, sizeof validator->ed25519);
        validator->power = list[i].power;
    }
    return status;
}

static assay_status validators(void *self, assay_validator_update *out, uint32_t *count,
                               assay_error *err) {
    return assay_ledger_validators(out, count, ((assay_ledger_application *)self)->app, err);
}

// --- proposals ---

// The next preimage, or zeros when there is no chain, it is used up, or it is none of this node's.
static assay_status preimage_find(assay_hash *out, const assay_ledger_application *ledger,
                                  const assay_view *view, uint64_t height,
                                  const assay_address *proposer, assay_error *err) {
    assay_chain chain;
    bool found;
    *out = (assay_hash){{0}};
    // A chain that waits may come into force at this very block.
    ASSAY_TRY(assay_chain_next(&chain, &view->reader, view->params, height, proposer, err));
    if (chain.left == 0 || ledger->no_preimage) return ASSAY_OK;
    return assay_beacon_chains_preimage(out, &found, ledger->chains, &chain.head, chain.left, err);
}

// The proposer's beacon, signed; nothing on a node without secrets.
static assay_status beacon_make(assay_ledger_application *ledger, const assay_view *view,
                                uint64_t height, const assay_address *proposer, assay_bytes *out,
                                assay_error *err) {
    const assay_genesis *genesis = assay_app_genesis(ledger->app);
    size_t size;
    *out = (assay_bytes){NULL, 0};
    if (!ledger->chains) return ASSAY_OK;
    assay_tx tx = {.kind = ASSAY_TX_BEACON,
                   .chain_id = genesis->chain_id,
                   .signer = *proposer,
                   .principal = *proposer,
                   .nonce = height};
    ASSAY_TRY(preimage_find(&tx.body.beacon.preimage, ledger, view, height, proposer, err));
    ASSAY_TRY(assay_beacon_sign(&tx, &genesis->hash, ledger->chains->secret, err));
    ASSAY_TRY(assay_tx_encode(&tx, ledger->beacon, sizeof ledger->beacon, &size, err));
    *out = (assay_bytes){ledger->beacon, size};
    return ASSAY_OK;
}

static assay_status prepare_proposal(void *self, const assay_engine_candidates *candidates,
                                     uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                     assay_error *err) {
    assay_ledger_application *ledger = self;
    assay_view view;
    assay_bytes beacon;
    assay_address proposer;
    bool with_beacon = false;
    ASSAY_TRY(assay_view_open(&view, ledger->app, err));
    assay_status status = account_of(&proposer, &view, &candidates->proposer, err);
    if (status == ASSAY_OK)
        status = beacon_make(ledger, &view, candidates->height, &proposer, &beacon, err);
    assay_view_close(&view);
    ASSAY_TRY(status);
    const assay_app_proposal proposal = {.height = candidates->height,
                                         .proposer = proposer,
                                         .candidates = candidates->txs,
                                         .candidate_count = candidates->tx_count,
                                         .beacon = beacon.size ? &beacon : NULL,
                                         .bytes_max = candidates->bytes_max};
    ASSAY_TRY(assay_app_prepare_proposal(ledger->app, &proposal, picked, picked_count, &with_beacon,
                                         err));
    *first = with_beacon ? beacon : (assay_bytes){NULL, 0};
    return ASSAY_OK;
}

// The block in the ledger's terms, against the last commit.
static assay_status block_of(assay_app_block *out, const assay_ledger_application *ledger,
                             const assay_engine_block *block, assay_error *err) {
    assay_view view;
    *out = (assay_app_block){.height = block->height,
                             .time = block->time.seconds,
                             .txs = block->txs,
                             .tx_count = block->tx_count,
                             .time_nanos = block->time.nanos,
                             .misbehaviors = block->misbehaviors,
                             .misbehavior_count = block->misbehavior_count};
    ASSAY_TRY(assay_view_open(&view, ledger->app, err));
    assay_status status = account_of(&out->proposer, &view, &block->proposer, err);
    assay_view_close(&view);
    return status;
}

static assay_status process_proposal(void *self, const assay_engine_block *block,
                                     assay_error *err) {
    assay_ledger_application *ledger = self;
    assay_app_block input;
    assay_error why = {0};
    assay_status status = block_of(&input, ledger, block, &why);
    // A header may name anybody as its proposer: that is the block's fault, not this machine's.
    if (status == ASSAY_MISMATCH) why.status = ASSAY_REJECTED;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    return assay_app_process_proposal(ledger->app, &input, err);
}

// --- blocks ---

static assay_status finalize_block(void *self, const assay_engine_block *block,
                                   assay_tx_result *results, const char **texts,
                                   assay_engine_outcome *out, assay_error *err) {
    assay_ledger_application *ledger = self;
    assay_app_block input;
    assay_app_outcome outcome;
    ASSAY_TRY(block_of(&input, ledger, block, err));
    ASSAY_TRY(assay_app_finalize_block(ledger->app, &input, &outcome, err));
    ASSAY_ASSERT(outcome.tx_count == block->tx_count);
    for (uint32_t i = 0; i < outcome.tx_count; i++) {
        results[i] = outcome.results[i];
        texts[i] = outcome.texts[i];
    }
    *out = (assay_engine_outcome){outcome.app_hash, outcome.updates, outcome.update_count};
    if (ledger->wrong_app_hash) out->app_hash.bytes[0] ^= 1;
    return ASSAY_OK;
}

static assay_status commit(void *self, assay_error *err) {
    return assay_app_commit(((assay_ledger_application *)self)->app, err);
}

static bool table_waits(const assay_reader *reader, uint8_t table) {
    assay_record_key from;
    assay_store_position position;
    assay_record_key_start(&from, table);
    return assay_reader_seek(reader, &position, &from, 1, NULL) == ASSAY_OK && position.key_size;
}

static bool due_waits(const assay_reader *reader, assay_due_kind kind, uint64_t until) {
    uint64_t due = 0;
    bool some;
    return assay_due_first(&due, &some, kind, reader, NULL) != ASSAY_OK || (some && due <= until);
}

// What was withdrawn becomes a claim at the close of its epoch, and then is what that published.
static bool claims_wait(const assay_view *view) {
    assay_totals totals;
    assay_epoch closed;
    bool found;
    if (assay_totals_get(&totals, &view->reader, NULL) != ASSAY_OK ||
        assay_epoch_last(&closed, &found, &view->reader, view->params, view->height, NULL) !=
            ASSAY_OK)
        return true;
    return totals.nopen[ASSAY_MONEY_CLAIMS] != closed.claims_total;
}

// Open batches, cases, settlements, payouts of an epoch that is not yet closed or not yet swept
// (P-73), withdrawals that are no claim yet, money that leaves a bond, and sessions that end while
// their batches could still be decided: one that expires in a year keeps no blocks coming. Where
// the state cannot be asked, a block too many is better than a window that never closes.
static bool waiting(void *self) {
    assay_ledger_application *ledger = self;
    assay_view view;
    if (assay_view_open(&view, ledger->app, NULL) != ASSAY_OK) return true;
    uint64_t soon = view.height + assay_params_window(view.params) + 2 * view.params->epoch_blocks;
    bool waits = table_waits(&view.reader, ASSAY_TABLE_WAITING) ||
                 table_waits(&view.reader, ASSAY_TABLE_CASE_DUE) ||
                 table_waits(&view.reader, ASSAY_TABLE_FINAL) ||
                 table_waits(&view.reader, ASSAY_TABLE_PAYOUT) ||
                 due_waits(&view.reader, ASSAY_DUE_UNBONDING, UINT64_MAX) ||
                 due_waits(&view.reader, ASSAY_DUE_DATASET, UINT64_MAX) ||
                 due_waits(&view.reader, ASSAY_DUE_SESSION, soon) || claims_wait(&view);
    assay_view_close(&view);
    return waits;
}

assay_application assay_ledger_application_calls(assay_ledger_application *self) {
    return (assay_application){
        self,           info,    init_chain,       validators,
        check_tx,       recheck, prepare_proposal, process_proposal,
        finalize_block, commit,  waiting,          assay_app_pooled(self->app) ? expect : NULL};
}
