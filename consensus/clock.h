// SPDX-License-Identifier: Apache-2.0
// A clock that nobody sets, and waiting for a condition until a moment of it. Nothing of the
// ledger's rules waits.
#ifndef ASSAY_CONSENSUS_CLOCK_H
#define ASSAY_CONSENSUS_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

// Makes a condition whose waits end by assay_deadline_in's clock. Lives: until
// pthread_cond_destroy. Spec: C-15.
void assay_deadline_cond_init(pthread_cond_t *condition);

// `ms` from now, for pthread_cond_timedwait on such a condition. Spec: C-15.
void assay_deadline_in(struct timespec *out, uint64_t ms);

// That clock's nanoseconds and milliseconds, to tell how long something took.
uint64_t assay_clock_ns(void);
uint64_t assay_clock_ms(void);

#endif
