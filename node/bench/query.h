// SPDX-License-Identifier: Apache-2.0
// How long a query takes while a block is executed, beside how long it takes when none is.
#ifndef ASSAY_NODE_BENCH_QUERY_H
#define ASSAY_NODE_BENCH_QUERY_H

#include "node/bench/stage.h"
#include "node/measure.h"

enum { ASSAY_BENCH_QUERY_ROUNDS_MAX = 1000, ASSAY_BENCH_QUERY_SAMPLES_MAX = 1000000 };

// us; medians over the rounds of a round's percentiles.
typedef struct {
    double p50, p99;
} assay_bench_latency;

// One way to ask.
typedef struct {
    assay_spread ratio; // p99 during FinalizeBlock to p99 of the idle, within a round
    assay_bench_latency idle, busy;
} assay_bench_query_way;

typedef struct {
    assay_bench_query_way abci; // Info and Flush on a connection of its own, which reads the tip
    assay_bench_query_way http; // GET of an account, which reads the state
    double finalize_ms;         // median, from the request to its answer
    uint64_t blocks;
} assay_bench_query_result;

// `rounds` times: samples of either way while nothing happens, then as many that begin while a
// block of transfers, whose signatures were checked before, is in FinalizeBlock on the consensus
// connection, whenever they end. Both ways take turns on one thread, with a pause after each.
// Errors: STOPPED, MEMORY, those of the application and of the connections. Spec: E-20.
assay_status assay_bench_query_run(assay_bench_query_result *out, assay_bench_stage *stage,
                                   uint32_t rounds, uint32_t samples, assay_error *err);

#endif
