// SPDX-License-Identifier: Apache-2.0
// A bench's figures as a table or as JSON.
#ifndef ASSAY_NODE_BENCH_INFER_SHOW_H
#define ASSAY_NODE_BENCH_INFER_SHOW_H

#include "node/bench/infer.h"
#include "node/command.h"

// Prints a result; each figure of the JSON is {"median","min","max"}, null where it was not
// measured. Returns: the exit code. Spec: F-9.
int assay_bench_infer_show(const assay_invocation *invocation,
                           const assay_bench_infer_options *options,
                           const assay_bench_infer_result *result);

#endif
