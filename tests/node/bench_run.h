// SPDX-License-Identifier: Apache-2.0
// A bench run as a program, in a folder where it may leave nothing behind. Of its figures, whether
// they are there and make sense: not how fast this machine is. For one test program each.
#ifndef ASSAY_TESTS_NODE_BENCH_RUN_H
#define ASSAY_TESTS_NODE_BENCH_RUN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/folder.h"
#include "tests/test.h"
#include <jansson.h>

static char folder[] = "/tmp/assay-bench-test-XXXXXX";
static char out[1 << 14];

// Runs `assay bench NAME`; its standard output into `out`. Returns: the exit code.
static int bench_run(const char *name, const char *home, const char *options) {
    char command[1 << 12];
    int size =
        snprintf(command, sizeof command,
                 ASSAY_BINARY_DIR "/assay bench %s --home %s %s 2>/dev/null", name, home, options);
    assert_true(size > 0 && (size_t)size < sizeof command);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, sizeof out - 1, pipe);
    out[got] = 0;
    return WEXITSTATUS(pclose(pipe));
}

static int bench_folder_make(void **state) {
    test_folder_make(folder);
    return 0;
}

// Fails if a run left something behind.
static int bench_folder_remove(void **state) {
    return rmdir(folder);
}

static double number_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_number(value));
    double number = json_number_value(value);
    assert_true(number > 0 && number < 1e15); // JSON has no infinity and no NaN
    return number;
}

#endif
