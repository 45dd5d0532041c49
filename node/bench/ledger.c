// SPDX-License-Identifier: Apache-2.0
#include "node/bench/ledger.h"

#include <stdlib.h>

#include "base/file.h"
#include "consensus/solo.h"
#include "node/bench/state.h"
#include "node/bench/sync.h"
#include "node/measure.h"

// A zeroed struct is safe to close.
typedef struct {
    assay_bench_state state; // first: the calls' self is the chain
    assay_application calls; // the ledger's own, which the bench's go through to
    assay_solo *solo;
} chain;

// --- what the bench puts in place of the ledger's own ---

// The ledger's own check_tx verifies, and its prepare_proposal asks for that: here every signature
// is to be verified inside of finalize_block, which is timed, and nowhere else.
static assay_status check_tx(void *self, const void *tx, size_t size, bool again, assay_hash *id,
                             assay_error *err) {
    assay_tx_id(id, tx, size);
    return ASSAY_OK;
}

static assay_status prepare_proposal(void *self, const assay_engine_candidates *candidates,
                                     uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                     assay_error *err) {
    chain *c = self;
    const assay_engine_candidates none = {candidates->height, candidates->proposer, 0, NULL, 0};
    ASSAY_TRY(c->calls.prepare_proposal(self, &none, picked, picked_count, first, err));
    for (uint32_t i = 0; i < candidates->tx_count; i++)
        picked[i] = i;
    *picked_count = candidates->tx_count;
    return ASSAY_OK;
}

static assay_status finalize_block(void *self, const assay_engine_block *block,
                                   assay_tx_result *results, const char **texts,
                                   assay_engine_outcome *out, assay_error *err) {
    chain *c = self;
    ASSAY_TRY(c->calls.finalize_block(self, block, results, texts, out, err));
    for (uint32_t i = 0; i < block->tx_count; i++)
        if (results[i].code)
            return ASSAY_FAIL(err, MISMATCH, "transfer %u is refused: %s", i, texts[i]);
    return ASSAY_OK;
}

// --- the chain ---

static assay_status chain_open(chain *c, const assay_bench_ledger_options *options,
                               assay_error *err) {
    char blocks[PATH_MAX];
    const assay_bench_state_options state = {.folder = options->folder,
                                             .accounts = (uint32_t)options->accounts,
                                             .transfers = (uint32_t)options->block_transfers,
                                             .threads = (unsigned)options->threads};
    ASSAY_TRY(assay_bench_state_open(&c->state, &state, err));
    ASSAY_TRY(assay_path_join(blocks, sizeof blocks, c->state.folder, "blocks", err));
    c->calls = assay_ledger_application_calls(&c->state.ledger);
    assay_application application = c->calls;
    application.check_tx = check_tx;
    application.prepare_proposal = prepare_proposal;
    application.finalize_block = finalize_block;
    assay_solo_options solo = {
        .folder = blocks,
        .application = application,
        .chain_id = c->state.chain_id,
        .power = assay_voting_power(c->state.genesis.validators[0].consensus_bond),
    };
    memcpy(solo.seed, c->state.secrets.ed25519_seed, sizeof solo.seed);
    return assay_solo_open(&c->solo, &solo, err);
}

static void chain_close(chain *c) {
    if (c->solo) assay_solo_close(c->solo);
    assay_bench_state_close(&c->state);
}

// --- the measurement ---

typedef struct {
    double recover_s, block_s;
} pair;

static assay_status pair_run(pair *out, chain *c, assay_error *err) {
    assay_bench_transfers *transfers = &c->state.transfers;
    const assay_chain_engine engine = assay_solo_engine(c->solo);
    assay_hash id;
    ASSAY_TRY(assay_bench_transfers_sign(transfers, err));
    for (uint32_t i = 0; i < transfers->count; i++)
        ASSAY_TRY(
            engine.submit(engine.self, transfers->items[i].bytes, ASSAY_BENCH_TX_SIZE, &id, err));
    double start = assay_measure_seconds();
    uint32_t failed = assay_bench_transfers_recover(transfers);
    double middle = assay_measure_seconds();
    if (failed) return ASSAY_FAIL(err, MISMATCH, "%u signatures give no key", failed);
    ASSAY_TRY(assay_solo_step(c->solo, err));
    *out = (pair){middle - start, assay_measure_seconds() - middle};
    return ASSAY_OK;
}

static void result_fill(assay_bench_ledger_result *out, const pair *pairs, double *values,
                        const assay_bench_ledger_options *options) {
    size_t count = options->pairs;
    double transfers = (double)options->block_transfers;
    for (size_t i = 0; i < count; i++)
        values[i] = transfers / pairs[i].block_s;
    out->transfers_per_s = assay_measure_median(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = transfers / pairs[i].recover_s;
    out->recoveries_per_s = assay_measure_median(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = pairs[i].recover_s / pairs[i].block_s;
    out->ratio = assay_measure_median(values, count);
    out->ratio_min = values[0];
    out->ratio_max = values[count - 1];
}

static assay_status pairs_run(assay_bench_ledger_result *out, chain *c, pair *pairs,
                              const assay_bench_ledger_options *options, assay_error *err) {
    ASSAY_TRY(pair_run(&pairs[0], c, err)); // makes files and caches; overwritten
    for (uint64_t i = 0; i < options->pairs; i++) {
        ASSAY_TRY(pair_run(&pairs[i], c, err));
        out->resident_bytes = assay_measure_resident(&out->memory_bytes);
        if (i == 0) out->memory_bytes_first = out->memory_bytes;
    }
    return assay_bench_sync_measure(&out->fsync_ms, c->state.folder, err);
}

assay_status assay_bench_ledger_run(assay_bench_ledger_result *out,
                                    const assay_bench_ledger_options *options, assay_error *err) {
    chain c = {0};
    pair *pairs = calloc(options->pairs, sizeof *pairs);
    double *values = calloc(options->pairs, sizeof *values);
    assay_status status = ASSAY_OK;
    *out = (assay_bench_ledger_result){0};
    if (!pairs || !values)
        status = ASSAY_FAIL(err, MEMORY, "no memory for %llu pairs", (ull)options->pairs);
    if (status == ASSAY_OK) status = chain_open(&c, options, err);
    if (status == ASSAY_OK) status = pairs_run(out, &c, pairs, options, err);
    if (status == ASSAY_OK) result_fill(out, pairs, values, options);
    chain_close(&c);
    free(values);
    free(pairs);
    return status;
}
