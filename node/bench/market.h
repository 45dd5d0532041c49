// SPDX-License-Identifier: Apache-2.0
// Everyone whom batches need, on a chain of a measurement: a provider, a consumer with a session, a
// publisher, and validators who vote "match" on all they are drawn for, in time.
#ifndef ASSAY_NODE_BENCH_MARKET_H
#define ASSAY_NODE_BENCH_MARKET_H

#include "ledger/case.h"
#include "node/bench/stage.h"

enum {
    ASSAY_BENCH_MARKET_VALIDATORS = 4,
    ASSAY_BENCH_MARKET_ACTORS = 3 + ASSAY_BENCH_MARKET_VALIDATORS,
    ASSAY_BENCH_MARKET_COHORTS = 256, // blocks whose batches are on their way
};

// The batches of one block.
typedef struct {
    uint64_t reveal_at; // height of the reveals; 0: the cases are not open yet
    assay_hash *batches;
    struct {
        uint32_t batch, sample, actor;
    } * votes; // [vote_count]
    uint32_t vote_count;
} assay_bench_cohort;

// A zeroed struct is safe to close. One thread.
typedef struct {
    assay_bench_stage *stage; // borrowed; its accounts are the actors
    uint32_t block_batches, batch_receipts;
    uint64_t nonces[ASSAY_BENCH_MARKET_ACTORS][ASSAY_TX_LANE_COUNT];
    assay_hash model, session;
    uint64_t sequence; // next of the session
    assay_bench_cohort cohorts[ASSAY_BENCH_MARKET_COHORTS];
    uint64_t first, end; // cohorts in work, by number
    uint8_t *bytes;      // of the block to come, [bytes_max]
    size_t used, bytes_max;
    assay_bytes *txs; // [tx_count]
    uint32_t tx_count, tx_max;
} assay_bench_market;

// The session, the bonds, the model and who declares it, in the chain's first blocks.
// batch_receipts times the smallest receipt must fit into the chain's receipt_bytes_max. Errors:
// MEMORY, MISMATCH, those of the application. Lives: until close. Spec: P-52 … P-54.
assay_status assay_bench_market_open(assay_bench_market *market, assay_bench_stage *stage,
                                     uint32_t block_batches, uint32_t batch_receipts,
                                     assay_error *err);
void assay_bench_market_close(assay_bench_market *market);

// Signs what the next block has to hold into market->txs: its batches, the commits of all cases
// that have just opened, and the reveals that have become due. Errors: CAPACITY, MISMATCH, those of
// reading the state. Spec: P-55 … P-57.
assay_status assay_bench_market_next(assay_bench_market *market, assay_error *err);

#endif
