// SPDX-License-Identifier: Apache-2.0
// Receipts settled a second through batches and all their verdicts, beside transfers.
#ifndef ASSAY_NODE_BENCH_RECEIPTS_H
#define ASSAY_NODE_BENCH_RECEIPTS_H

#include "node/bench/stage.h"
#include "node/measure.h"

enum {
    ASSAY_BENCH_BATCHES_MAX = 64,           // of a block: settle_max by default
    ASSAY_BENCH_BATCH_RECEIPTS_MAX = 11428, // of 367 bytes each in receipt_bytes_max
    ASSAY_BENCH_RECEIPT_RUNS_MAX = 100,
};

typedef struct {
    const char *folder; // where temporary folders are made, and removed afterwards
    uint32_t runs;
    uint32_t run_blocks;      // of either kind, in turns
    uint32_t block_transfers; // of one block,
    uint32_t block_batches;   // of the other,
    uint32_t batch_receipts;  // each
    uint32_t accounts;        // of the transfers
    unsigned threads;
} assay_bench_receipts_options;

typedef struct {
    assay_spread ratio; // receipts a second to transfers a second, within a run
    double receipts_per_s, transfers_per_s, batches_per_s;
    double batch_block_ms, transfer_block_ms;
    double batch_txs; // transactions that a batch takes, its own with them
    double fsync_ms;  // of one page in the same folder, median
    uint64_t settled; // receipts, in the blocks that count
} assay_bench_receipts_result;

// Two chains, with the default params, each in this process behind its application and without a
// consensus: one of transfers, one on which every block takes in batches, and the commits and
// reveals of all their samples, so that as many batches settle in each. Once the first have
// settled, the two make blocks in turns. A block's time is that of CheckTx for each transaction,
// PrepareProposal, FinalizeBlock and Commit with its fsync; signing is outside. Errors: MISMATCH
// (one was refused; batches were void), STOPPED, those of the application. Spec: P-52 … P-62.
assay_status assay_bench_receipts_run(assay_bench_receipts_result *out,
                                      const assay_bench_receipts_options *options,
                                      assay_error *err);

#endif
