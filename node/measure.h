// SPDX-License-Identifier: Apache-2.0
// What the benches share: clocks, medians, and the memory this process has.
#ifndef ASSAY_NODE_MEASURE_H
#define ASSAY_NODE_MEASURE_H

#include <stddef.h>
#include <stdint.h>

// Seconds since some fixed moment; never goes back.
double assay_measure_seconds(void);

// Processor seconds that this thread, or all threads of this process, have had: what something
// costs where other programs run too.
double assay_measure_thread_seconds(void);
double assay_measure_process_seconds(void);

// The middle value, or the mean of the two. Sorts values[count]; count > 0.
double assay_measure_median(double *values, size_t count);

// The least value that at least `percent` (1 to 100) of them do not exceed. Sorts values[count];
// count > 0.
double assay_measure_percentile(double *values, size_t count, unsigned percent);

typedef struct {
    double median, min, max;
} assay_spread;

// Sorts values[count]; count > 0.
assay_spread assay_measure_spread(double *values, size_t count);

// Bytes of resident memory, mapped files included; *anonymous gets the part without them.
// Returns: 0 where the system does not tell.
uint64_t assay_measure_resident(uint64_t *anonymous);

#endif
