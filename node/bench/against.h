// SPDX-License-Identifier: Apache-2.0
// Another engine's benchmark, run as a command beside ours.
#ifndef ASSAY_NODE_BENCH_AGAINST_H
#define ASSAY_NODE_BENCH_AGAINST_H

#include <stddef.h>

#include "base/status.h"

// Tokens/s; 0: not measured by the command.
typedef struct {
    double prefill, decode;
} assay_bench_rates;

// Runs `sh -c command` and reads its rates. Its standard error goes to ours; at timeout_s it is
// killed with all it started in its process group.
// Errors: TIMEOUT; NOT_FOUND (exit code not 0); CAPACITY (more than 1 MiB of output), IO, MEMORY,
// those of assay_bench_rates_parse. Spec: F-9.
assay_status assay_bench_against_run(assay_bench_rates *out, const char *command,
                                     unsigned timeout_s, assay_error *err);

// Reads a command's output: lines "prefill X" and "decode Y" (tokens/s) among others, or the JSON
// list of `llama-bench -o json` (avg_ts of the entries with n_prompt alone and with n_gen alone).
// Of several figures the last counts. Errors: FORMAT (no figure, or one that is not positive).
// Spec: F-3, F-9.
assay_status assay_bench_rates_parse(assay_bench_rates *out, const char *text, size_t size,
                                     assay_error *err);

#endif
