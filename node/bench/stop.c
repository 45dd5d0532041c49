// SPDX-License-Identifier: Apache-2.0
#include "node/bench/stop.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "node/command.h"

static atomic_bool stopped;

void assay_bench_stop_prepare(void) {
    sigset_t signals;
    assay_stop_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

assay_status assay_bench_sleep(uint32_t ms, assay_error *err) {
    sigset_t signals;
    const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    assay_stop_signals(&signals);
    if (!stopped && sigtimedwait(&signals, NULL, &time) > 0) stopped = true;
    return stopped ? ASSAY_FAIL(err, STOPPED, "asked to end") : ASSAY_OK;
}

assay_status assay_bench_go_on(assay_error *err) {
    return assay_bench_sleep(0, err);
}

void assay_bench_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
