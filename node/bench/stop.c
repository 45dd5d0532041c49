// SPDX-License-Identifier: Apache-2.0
#include "node/bench/stop.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/ending.h"

assay_status assay_bench_sleep(uint32_t ms, assay_error *err) {
    return assay_ending_sleep(ms) ? ASSAY_FAIL(err, STOPPED, "asked to end") : ASSAY_OK;
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
