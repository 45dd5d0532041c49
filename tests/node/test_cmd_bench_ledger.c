// SPDX-License-Identifier: Apache-2.0
// bench ledger, run as a program on a small chain: that it measures, not how fast this machine is.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static char folder[] = "/tmp/assay-bench-test-XXXXXX";
static char out[1 << 12];

#define SMALL "--accounts 50 --block-transfers 130 --pairs 2 "

// Runs it; its standard output into `out`. Returns: the exit code.
static int run(const char *home, const char *options) {
    char command[1 << 12];
    int size =
        snprintf(command, sizeof command,
                 ASSAY_BINARY_DIR "/assay bench ledger --home %s %s 2>/dev/null", home, options);
    assert_true(size > 0 && (size_t)size < sizeof command);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, sizeof out - 1, pipe);
    out[got] = 0;
    return WEXITSTATUS(pclose(pipe));
}

static int folder_make(void **state) {
    return mkdtemp(folder) ? 0 : 1;
}

// Fails if a run left something behind.
static int folder_remove(void **state) {
    return rmdir(folder);
}

static double number_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_number(value));
    double number = json_number_value(value);
    assert_true(number > 0 && number < 1e15); // JSON has no infinity and no NaN
    return number;
}

static void all_figures_are_there(void **state) {
    static const char *const figures[] = {"transfers_per_s", "recoveries_per_s",
                                          "ratio_to_recovery", "fsync_ms_p50"};
    assert_int_equal(run(folder, SMALL "--json"), 0);
    json_t *result = json_loads(out, 0, NULL);
    assert_non_null(result);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        number_of(result, figures[i]);
    assert_int_equal(number_of(result, "threads"), 2);
    assert_int_equal(number_of(result, "accounts"), 50);
    double ratio = number_of(result, "ratio_to_recovery");
    assert_true(number_of(result, "ratio_min") <= ratio);
    assert_true(number_of(result, "ratio_max") >= ratio);
    json_decref(result);
}

static void people_get_a_table(void **state) {
    assert_int_equal(run(folder, SMALL "--threads 1"), 0);
    assert_non_null(strstr(out, "median of 2 pairs"));
    assert_non_null(strstr(out, "130 in "));
}

static void limits_are_kept(void **state) {
    assert_int_equal(run(folder, "--accounts 1"), 2);
    assert_int_equal(run(folder, "--block-transfers 10001"), 2);
    assert_int_equal(run("/nowhere/at/all", SMALL), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_figures_are_there),
        cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(limits_are_kept),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
