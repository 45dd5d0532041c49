// SPDX-License-Identifier: Apache-2.0
// How a test says that this machine lacks what it needs: skipped, never passed.
#ifndef ASSAY_TESTS_SKIP_H
#define ASSAY_TESTS_SKIP_H

#include <stdarg.h>
#include <stdio.h>

// ctest counts this exit code as "skipped" (SKIP_RETURN_CODE in tests/CMakeLists.txt).
enum { ASSAY_TEST_SKIPPED = 77 };

// Prints the reason, which tests/run lists. Returns: what main has to return.
__attribute__((format(printf, 1, 2))) static inline int assay_test_skip(const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("skipped: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    return ASSAY_TEST_SKIPPED;
}

#endif
