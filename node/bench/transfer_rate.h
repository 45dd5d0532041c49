// SPDX-License-Identifier: Apache-2.0
// Signed transfers a second through CometBFT, beside its own in-process kvstore.
#ifndef ASSAY_NODE_BENCH_TRANSFER_RATE_H
#define ASSAY_NODE_BENCH_TRANSFER_RATE_H

#include "node/bench/load.h"
#include "node/measure.h"

enum { ASSAY_BENCH_RATE_RUNS_MAX = 100 };

typedef enum {
    ASSAY_BENCH_DEFAULTS,
    ASSAY_BENCH_SATURATED,
    ASSAY_BENCH_LOAD_COUNT
} assay_bench_load;

// What a load comes to. Lives: for ever.
typedef struct {
    const char *name;
    uint32_t pause_ms; // CometBFT's timeout_commit
    uint32_t window;   // transactions that wait for a block, at most
} assay_bench_load_kind;
extern const assay_bench_load_kind assay_bench_loads[ASSAY_BENCH_LOAD_COUNT];

typedef struct {
    const char *folder; // where temporary folders are made, and removed afterwards
    const char *comet;  // CometBFT's program
    uint32_t nodes;
    uint32_t runs;
    uint32_t accounts;
    uint32_t connections; // for each node
    assay_bench_load load;
    uint32_t seconds;
    uint32_t rate_max; // transfers signed beforehand for each second
} assay_bench_rate_options;

// One application's, over the runs.
typedef struct {
    assay_spread per_s;
    double block_ms, block_txs; // medians
    // Processor time for a transfer, on all nodes together, us; and what share of all processors'
    // time that was. Medians.
    double comet_us, app_us, load_us, busy;
    uint64_t refused;
} assay_bench_rate;

typedef struct {
    assay_spread ratio;        // the ledger's to kvstore's, within a run
    assay_spread socket_ratio; // that of kvstore behind a socket to kvstore's
    assay_bench_rate rates[ASSAY_BENCH_APPLICATION_COUNT];
    uint32_t nodes;
    assay_bench_load load;
} assay_bench_rate_result;

// For each run a new network of each application, one after the other, under the same load of
// transactions of the same size. Errors: those of networks and loads; CAPACITY (more than rate_max
// a second); STOPPED. Spec: E-20.
assay_status assay_bench_rate_run(assay_bench_rate_result *out,
                                  const assay_bench_rate_options *options, assay_error *err);

#endif
