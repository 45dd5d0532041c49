// SPDX-License-Identifier: Apache-2.0
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct assay_pool {
    pthread_mutex_t turn; // held by the caller whose loop is running
    pthread_mutex_t lock; // guards all below but `next`
    pthread_cond_t start;
    pthread_cond_t done;
    void (*task)(void *context, size_t index);
    void *context;
    size_t count;
    atomic_size_t next;
    uint64_t generation;
    unsigned running;
    int stopping;
    unsigned worker_count;
    pthread_t workers[];
};

static void indices_take(assay_pool *pool) {
    for (;;) {
        size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->count) return;
        pool->task(pool->context, index);
    }
}

static void *worker_main(void *argument) {
    assay_pool *pool = argument;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stopping && pool->generation == seen)
            pthread_cond_wait(&pool->start, &pool->lock);
        if (pool->stopping) break;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->lock);
        indices_take(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0) pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
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
    pool->stopping = 1;
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

void assay_pool_run(assay_pool *pool, size_t count, void (*task)(void *context, size_t index),
                    void *context) {
    if (!pool || pool->worker_count == 0 || count < 2) {
        for (size_t i = 0; i < count; i++)
            task(context, i);
        return;
    }
    pthread_mutex_lock(&pool->turn);
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->context = context;
    pool->count = count;
    atomic_store(&pool->next, 0);
    pool->running = pool->worker_count;
    pool->generation++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    indices_take(pool);
    pthread_mutex_lock(&pool->lock);
    while (pool->running)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_unlock(&pool->turn);
}

unsigned assay_processor_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
