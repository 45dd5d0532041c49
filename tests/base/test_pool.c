// SPDX-License-Identifier: Apache-2.0
// Meant for the tsan preset too: tasks write without atomics where the contract says they may.

#include "tests/test.h"
#include <pthread.h>
#include <string.h>

#include "base/pool.h"

enum { COUNT_MAX = 1000, RUNS = 500, CALLERS = 3 };

typedef struct {
    uint32_t calls[COUNT_MAX];
} tally;

static void call_count(void *context, size_t index) {
    ((tally *)context)->calls[index]++;
}

static void tally_expect(const tally *t, size_t count, uint32_t each) {
    for (size_t i = 0; i < COUNT_MAX; i++)
        assert_int_equal(t->calls[i], i < count ? each : 0);
}

static void each_index_runs_once(void **state) {
    static const unsigned sizes[] = {0, 1, 2, 3, 8};
    static const size_t counts[] = {0, 1, 2, 3, 7, COUNT_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        assay_pool *pool;
        assert_int_equal(assay_pool_open(&pool, sizes[s], NULL), ASSAY_OK);
        assert_int_equal(assay_pool_thread_count(pool), sizes[s] ? sizes[s] : 1);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            tally t = {{0}};
            assay_pool_run(pool, counts[c], call_count, &t);
            tally_expect(&t, counts[c], 1);
        }
        assay_pool_close(pool);
    }
}

static void many_runs_neither_lose_nor_mix_indices(void **state) {
    assay_pool *pool;
    assert_int_equal(assay_pool_open(&pool, 4, NULL), ASSAY_OK);
    tally t = {{0}};
    for (uint32_t run = 1; run <= RUNS; run++) {
        // Growing and shrinking loops: a late worker must not carry an index into the next run.
        size_t count = run % 2 ? COUNT_MAX : 3;
        assay_pool_run(pool, count, call_count, &t);
        tally small = {{0}};
        assay_pool_run(pool, 2 + run % 5, call_count, &small);
        tally_expect(&small, 2 + run % 5, 1);
    }
    for (size_t i = 0; i < COUNT_MAX; i++)
        assert_int_equal(t.calls[i], i < 3 ? RUNS : RUNS / 2);
    assay_pool_close(pool);
}

typedef struct {
    assay_pool *pool;
    tally t;
} caller;

static void *caller_main(void *argument) {
    caller *c = argument;
    for (int run = 0; run < RUNS; run++)
        assay_pool_run(c->pool, 17, call_count, &c->t);
    return NULL;
}

static void callers_take_turns(void **state) {
    assay_pool *pool;
    assert_int_equal(assay_pool_open(&pool, 3, NULL), ASSAY_OK);
    caller callers[CALLERS];
    pthread_t threads[CALLERS];
    memset(callers, 0, sizeof callers);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].pool = pool;
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        tally_expect(&callers[i].t, 17, RUNS);
    }
    assay_pool_close(pool);
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    assay_pool *pool;
    bool begun, open;
} gate;

static void gate_pass(void *context, size_t index) {
    gate *g = context;
    pthread_mutex_lock(&g->lock);
    g->begun = true;
    pthread_cond_broadcast(&g->changed);
    while (!g->open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void *gate_main(void *argument) {
    assay_pool_run(((gate *)argument)->pool, 2, gate_pass, argument);
    return NULL;
}

static void trying_waits_for_nobody(void **state) {
    gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    tally t = {{0}};
    assert_int_equal(assay_pool_open(&g.pool, 2, NULL), ASSAY_OK);
    assert_true(assay_pool_try_run(g.pool, 5, call_count, &t));
    tally_expect(&t, 5, 1);
    assert_int_equal(pthread_create(&thread, NULL, gate_main, &g), 0);
    pthread_mutex_lock(&g.lock);
    while (!g.begun)
        pthread_cond_wait(&g.changed, &g.lock);
    pthread_mutex_unlock(&g.lock);
    assert_false(assay_pool_try_run(g.pool, 5, call_count, &t));
    tally_expect(&t, 5, 1);
    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
    pthread_join(thread, NULL);
    assert_true(assay_pool_try_run(g.pool, 5, call_count, &t));
    tally_expect(&t, 5, 2);
    assay_pool_close(g.pool);
    assert_true(assay_pool_try_run(NULL, 5, call_count, &t));
    tally_expect(&t, 5, 3);
}

static void no_pool_means_the_callers_thread(void **state) {
    tally t = {{0}};
    assay_pool_run(NULL, 5, call_count, &t);
    tally_expect(&t, 5, 1);
    assert_int_equal(assay_pool_thread_count(NULL), 1);
    assay_pool_close(NULL);
    assert_true(assay_processor_count() >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_index_runs_once),
        cmocka_unit_test(many_runs_neither_lose_nor_mix_indices),
        cmocka_unit_test(callers_take_turns),
        cmocka_unit_test(trying_waits_for_nobody),
        cmocka_unit_test(no_pool_means_the_callers_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
