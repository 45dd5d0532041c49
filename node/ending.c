// SPDX-License-Identifier: Apache-2.0
#include "node/ending.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "consensus/clock.h"

static atomic_bool asked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken;

static void signals_fill(sigset_t *out) {
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
}

static void *listen_run(void *unused) {
    sigset_t signals;
    int which;
    signals_fill(&signals);
    while (sigwait(&signals, &which)) {
    }
    assay_ending_ask();
    return NULL;
}

assay_status assay_ending_listen(assay_error *err) {
    pthread_t thread;
    sigset_t signals;
    assay_deadline_cond_init(&woken);
    signals_fill(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (pthread_create(&thread, NULL, listen_run, NULL) != 0)
        return ASSAY_FAIL(err, MEMORY, "no thread to wait for signals");
    pthread_detach(thread);
    return ASSAY_OK;
}

const atomic_bool *assay_ending_asked(void) {
    return &asked;
}

bool assay_ending_stopped(assay_status status) {
    return status == ASSAY_STOPPED && atomic_load(&asked);
}

void assay_ending_ask(void) {
    pthread_mutex_lock(&lock);
    atomic_store(&asked, true);
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&lock);
}

bool assay_ending_sleep(uint64_t ms) {
    struct timespec until;
    assay_deadline_in(&until, ms);
    pthread_mutex_lock(&lock);
    while (!atomic_load(&asked) && pthread_cond_timedwait(&woken, &lock, &until) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&lock);
    return atomic_load(&asked);
}
