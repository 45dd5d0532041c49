// SPDX-License-Identifier: Apache-2.0
// What this machine can at most do, measured beside what it did.
#ifndef ASSAY_NODE_BENCH_MACHINE_H
#define ASSAY_NODE_BENCH_MACHINE_H

#include "base/pool.h"
#include "kernels/table.h"

typedef struct {
    assay_pool *pool;             // borrowed
    const assay_kernels *kernels; // borrowed
    uint64_t *words;              // more memory than any cache has
} assay_bench_machine;

// A zeroed struct is safe to close. Errors: MEMORY. Lives: until close. Spec: N-20.
assay_status assay_bench_machine_open(assay_bench_machine *machine, assay_pool *pool,
                                      const assay_kernels *kernels, assay_error *err);
void assay_bench_machine_close(assay_bench_machine *machine);

// Bytes/s that all threads together read from memory: the best of a few passes.
double assay_bench_machine_read(const assay_bench_machine *machine);

// Multiply-adds/s of all threads together at the set's peak (kernels/peak.h); 0: the set has none.
double assay_bench_machine_macs(const assay_bench_machine *machine);

#endif
