// SPDX-License-Identifier: Apache-2.0
// What the ledger behind CometBFT does, beside what CometBFT and libsecp256k1 do alone.
#ifndef ASSAY_NODE_BENCH_CHAIN_H
#define ASSAY_NODE_BENCH_CHAIN_H

#include "node/bench/check.h"
#include "node/bench/query.h"
#include "node/bench/receipts.h"
#include "node/bench/transfer_rate.h"

enum {
    ASSAY_BENCH_CHAIN_ACCOUNTS_MAX = 1 << 20,
    ASSAY_BENCH_CHAIN_RUNS_MAX = 100,
    ASSAY_BENCH_CHAIN_TRANSFERS_MAX = 10000, // of a block: half of its bytes
    ASSAY_BENCH_CHAIN_THREADS_MAX = 64,
    ASSAY_BENCH_CHAIN_NETWORKS_MAX = 4,
    ASSAY_BENCH_CHAIN_RATES_MAX = ASSAY_BENCH_CHAIN_NETWORKS_MAX * ASSAY_BENCH_LOAD_COUNT,
    ASSAY_BENCH_CHAIN_CONNECTIONS_MAX = ASSAY_BENCH_CONNECTIONS_MAX / ASSAY_BENCH_NODES_MAX,
};

// The parts of the measurement, a bit each.
enum {
    ASSAY_BENCH_PART_CHECK = 1,
    ASSAY_BENCH_PART_QUERY = 2,
    ASSAY_BENCH_PART_TRANSFERS = 4,
    ASSAY_BENCH_PART_RECEIPTS = 8,
    ASSAY_BENCH_PART_ALL = 15,
};

typedef struct {
    unsigned parts;
    const char *folder; // where temporary folders are made, and removed afterwards
    uint64_t runs;
    uint64_t accounts; // >= 2
    uint64_t block_transfers;
    uint64_t samples; // of queries, each way and phase
    uint64_t threads;
    uint64_t block_batches;
    uint64_t batch_receipts;

    // Of the transfers behind CometBFT.
    const char *comet;
    uint32_t nodes[ASSAY_BENCH_CHAIN_NETWORKS_MAX]; // [network_count]
    uint32_t network_count;
    unsigned loads; // a bit each
    uint64_t seconds, connections, rate_max;
} assay_bench_chain_options;

// Parts that were not asked for are zeros.
typedef struct {
    assay_bench_check_result check;
    assay_bench_query_result query;
    assay_bench_receipts_result receipts;
    assay_bench_rate_result rates[ASSAY_BENCH_CHAIN_RATES_MAX]; // [rate_count]
    uint32_t rate_count;                                        // networks × loads
} assay_bench_chain_result;

// Reads "check,query,…". Errors: USAGE (names what is none). Spec: F-9.
assay_status assay_bench_parts_parse(unsigned *out, const char *text, assay_error *err);

// Reads "defaults,saturated". Errors: USAGE (names what is none). Spec: F-9.
assay_status assay_bench_loads_parse(unsigned *out, const char *text, assay_error *err);

// Reads "1,4": how many nodes each network has. Errors: USAGE, RANGE, CAPACITY. Spec: F-9.
assay_status assay_bench_nodes_parse(uint32_t out[ASSAY_BENCH_CHAIN_NETWORKS_MAX], uint32_t *count,
                                     const char *text, assay_error *err);

// Whether the accounts are enough for the transfers, if those were asked for: where nodes gossip,
// each sender's next transfer must come long after the one before, so there are two for each that
// waits. Errors: USAGE. Spec: F-9.
assay_status assay_bench_accounts_check(const assay_bench_chain_options *options, assay_error *err);

// Runs the parts one after the other. Errors: STOPPED, those of the parts.
assay_status assay_bench_chain_run(assay_bench_chain_result *out,
                                   const assay_bench_chain_options *options, assay_error *err);

#endif
