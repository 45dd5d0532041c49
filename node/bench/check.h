// SPDX-License-Identifier: Apache-2.0
// What CheckTx costs beside the one thing it cannot do without: recovering the signer's key.
#ifndef ASSAY_NODE_BENCH_CHECK_H
#define ASSAY_NODE_BENCH_CHECK_H

#include "node/bench/stage.h"
#include "node/measure.h"

enum { ASSAY_BENCH_CHECK_PAIRS_MAX = 1000 };

// Processor time: ratios within a pair; us of one transaction, medians over the pairs.
typedef struct {
    assay_spread ratio;        // the call, from a frame's bytes to its answer's, to recovery
    assay_spread socket_ratio; // through a unix socket, frames sent without waiting, both sides
    double recover_us, check_us, socket_us;
} assay_bench_check_result;

// For each of `pairs`: new transfers are signed; then, in parts that take turns, libsecp256k1
// recovers their keys, and frames of CheckTx as CometBFT sends them are read, answered by the
// engine and the answers written, all on this thread. As many more then go through the socket,
// beside their recovery. One pair before the first is not counted. Errors: MISMATCH (one was
// refused), STOPPED, those of the application. Spec: E-22, P-26.
assay_status assay_bench_check_run(assay_bench_check_result *out, assay_bench_stage *stage,
                                   uint32_t pairs, assay_error *err);

#endif
