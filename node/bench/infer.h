// SPDX-License-Identifier: Apache-2.0
// How fast a model runs here, beside what the machine allows and what another engine does.
#ifndef ASSAY_NODE_BENCH_INFER_H
#define ASSAY_NODE_BENCH_INFER_H

#include "node/bench/against.h"
#include "node/measure.h"
#include "quant/forward.h"

enum { ASSAY_BENCH_RUNS_MAX = 99, ASSAY_BENCH_AGAINST_MAX = 8, ASSAY_BENCH_BATCH_MAX = 64 };

typedef struct {
    assay_engine engine;
    const assay_adapter *const *adapters; // [adapter_count]
    uint32_t adapter_count;               // at most ASSAY_BENCH_BATCH_MAX
    uint32_t tokens;                      // of the prefill
    uint32_t decode;                      // decoded one by one from an empty context
    uint32_t receipt;           // tokens in, and out, of a receipt that is verified; 0: none
    uint32_t runs;              // 1 .. ASSAY_BENCH_RUNS_MAX
    const char *const *against; // [against_count] commands, see node/bench/against.h
    uint32_t against_count;     // at most ASSAY_BENCH_AGAINST_MAX
    unsigned timeout_s;         // of a command
} assay_bench_infer_options;

// An engine of another command: its rates, and ours through its own within each run.
typedef struct {
    assay_spread prefill, decode; // tokens/s
    assay_spread prefill_ratio, decode_ratio;
} assay_bench_infer_against;

// A share or ratio is taken within each run, from figures measured one after the other. A spread of
// zeros was not measured.
typedef struct {
    assay_spread prefill, decode;                 // tokens/s
    assay_spread peak_macs, read_bytes;           // a second, of all threads
    assay_spread prefill_share;                   // of peak_macs
    assay_spread decode_share;                    // of read_bytes
    assay_spread adapter_prefill, adapter_decode; // time with the adapter through time without
    assay_spread batch;   // tokens/s of a request with each adapter together through those of one
    assay_spread receipt; // time of verification through generation's
    assay_bench_infer_against against[ASSAY_BENCH_AGAINST_MAX];
    uint64_t resident_bytes;
    uint64_t kv_bytes;
    uint64_t linear_bytes, linear_weights; // of one pass
    uint64_t head_bytes, head_weights;
} assay_bench_infer_result;

// Runs take turns: prefill, decode, both with the first adapter, all adapters' decoding in one
// batch, the machine's limits, each command, the receipt; then again. One prefill and one command
// each before the first run are not counted. Errors: MEMORY, RANGE, MISMATCH (the receipt does not
// verify), those of assay_bench_against_run. Spec: N-18, F-9.
assay_status assay_bench_infer_run(assay_bench_infer_result *out,
                                   const assay_bench_infer_options *options, assay_error *err);

#endif
