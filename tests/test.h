// SPDX-License-Identifier: Apache-2.0
// What every test begins with: cmocka, and the calls that must succeed.
#ifndef ASSAY_TESTS_TEST_H
#define ASSAY_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"

// Runs a call whose last argument is `err`; fails with its sentence.
#define must(call)                                                                                 \
    do {                                                                                           \
        assay_error must_err_ = {0}, *err = &must_err_;                                            \
        (void)err;                                                                                 \
        if ((call) != ASSAY_OK)                                                                    \
            fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, #call, must_err_.text);                  \
    } while (0)

#endif
