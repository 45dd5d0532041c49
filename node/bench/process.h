// SPDX-License-Identifier: Apache-2.0
// Programs that a measurement runs beside itself: they end with it, however it ends.
#ifndef ASSAY_NODE_BENCH_PROCESS_H
#define ASSAY_NODE_BENCH_PROCESS_H

#include <limits.h>
#include <sys/types.h>

#include "base/status.h"

// Where a program is: the path itself, or for a name without a slash what PATH finds; into out
// [PATH_MAX]. Errors: NOT_FOUND, CAPACITY. Spec: F-9.
assay_status assay_bench_program_find(char *out, const char *name, assay_error *err);

// The program that this is, into out [PATH_MAX]. Errors: NOT_FOUND. Spec: F-9.
assay_status assay_bench_program_own(char *out, assay_error *err);

// A zeroed struct is none.
typedef struct {
    pid_t pid;
    char log[PATH_MAX]; // its output and errors
} assay_bench_process;

// Starts a program with arguments (NULL ends them) in a process group of its own. The system kills
// it should this thread end. Errors: CAPACITY, BUSY. Lives: until end.
assay_status assay_bench_process_start(assay_bench_process *process, const char *path,
                                       const char *const *arguments, const char *log,
                                       assay_error *err);

// Whether it runs. Errors: STOPPED (it has ended; says the last line of its log). Spec: F-9.
assay_status assay_bench_process_check(assay_bench_process *process, assay_error *err);

// Processor time that processes [count] have taken so far, all their threads, seconds; of one that
// ended, none.
double assay_bench_processes_seconds(const assay_bench_process *processes, uint32_t count);

// Asks processes [count] to end, all at once, waits a few seconds for it, and kills who is left.
void assay_bench_processes_end(assay_bench_process *processes, uint32_t count);

#endif
