// SPDX-License-Identifier: Apache-2.0
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// A forward pass is some hundred short loops: a thread that has nothing to do looks again this
// often before it sleeps, some ten microseconds, because waking it would cost as much as its work.
enum { LOOKS = 1000 };

struct assay_pool {
    pthread_mutex_t turn; // held by the caller whose loop is running
    atomic_uint callers;  // of run: that one and those who wait for its turn
    pthread_mutex_t lock; // held to sleep and to wake
    pthread_cond_t start;
    pthread_cond_t done;
    void (*task)(void *context, size_t index); // this and the next two: set before `generation`
    void *context;
    size_t count;
    atomic_size_t next;
    atomic_uint_fast64_t generation; // of loops; one more starts the next
    atomic_uint running;             // workers that have not ended the loop
    atomic_uint sleeping;            // workers in `start`
    atomic_int waiting;              // the caller is in `done`
    atomic_int stopping;
    unsigned worker_count;
    pthread_t workers[];
};

static void pause_shortly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void indices_take(assay_pool *pool) {
    for (;;) {
        size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->count) return;
        pool->task(pool->context, index);
    }
}

// Waits for a loop after generation `seen`. Whoever sleeps says so before it looks once more, and
// the caller starts a loop before it looks who sleeps: one of the two sees the other.
static bool loop_await(assay_pool *pool, uint64_t seen) {
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&pool->generation) != seen) return true;
        if (atomic_load(&pool->stopping)) return false;
        pause_shortly();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping, 1);
    while (atomic_load(&pool->generation) == seen && !atomic_load(&pool->stopping))
        pthread_cond_wait(&pool->start, &pool->lock);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->lock);
    return !atomic_load(&pool->stopping);
}

static void *worker_main(void *argument) {
    assay_pool *pool = argument;
    for (uint64_t seen = 0; loop_await(pool, seen); seen++) {
        indices_take(pool);
        if (atomic_fetch_sub(&pool->running, 1) > 1 || !atomic_load(&pool->waiting)) continue;
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
    return NULL;
}

// Waits for the workers, in the same two ways.
static void loop_end(assay_pool *pool) {
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&pool->running) == 0) return;
        pause_shortly();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->waiting, 1);
    while (atomic_load(&pool->running))
        pthread_cond_wait(&pool->done, &pool->lock);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_unlock(&pool->lock);
}

assay_status assay_pool_open(assay_pool **out, unsigned thread_count, assay_error *err) {
    unsigned wanted = thread_count > 1 ? thread_count - 1 : 0;
    assay_pool *pool = calloc(1, sizeof *pool + wanted * sizeof pool->workers[0]);
    *out = NULL;
    if (!pool) return ASSAY_FAIL(err, MEMORY, "no memory for a pool of %u threads", thread_count);
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (; pool->worker_count < wanted; pool->worker_count++) {
        pthread_t *worker = &pool->workers[pool->worker_count];
        int error_number = pthread_create(worker, NULL, worker_main, pool);
        if (error_number) {
            assay_pool_close(pool);
            return assay_fail_errno(err, error_number, "cannot start %u threads", thread_count);
        }
    }
    *out = pool;
    return ASSAY_OK;
}

void assay_pool_close(assay_pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->stopping, 1);
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->worker_count; i++)
        pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->start);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

unsigned assay_pool_thread_count(const assay_pool *pool) {
    return pool ? pool->worker_count + 1 : 1;
}

// Returns: whether the caller's thread alone did it, since there is nobody or nothing to share
// with.
static bool loop_alone(const assay_pool *pool, size_t count,
                       void (*task)(void *context, size_t index), void *context) {
    if (pool && pool->worker_count > 0 && count > 1) return false;
    for (size_t i = 0; i < count; i++)
        task(context, i);
    return true;
}

// The caller has the turn.
static void loop_share(assay_pool *pool, size_t count, void (*task)(void *context, size_t index),
                       void *context) {
    pool->task = task;
    pool->context = context;
    pool->count = count;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->running, pool->worker_count);
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleeping)) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->start);
        pthread_mutex_unlock(&pool->lock);
    }
    indices_take(pool);
    loop_end(pool);
}

void assay_pool_run(assay_pool *pool, size_t count, void (*task)(void *context, size_t index),
                    void *context) {
    if (loop_alone(pool, count, task, context)) return;
    atomic_fetch_add(&pool->callers, 1);
    pthread_mutex_lock(&pool->turn);
    loop_share(pool, count, task, context);
    pthread_mutex_unlock(&pool->turn);
    atomic_fetch_sub(&pool->callers, 1);
}

bool assay_pool_try_run(assay_pool *pool, size_t count, void (*task)(void *context, size_t index),
                        void *context) {
    if (loop_alone(pool, count, task, context)) return true;
    // The turn goes to whoever asks first after it ends: one who asked before must not lose it to
    // one who tries again and again.
    if (atomic_load(&pool->callers) || pthread_mutex_trylock(&pool->turn) != 0) return false;
    loop_share(pool, count, task, context);
    pthread_mutex_unlock(&pool->turn);
    return true;
}

unsigned assay_processor_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}

unsigned assay_pool_thread_default(void) {
    unsigned count = assay_processor_count();
    return count > 1 ? count - 1 : 1;
}
