// SPDX-License-Identifier: Apache-2.0
// What bench chain found out, for people and for programs.
#ifndef ASSAY_NODE_BENCH_CHAIN_SHOW_H
#define ASSAY_NODE_BENCH_CHAIN_SHOW_H

#include <jansson.h>

#include "node/bench/chain.h"

// A new reference, NULL if memory is out; parts that did not run are absent. Spec: F-9.
json_t *assay_bench_chain_json(const assay_bench_chain_options *options,
                               const assay_bench_chain_result *result);

// The same on standard output, a line or two each part.
void assay_bench_chain_print(const assay_bench_chain_options *options,
                             const assay_bench_chain_result *result);

#endif
