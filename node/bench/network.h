// SPDX-License-Identifier: Apache-2.0
// A chain of CometBFT nodes on this machine, with CometBFT's own kvstore inside of each, or with
// assay node behind it: the same genesis, keys and settings whichever application it has.
#ifndef ASSAY_NODE_BENCH_NETWORK_H
#define ASSAY_NODE_BENCH_NETWORK_H

#include "node/bench/genesis.h"
#include "node/bench/process.h"
#include "node/comet/comet.h"

enum { ASSAY_BENCH_NODES_MAX = 16 };

typedef enum {
    ASSAY_BENCH_KVSTORE, // CometBFT's, in its process
    ASSAY_BENCH_SOCKET,  // the same application behind our socket: assay node --app kv
    ASSAY_BENCH_LEDGER,  // ours, behind the same socket
    ASSAY_BENCH_APPLICATION_COUNT,
} assay_bench_application;

// Borrowed for the call.
typedef struct {
    const char *folder;            // exists and is empty; the homes go there
    const char *comet;             // CometBFT's program
    const assay_genesis *genesis;  // with a validator a node
    const assay_operator *secrets; // [validators] in the order they had before the seal
    uint32_t nodes;                // at most ASSAY_BENCH_NODES_MAX
    assay_bench_application application;
    uint32_t pause_ms; // CometBFT's timeout_commit
} assay_bench_network_options;

// A zeroed struct is safe to close. One thread, but for the addresses.
typedef struct {
    uint32_t count;
    assay_comet nodes[ASSAY_BENCH_NODES_MAX]; // RPC
    assay_bench_process comets[ASSAY_BENCH_NODES_MAX];
    assay_bench_process apps[ASSAY_BENCH_NODES_MAX];
} assay_bench_network;

// Makes the homes, starts everything and waits until each node has two blocks and takes
// transactions. Errors: TIMEOUT, STOPPED (one has ended, or a signal), those of files and
// processes. Lives: until close, which ends the processes; the folder is the caller's. Spec: E-30.
assay_status assay_bench_network_open(assay_bench_network *network,
                                      const assay_bench_network_options *options, assay_error *err);
void assay_bench_network_close(assay_bench_network *network);

// Whether all run. Errors: STOPPED, as assay_bench_process_check. Spec: F-9.
assay_status assay_bench_network_check(assay_bench_network *network, assay_error *err);

// The height of node `index`. Errors: as assay_comet_get. Spec: F-60.
assay_status assay_bench_network_height(uint64_t *out, const assay_bench_network *network,
                                        uint32_t index, assay_error *err);

#endif
