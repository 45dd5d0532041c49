// SPDX-License-Identifier: Apache-2.0
// How fast a chain settles transfers, beside what libsecp256k1 alone needs for their signatures.
#ifndef ASSAY_NODE_BENCH_LEDGER_H
#define ASSAY_NODE_BENCH_LEDGER_H

#include "base/status.h"

enum {
    ASSAY_BENCH_ACCOUNTS_MAX = 1 << 20,
    ASSAY_BENCH_TRANSFERS_MAX = 10000, // of a block: half of its bytes
    ASSAY_BENCH_PAIRS_MAX = 10000,
    ASSAY_BENCH_THREADS_MAX = 64,
    ASSAY_BENCH_SYNCS = 3, // of a block: the log's, and two of the state's commit
};

typedef struct {
    const char *folder; // where a temporary folder is made, and removed afterwards
    uint64_t accounts;  // >= 2
    uint64_t block_transfers;
    uint64_t pairs;
    uint64_t threads;
} assay_bench_ledger_options;

// Medians over the pairs.
typedef struct {
    double transfers_per_s;
    double recoveries_per_s;
    double ratio, ratio_min, ratio_max;    // recovery's time to the block's, within a pair
    double fsync_ms;                       // of one page in the same folder
    uint64_t memory_bytes_first;           // anonymous, resident after the first pair
    uint64_t memory_bytes, resident_bytes; // after the last; resident: with mapped files
} assay_bench_ledger_result;

// A new chain of `accounts` accounts. For each pair: transfers between uniformly random accounts
// are signed and handed to the solo engine unchecked; then, timed, libsecp256k1 recovers their
// keys on `threads` threads; then, timed, the engine makes them one block by all of its steps:
// header, signatures (each once, on the same threads), nonces, balances, state root, block log,
// commit. One pair before the first is not counted.
// Errors: those of making a chain and its blocks; MISMATCH (a transfer was refused, or a key does
// not come back). Spec: C-14, P-24, P-26.
assay_status assay_bench_ledger_run(assay_bench_ledger_result *out,
                                    const assay_bench_ledger_options *options, assay_error *err);

#endif
