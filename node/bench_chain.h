// SPDX-License-Identifier: Apache-2.0
// What the ledger behind CometBFT does, beside what CometBFT and libsecp256k1 do alone.
#ifndef ASSAY_NODE_BENCH_CHAIN_H
#define ASSAY_NODE_BENCH_CHAIN_H

#include "node/bench_check.h"
#include "node/bench_query.h"

enum {
    ASSAY_BENCH_CHAIN_ACCOUNTS_MAX = 1 << 20,
    ASSAY_BENCH_CHAIN_RUNS_MAX = 100,
    ASSAY_BENCH_CHAIN_TRANSFERS_MAX = 10000, // of a block: half of its bytes
    ASSAY_BENCH_CHAIN_THREADS_MAX = 64,
};

// The parts of the measurement, a bit each.
enum {
    ASSAY_BENCH_PART_CHECK = 1,
    ASSAY_BENCH_PART_QUERY = 2,
    ASSAY_BENCH_PART_ALL = 3,
};

typedef struct {
    unsigned parts;
    const char *folder; // where temporary folders are made, and removed afterwards
    uint64_t runs;
    uint64_t accounts; // >= 2
    uint64_t block_transfers;
    uint64_t samples; // of queries, each way and phase
    uint64_t threads;
} assay_bench_chain_options;

// Parts that were not asked for are zeros.
typedef struct {
    assay_bench_check_result check;
    assay_bench_query_result query;
} assay_bench_chain_result;

// Reads "check,query,…". Errors: USAGE (names what is none). Spec: F-9.
assay_status assay_bench_parts_parse(unsigned *out, const char *text, assay_error *err);

// Runs the parts one after the other. Errors: STOPPED, those of the parts.
assay_status assay_bench_chain_run(assay_bench_chain_result *out,
                                   const assay_bench_chain_options *options, assay_error *err);

#endif
