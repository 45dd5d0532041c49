// SPDX-License-Identifier: Apache-2.0
// bench ledger, run as a program on a small chain: that it measures, not how fast this machine is.
#include "tests/node/bench_run.h"

#define SMALL "--accounts 50 --block-transfers 130 --pairs 2 "

static int run(const char *home, const char *options) {
    return bench_run("ledger", home, options);
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
    return cmocka_run_group_tests(tests, bench_folder_make, bench_folder_remove);
}
