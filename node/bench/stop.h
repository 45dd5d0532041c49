// SPDX-License-Identifier: Apache-2.0
// A long measurement that Ctrl-C ends in order: what it started ends, what it made is removed.
#ifndef ASSAY_NODE_BENCH_STOP_H
#define ASSAY_NODE_BENCH_STOP_H

#include "base/status.h"

// Whether to go on; both need assay_ending_listen. Errors: STOPPED (asked to end). Any thread.
// Spec: F-77.
assay_status assay_bench_go_on(assay_error *err);

// Sleeps, not beyond being asked to end. Errors: STOPPED. Spec: F-77.
assay_status assay_bench_sleep(uint32_t ms, assay_error *err);

// A line of progress on standard error.
void assay_bench_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
