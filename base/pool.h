// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that share one indexed loop at a time.
#ifndef ASSAY_BASE_POOL_H
#define ASSAY_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct assay_pool assay_pool;

// thread_count includes the caller's own thread: 1 starts none. Errors: MEMORY, BUSY.
// Lives: until assay_pool_close.
assay_status assay_pool_open(assay_pool **out, unsigned thread_count, assay_error *err);
void assay_pool_close(assay_pool *pool);

unsigned assay_pool_thread_count(const assay_pool *pool);

// Calls task(context, i) once for each i < count, on all threads, and returns when all are done.
// pool may be NULL: the caller's thread does it all. One run at a time per pool; a second caller
// waits. Which thread takes which index is not defined: tasks write to places of their own.
void assay_pool_run(assay_pool *pool, size_t count, void (*task)(void *context, size_t index),
                    void *context);

// The same where nobody else's run is in progress or waits for its turn, and otherwise nothing, at
// once. Returns: whether it ran. One of `run` behind it waits for no more than this one.
bool assay_pool_try_run(assay_pool *pool, size_t count, void (*task)(void *context, size_t index),
                        void *context);

// The number of processors this process may use.
unsigned assay_processor_count(void);

// Threads for a pool that works while others wait for answers: all those processors but one, and
// at least 1.
unsigned assay_pool_thread_default(void);

#endif
