// SPDX-License-Identifier: Apache-2.0
#include "node/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double clock_seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double assay_measure_seconds(void) {
    return clock_seconds(CLOCK_MONOTONIC);
}

double assay_measure_thread_seconds(void) {
    return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

double assay_measure_process_seconds(void) {
    return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static int double_compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

double assay_measure_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, double_compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double assay_measure_percentile(double *values, size_t count, unsigned percent) {
    qsort(values, count, sizeof *values, double_compare);
    return values[(count * percent + 99) / 100 - 1];
}

assay_spread assay_measure_spread(double *values, size_t count) {
    double median = assay_measure_median(values, count);
    return (assay_spread){median, values[0], values[count - 1]};
}

uint64_t assay_measure_resident(uint64_t *anonymous) {
    unsigned long total = 0, resident = 0, shared = 0;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu %lu", &total, &resident, &shared) != 3)
        resident = shared = 0;
    if (file) fclose(file);
    *anonymous = (resident - shared) * page;
    return resident * page;
}
