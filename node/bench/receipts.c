// SPDX-License-Identifier: Apache-2.0
#include "node/bench/receipts.h"

#include <stdlib.h>

#include "node/bench/market.h"
#include "node/bench/stop.h"
#include "node/bench/sync.h"

// Blocks of either kind, in one run.
typedef struct {
    double transfer_s, batch_s;
    uint64_t settled, batches, txs;
} run;

typedef struct {
    const assay_bench_receipts_options *options;
    assay_bench_stage transfers, batches; // the two chains
    assay_bench_market market;
    assay_bytes *txs; // [block_transfers]
} bench;

static assay_status check_all(assay_bench_stage *stage, const assay_bytes *txs, uint32_t count,
                              assay_error *err) {
    for (uint32_t i = 0; i < count; i++) {
        assay_abci_request request = {.kind = ASSAY_ABCI_CHECK_TX};
        assay_abci_reply reply = {.kind = ASSAY_ABCI_CHECK_TX};
        assay_arena_reset(&stage->arena);
        request.check_tx.tx = txs[i];
        ASSAY_TRY(stage->abci.call(stage->abci.self, &request, &reply, &stage->arena, err));
        if (reply.check_tx.code)
            return ASSAY_FAIL(err, MISMATCH, "transaction %u is refused: %.*s", i,
                              (int)reply.check_tx.log.size, (const char *)reply.check_tx.log.data);
    }
    return ASSAY_OK;
}

static assay_status block_run(double *seconds, assay_bench_stage *stage, const assay_bytes *txs,
                              uint32_t count, assay_error *err) {
    assay_abci_block block;
    double start = assay_measure_seconds();
    ASSAY_TRY(check_all(stage, txs, count, err));
    ASSAY_TRY(assay_bench_stage_propose(stage, &block, txs, count, err));
    ASSAY_TRY(assay_bench_stage_execute(stage, &block, err));
    *seconds += assay_measure_seconds() - start;
    return ASSAY_OK;
}

static assay_status transfers_block(double *seconds, bench *b, assay_error *err) {
    ASSAY_TRY(assay_bench_stage_sign(&b->transfers, b->txs, err));
    return block_run(seconds, &b->transfers, b->txs, b->transfers.state.transfers.count, err);
}

static assay_status batches_block(double *seconds, bench *b, assay_error *err) {
    ASSAY_TRY(assay_bench_market_next(&b->market, err));
    return block_run(seconds, &b->batches, b->market.txs, b->market.tx_count, err);
}

// Receipts that have settled on the batches' chain; none may be void.
static assay_status settled_get(uint64_t *out, uint64_t *batches, const bench *b,
                                assay_error *err) {
    assay_app_counters counters;
    assay_app_counters_get(b->batches.state.app, &counters);
    if (counters.counts.of[ASSAY_COUNTED_BATCHES_VOID])
        return ASSAY_FAIL(err, MISMATCH, "%llu batches are void",
                          (ull)counters.counts.of[ASSAY_COUNTED_BATCHES_VOID]);
    *out = counters.counts.of[ASSAY_COUNTED_RECEIPTS_SETTLED];
    *batches = counters.counts.of[ASSAY_COUNTED_BATCHES_SETTLED];
    return ASSAY_OK;
}

// Until as many batches settle in a block as come into it.
static assay_status warm_up(bench *b, assay_error *err) {
    uint64_t settled = 0, batches;
    double ignored = 0;
    for (uint32_t i = 0; settled == 0; i++) {
        ASSAY_TRY(assay_bench_go_on(err));
        if (i == ASSAY_BENCH_MARKET_COHORTS)
            return ASSAY_FAIL(err, MISMATCH, "no batch has settled after %u blocks", i);
        ASSAY_TRY(batches_block(&ignored, b, err));
        ASSAY_TRY(settled_get(&settled, &batches, b, err));
    }
    return transfers_block(&ignored, b, err);
}

static assay_status run_run(run *out, bench *b, assay_error *err) {
    uint64_t receipts_before, batches_before, receipts, batches;
    *out = (run){0};
    ASSAY_TRY(settled_get(&receipts_before, &batches_before, b, err));
    for (uint32_t i = 0; i < b->options->run_blocks; i++) {
        ASSAY_TRY(assay_bench_go_on(err));
        ASSAY_TRY(transfers_block(&out->transfer_s, b, err));
        ASSAY_TRY(batches_block(&out->batch_s, b, err));
        out->txs += b->market.tx_count;
    }
    ASSAY_TRY(settled_get(&receipts, &batches, b, err));
    out->settled = receipts - receipts_before;
    out->batches = batches - batches_before;
    if (out->batches == (uint64_t)b->options->block_batches * b->options->run_blocks)
        return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH, "%llu batches have settled in %u blocks of %u",
                      (ull)out->batches, b->options->run_blocks, b->options->block_batches);
}

static assay_status bench_open(bench *b, assay_error *err) {
    const assay_bench_receipts_options *o = b->options;
    const assay_bench_state_options transfers = {.folder = o->folder,
                                                 .accounts = o->accounts,
                                                 .transfers = o->block_transfers,
                                                 .threads = o->threads};
    const assay_bench_state_options batches = {.folder = o->folder,
                                               .accounts = ASSAY_BENCH_MARKET_ACTORS,
                                               .transfers = 1,
                                               .threads = o->threads};
    b->txs = calloc(o->block_transfers, sizeof *b->txs);
    if (!b->txs) return ASSAY_FAIL(err, MEMORY, "no memory for %u transfers", o->block_transfers);
    ASSAY_TRY(assay_bench_stage_open(&b->transfers, &transfers, err));
    ASSAY_TRY(assay_bench_stage_open(&b->batches, &batches, err));
    return assay_bench_market_open(&b->market, &b->batches, o->block_batches, o->batch_receipts,
                                   err);
}

static void result_fill(assay_bench_receipts_result *out, const run *runs,
                        const assay_bench_receipts_options *o) {
    double values[ASSAY_BENCH_RECEIPT_RUNS_MAX];
    double transfers = (double)o->block_transfers * o->run_blocks, txs = 0, batches = 0;
#define EACH(expression)                                                                           \
    for (uint32_t i = 0; i < o->runs; i++)                                                         \
    values[i] = (expression)
    EACH(((double)runs[i].settled / runs[i].batch_s) / (transfers / runs[i].transfer_s));
    out->ratio = assay_measure_spread(values, o->runs);
    EACH((double)runs[i].settled / runs[i].batch_s);
    out->receipts_per_s = assay_measure_median(values, o->runs);
    EACH((double)runs[i].batches / runs[i].batch_s);
    out->batches_per_s = assay_measure_median(values, o->runs);
    EACH(transfers / runs[i].transfer_s);
    out->transfers_per_s = assay_measure_median(values, o->runs);
    EACH(1000 * runs[i].batch_s / o->run_blocks);
    out->batch_block_ms = assay_measure_median(values, o->runs);
    EACH(1000 * runs[i].transfer_s / o->run_blocks);
    out->transfer_block_ms = assay_measure_median(values, o->runs);
#undef EACH
    for (uint32_t i = 0; i < o->runs; i++) {
        out->settled += runs[i].settled;
        txs += (double)runs[i].txs;
        batches += (double)runs[i].batches;
    }
    out->batch_txs = txs / batches;
}

static assay_status runs_run(assay_bench_receipts_result *out, bench *b, assay_error *err) {
    run runs[ASSAY_BENCH_RECEIPT_RUNS_MAX];
    ASSAY_TRY(warm_up(b, err));
    for (uint32_t i = 0; i < b->options->runs; i++)
        ASSAY_TRY(run_run(&runs[i], b, err));
    result_fill(out, runs, b->options);
    return assay_bench_sync_measure(&out->fsync_ms, b->batches.state.folder, err);
}

assay_status assay_bench_receipts_run(assay_bench_receipts_result *out,
                                      const assay_bench_receipts_options *options,
                                      assay_error *err) {
    bench b = {.options = options};
    *out = (assay_bench_receipts_result){0};
    ASSAY_ASSERT(options->runs >= 1 && options->runs <= ASSAY_BENCH_RECEIPT_RUNS_MAX);
    assay_status status = bench_open(&b, err);
    if (status == ASSAY_OK) status = runs_run(out, &b, err);
    assay_bench_market_close(&b.market);
    assay_bench_stage_close(&b.batches);
    assay_bench_stage_close(&b.transfers);
    free(b.txs);
    return status;
}
