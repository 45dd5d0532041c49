// SPDX-License-Identifier: Apache-2.0
// What the benches share: a clock, medians, and the memory this process has.
#ifndef ASSAY_NODE_MEASURE_H
#define ASSAY_NODE_MEASURE_H

#include <stddef.h>
#include <stdint.h>

// Seconds since some fixed moment; never goes back.
double assay_measure_seconds(void);

// The middle value, or the mean of the two. Sorts values[count]; count > 0.
double assay_measure_median(double *values, size_t count);

typedef struct {
    double median, min, max;
} assay_spread;

// Sorts values[count]; count > 0.
assay_spread assay_measure_spread(double *values, size_t count);

// Bytes of resident memory, mapped files included; *anonymous gets the part without them.
// Returns: 0 where the system does not tell.
uint64_t assay_measure_resident(uint64_t *anonymous);

#endif
