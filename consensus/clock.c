// SPDX-License-Identifier: Apache-2.0
#include "consensus/clock.h"

enum { NANOS_PER_MS = 1000000, NANOS_PER_S = 1000000000 };

void assay_deadline_cond_init(pthread_cond_t *condition) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

uint64_t assay_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t assay_clock_ms(void) {
    return assay_clock_ns() / NANOS_PER_MS;
}

void assay_deadline_in(struct timespec *out, uint64_t ms) {
    clock_gettime(CLOCK_MONOTONIC, out);
    out->tv_sec += (time_t)(ms / 1000);
    out->tv_nsec += (long)(ms % 1000) * NANOS_PER_MS;
    if (out->tv_nsec >= NANOS_PER_S) {
        out->tv_nsec -= NANOS_PER_S;
        out->tv_sec++;
    }
}
