// SPDX-License-Identifier: Apache-2.0
// Transactions into a network as fast as it takes them, and how many come out of its blocks.
#ifndef ASSAY_NODE_BENCH_LOAD_H
#define ASSAY_NODE_BENCH_LOAD_H

#include "node/bench/network.h"

enum { ASSAY_BENCH_CONNECTIONS_MAX = 64 };

typedef struct {
    const uint8_t *txs; // [count][size], sent in this order, each once
    uint32_t count;
    uint32_t size;        // bytes of each
    uint32_t connections; // to the nodes in turn, each with one request at a time
    uint32_t window;      // sent and not yet in a block, at most: the mempool never fills
    double ramp_s;        // before it counts
    double seconds;       // that count; longer until there are a few blocks
    uint32_t first_free;  // transactions at a block's beginning that nobody sent: a beacon
} assay_bench_load_options;

// Processor time, seconds.
typedef struct {
    double comet, app, load; // of CometBFT's processes, the applications', and this one
} assay_bench_time;

typedef struct {
    double per_s; // accepted (code 0) in whole blocks, over the time between their commits
    uint64_t txs; // that many
    uint64_t refused;
    uint64_t blocks;
    double seconds;
    double block_ms;
    assay_bench_time time; // within `seconds`
    bool drained;          // all were sent before the time was over
} assay_bench_load_result;

// Batches of ten broadcast_tx_async, CometBFT's most by default, over connections that stay. A
// block is noted when node 0 has it; the first and the last that count bound the time. Codes are
// read when the load is over. Errors: RANGE (all was sent within two blocks), STOPPED, TIMEOUT,
// those of the network. Spec: F-60.
assay_status assay_bench_load_run(assay_bench_load_result *out, assay_bench_network *network,
                                  const assay_bench_load_options *options, assay_error *err);

// The same count of transactions of kvstore, each of `size` bytes: a key of its own, "=", a value.
// Into out [count][size]; size >= 16.
void assay_bench_kvstore_txs(uint8_t *out, uint32_t count, uint32_t size);

#endif
