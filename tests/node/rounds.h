// SPDX-License-Identifier: Apache-2.0
// The world's generator, held as if a round ran: what asks meanwhile gathers.
#ifndef ASSAY_TESTS_NODE_ROUNDS_H
#define ASSAY_TESTS_NODE_ROUNDS_H

#include "tests/node/work.h"

static bool rounds_held;

static inline void rounds_hold(bool held) {
    assay_batcher *batcher = &world.shop.batcher;
    pthread_mutex_lock(&batcher->lock);
    batcher->running = rounds_held = held;
    pthread_cond_broadcast(&batcher->ended);
    pthread_mutex_unlock(&batcher->lock);
}

static inline uint32_t rounds_waiting(void) {
    assay_batcher *batcher = &world.shop.batcher;
    pthread_mutex_lock(&batcher->lock);
    uint32_t count = batcher->waiting_count;
    pthread_mutex_unlock(&batcher->lock);
    return count;
}

// Until so many wait, or a minute and more has shown that they never will.
static inline void rounds_await(uint32_t count) {
    for (int i = 0; i < 60000 && rounds_waiting() != count; i++)
        work_sleep(1);
    assert_int_equal(rounds_waiting(), count);
}

#endif
