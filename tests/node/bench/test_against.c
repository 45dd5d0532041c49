// SPDX-License-Identifier: Apache-2.0
// Another engine's command: what its output may say, and what happens when it does not end (F-9).
#include <string.h>
#include <time.h>

#include "node/bench/against.h"
#include "node/measure.h"
#include "tests/test.h"

static assay_error err;

static void outputs_are_read(void **state) {
    static const struct {
        const char *text;
        assay_status status;
        double prefill, decode;
    } cases[] = {
        {"prefill 12.5\ndecode 3\n", ASSAY_OK, 12.5, 3},
        {"loading\nprefill\t7\nprefill 8 tokens/s\nbye", ASSAY_OK, 8, 0},
        {"\n\n  decode 1\ndecode 2", ASSAY_OK, 0, 2},
        {"prefill 1e3\r\n", ASSAY_OK, 1000, 0},
        {"", ASSAY_FORMAT, 0, 0},
        {"prefill", ASSAY_FORMAT, 0, 0},
        {"prefill fast", ASSAY_FORMAT, 0, 0},
        {"prefilled 3", ASSAY_FORMAT, 0, 0},
        {"decode 3x", ASSAY_FORMAT, 0, 0},
        {"decode -3", ASSAY_FORMAT, 0, 0},
        {"decode nan", ASSAY_FORMAT, 0, 0},
        {"decode inf", ASSAY_FORMAT, 0, 0},
        {"prefill 0\ndecode 0\n", ASSAY_FORMAT, 0, 0},
        {"[{\"n_prompt\":512,\"n_gen\":0,\"avg_ts\":90.5},"
         "{\"n_prompt\":0,\"n_gen\":64,\"avg_ts\":12}]",
         ASSAY_OK, 90.5, 12},
        {" [{\"n_prompt\":512,\"n_gen\":64,\"avg_ts\":90},{\"n_prompt\":0,\"n_gen\":1,"
         "\"avg_ts\":1}]\n",
         ASSAY_OK, 0, 1},
        {"[]", ASSAY_FORMAT, 0, 0},
        {"[{\"n_prompt\":512,\"n_gen\":0}]", ASSAY_FORMAT, 0, 0},
        {"[1,\"a\",[]]", ASSAY_FORMAT, 0, 0},
        {"[{\"n_prompt\":512", ASSAY_FORMAT, 0, 0},
        {"[] and more", ASSAY_TRAILING, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_bench_rates rates;
        assay_status status =
            assay_bench_rates_parse(&rates, cases[i].text, strlen(cases[i].text), &err);
        if (status != cases[i].status)
            fail_msg("'%s': status %d, expected %d", cases[i].text, status, cases[i].status);
        if (status != ASSAY_OK) continue;
        assert_true(rates.prefill == cases[i].prefill);
        assert_true(rates.decode == cases[i].decode);
    }
}

static void a_command_is_run(void **state) {
    assay_bench_rates rates;
    assert_int_equal(
        assay_bench_against_run(&rates, "cat; echo prefill 3; echo decode 4 >&1", 60, &err),
        ASSAY_OK);
    assert_true(rates.prefill == 3 && rates.decode == 4);
    assert_int_equal(assay_bench_against_run(&rates, "echo prefill 3; exit 7", 60, &err),
                     ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "exit code 7"));
    assert_int_equal(assay_bench_against_run(&rates, "kill -9 $$", 60, &err), ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "signal 9"));
    assert_int_equal(assay_bench_against_run(&rates, "echo nothing", 60, &err), ASSAY_FORMAT);
}

// The last one leaves a child that holds the pipe after its shell is gone.
static void no_command_is_waited_for_long(void **state) {
    static const char *const commands[] = {"sleep 300", "exec >&-; sleep 300",
                                           "sleep 300 & exit 0"};
    assay_bench_rates rates;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        double start = assay_measure_seconds();
        assert_int_equal(assay_bench_against_run(&rates, commands[i], 1, &err), ASSAY_TIMEOUT);
        assert_true(assay_measure_seconds() - start < 60);
    }
}

static void output_is_bounded(void **state) {
    assay_bench_rates rates;
    assert_int_equal(assay_bench_against_run(&rates, "yes prefill 1", 60, &err), ASSAY_CAPACITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_read),
        cmocka_unit_test(a_command_is_run),
        cmocka_unit_test(no_command_is_waited_for_long),
        cmocka_unit_test(output_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
