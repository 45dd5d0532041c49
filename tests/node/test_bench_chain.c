// SPDX-License-Identifier: Apache-2.0
// bench chain: its options, its arithmetic, and that it measures on a small chain, run as a
// program; not how fast this machine is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "node/bench_chain.h"

static char folder[] = "/tmp/assay-bench-test-XXXXXX";
static char out[1 << 14];

#define SMALL "--runs 2 --accounts 200 --block-transfers 60 --samples 100 "

// Runs it; its standard output into `out`. Returns: the exit code.
static int run(const char *home, const char *options) {
    char command[1 << 12];
    int size =
        snprintf(command, sizeof command,
                 ASSAY_BINARY_DIR "/assay bench chain --home %s %s 2>/dev/null", home, options);
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

static json_t *result_of(const char *options) {
    assert_int_equal(run(folder, options), 0);
    json_t *result = json_loads(out, 0, NULL);
    assert_non_null(result);
    return result;
}

static double number_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_number(value));
    double number = json_number_value(value);
    assert_true(number > 0 && number < 1e15); // JSON has no infinity and no NaN
    return number;
}

static void spread_holds(const json_t *object, const char *name) {
    const json_t *spread = json_object_get(object, name);
    assert_true(number_of(spread, "min") <= number_of(spread, "median"));
    assert_true(number_of(spread, "median") <= number_of(spread, "max"));
}

static void check_and_query_have_all_figures(void **state) {
    json_t *result = result_of(SMALL "--json --parts check,query --threads 1");
    const json_t *check = json_object_get(result, "check_tx");
    assert_int_equal(number_of(result, "runs"), 2);
    number_of(check, "recovery_us");
    number_of(check, "socket_us");
    // It recovers a key, and does more.
    assert_true(number_of(check, "check_tx_us") > number_of(check, "recovery_us") / 2);
    spread_holds(check, "ratio");
    spread_holds(check, "socket_ratio");
    const json_t *query = json_object_get(result, "query");
    number_of(query, "finalize_block_ms_p50");
    number_of(query, "blocks");
    static const char *const ways[] = {"abci", "http"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *way = json_object_get(query, ways[i]);
        assert_true(number_of(way, "idle_p50_us") <= number_of(way, "idle_p99_us"));
        assert_true(number_of(way, "busy_p50_us") <= number_of(way, "busy_p99_us"));
        spread_holds(way, "p99_ratio");
    }
    json_decref(result);
}

static void people_get_a_table_of_what_they_asked_for(void **state) {
    assert_int_equal(run(folder, SMALL "--parts check"), 0);
    assert_non_null(strstr(out, "CheckTx"));
    assert_null(strstr(out, "account"));
}

static void limits_are_kept(void **state) {
    static const char *const wrong[] = {"--runs 0",
                                        "--runs 101",
                                        "--accounts 1",
                                        "--samples 99",
                                        "--block-transfers 10001",
                                        "--threads 0",
                                        "--parts check,nonsense",
                                        "--parts ''",
                                        "--parts check,,query"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(run(folder, wrong[i]), 2);
    assert_int_equal(run("/nowhere/at/all", SMALL "--parts check"), 3);
}

static void parts_are_read(void **state) {
    unsigned parts;
    assay_error err = {0};
    assert_int_equal(assay_bench_parts_parse(&parts, "query", NULL), ASSAY_OK);
    assert_int_equal(parts, ASSAY_BENCH_PART_QUERY);
    assert_int_equal(assay_bench_parts_parse(&parts, "query,check", NULL), ASSAY_OK);
    assert_int_equal(parts, ASSAY_BENCH_PART_QUERY | ASSAY_BENCH_PART_CHECK);
    assert_int_equal(assay_bench_parts_parse(&parts, "check,quer", &err), ASSAY_USAGE);
    assert_non_null(strstr(err.text, "\"quer\""));
}

static void percentiles_are_values_that_were_measured(void **state) {
    double values[200];
    for (int i = 0; i < 200; i++)
        values[i] = 200 - i;
    assert_true(assay_measure_percentile(values, 200, 50) == 100);
    assert_true(assay_measure_percentile(values, 200, 99) == 198);
    assert_true(assay_measure_percentile(values, 200, 100) == 200);
    assert_true(assay_measure_percentile(values, 200, 1) == 2);
    assert_true(assay_measure_percentile(values, 1, 99) == 1);
    assert_true(assay_measure_percentile(values, 99, 99) == 99);
    assay_spread spread = assay_measure_spread(values, 4);
    assert_true(spread.min == 1 && spread.median == 2.5 && spread.max == 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_and_query_have_all_figures),
        cmocka_unit_test(people_get_a_table_of_what_they_asked_for),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(parts_are_read),
        cmocka_unit_test(percentiles_are_values_that_were_measured),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
