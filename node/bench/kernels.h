// SPDX-License-Identifier: Apache-2.0
// How fast the operations of a kernel set are, and whether their bits are ref's.
#ifndef ASSAY_NODE_BENCH_KERNELS_H
#define ASSAY_NODE_BENCH_KERNELS_H

#include "base/pool.h"
#include "node/bench/trial.h"

// The trials of every operation, at shapes of a model with a billion weights. Lives: for ever.
size_t assay_kernel_trials_list(const assay_trial_kind **out);

typedef struct {
    double seconds; // of the fastest of some runs, all threads together
    double macs;    // multiply-adds of a run; 0: an operation on single elements
    double bytes;   // of operands and result
    bool same_bits; // as ref
} assay_kernel_speed;

// Runs a trial on each set, which this machine must have; pool NULL: the caller's thread. Errors:
// MEMORY, UNKNOWN (operation). Spec: N-20.
assay_status assay_kernel_trial_run(assay_kernel_speed *out, const assay_trial_kind *kind,
                                    const assay_kernels *const *sets, size_t set_count,
                                    assay_pool *pool, assay_error *err);

#endif
