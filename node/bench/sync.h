// SPDX-License-Identifier: Apache-2.0
// What making a page durable takes in a folder.
#ifndef ASSAY_NODE_BENCH_SYNC_H
#define ASSAY_NODE_BENCH_SYNC_H

#include "base/status.h"

// The median of some syncs of one written page, ms. Errors: IO, DISK_FULL, PERMISSION. Spec: C-14.
assay_status assay_bench_sync_measure(double *out_ms, const char *folder, assay_error *err);

#endif
