// SPDX-License-Identifier: Apache-2.0
// Status numbers and sentences (F-1).

#include "tests/test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "base/utf8.h"

static const struct {
    unsigned number;
    const char *name;
} statuses[] = {
#define X(name, number) {number, #name},
    ASSAY_STATUS_LIST(X)
#undef X
};

// Scripts depend on these: F-1's table and the code name the same numbers, one for one. A number
// that changes here is a break, not a table to update.
static void numbers_are_the_specs(void **state) {
    uint8_t *data;
    size_t size;
    unsigned cells = 0, number;
    char name[64], cell[80];
    must(assay_file_read(ASSAY_SOURCE_DIR "/spec/formats.md", 1 << 20, &data, &size, err));
    char *rule = strstr((char *)data, "**F-1**"), *next = strstr((char *)data, "**F-2**");
    assert_true(rule && next && rule < next);
    *next = 0;
    for (size_t i = 0; i < ASSAY_COUNT(statuses); i++) {
        snprintf(cell, sizeof cell, "| %u | %s |", statuses[i].number, statuses[i].name);
        if (!strstr(rule, cell)) fail_msg("F-1 lacks %s", cell);
    }
    for (const char *at = rule; (at = strstr(at, "| ")) != NULL; at++)
        cells += sscanf(at, "| %u | %63[A-Z_] |", &number, name) == 2;
    assert_int_equal(cells, ASSAY_COUNT(statuses));
    free(data);
}

static void every_status_has_a_name(void **state) {
#define X(name, number) assert_string_equal(assay_status_name(ASSAY_##name), #name);
    ASSAY_STATUS_LIST(X)
#undef X
    assert_string_equal(assay_status_name((assay_status)49), "UNKNOWN_STATUS");
}

static void a_failure_is_recorded(void **state) {
    assay_error err = {0};
    assert_int_equal(ASSAY_FAIL(&err, CAPACITY, "%u receipts, limit %u", 9u, 8u), ASSAY_CAPACITY);
    assert_int_equal(err.status, ASSAY_CAPACITY);
    assert_int_equal(err.reject, 0);
    assert_string_equal(err.text, "9 receipts, limit 8");
    assert_int_equal(assay_fail(&err, ASSAY_REJECTED, 104, "no"), ASSAY_REJECTED);
    assert_int_equal(err.reject, 104);
    assert_int_equal(ASSAY_FAIL(NULL, RANGE, "nobody listens"), ASSAY_RANGE);
}

static void long_text_is_cut_inside_the_buffer(void **state) {
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assay_error err = {0};
    ASSAY_FAIL(&err, FORMAT, "%s", text);
    assert_int_equal(strlen(err.text), ASSAY_ERROR_TEXT_MAX - 1);
    assay_fail_errno(&err, ENOENT, "%s", text);
    assert_int_equal(strlen(err.text), ASSAY_ERROR_TEXT_MAX - 1);
}

static void text_from_strangers_cannot_drive_a_terminal(void **state) {
    assay_error err = {0};
    ASSAY_FAIL(&err, UNKNOWN, "member \"%s\"", "a\x1b[2Jb\nc\x7f");
    assert_string_equal(err.text, "member \"a?[2Jb?c?\"");
    // U+009B is an escape sequence's start in one character.
    ASSAY_FAIL(&err, UNKNOWN,
               "\xc2\x9b"
               "2Jx\xc3\xa9");
    assert_string_equal(err.text, "??2Jx\xc3\xa9");
}

// JSON carries UTF-8 alone: a text cut inside a character, or quoted from an argument, stays that.
static void text_is_always_utf8(void **state) {
    char text[1001];
    assay_error err = {0};
    ASSAY_FAIL(&err, UNKNOWN,
               "a\xff"
               "b\xe2\x82"
               "c\xf0\x9f");
    assert_string_equal(err.text, "a?b??c??");
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x94\x91", 4);
        text[sizeof text - 1] = 0;
        ASSAY_FAIL(&err, FORMAT, "%s", text);
        size_t size = strlen(err.text);
        assert_int_equal(size, ASSAY_ERROR_TEXT_MAX - 1);
        assert_int_equal(assay_utf8_prefix((uint8_t *)err.text, size), size);
    }
}

static void text_is_utf8_whatever_it_quotes(void **state) {
    assay_error err = {0};
    ASSAY_FAIL(&err, NETWORK, "%.6s, \xc3\xa9, \xff\xfe", "abc\xe2\x82\xac\xe2\x82\xac");
    assert_string_equal(err.text, "abc\xe2\x82\xac, \xc3\xa9, ??");
    ASSAY_FAIL(&err, NETWORK, "%.5s", "abc\xe2\x82\xac"); // the limit cuts the sign
    assert_string_equal(err.text, "abc??");
}

static void errno_values_map_to_statuses(void **state) {
    static const struct {
        int error_number;
        assay_status status;
    } pairs[] = {
        {ENOSPC, ASSAY_DISK_FULL},  {EDQUOT, ASSAY_DISK_FULL},
        {EACCES, ASSAY_PERMISSION}, {EROFS, ASSAY_PERMISSION},
        {ENOENT, ASSAY_NOT_FOUND},  {EADDRINUSE, ASSAY_BUSY},
        {ETIMEDOUT, ASSAY_TIMEOUT}, {ENOMEM, ASSAY_MEMORY},
        {EEXIST, ASSAY_EXISTS},     {EIO, ASSAY_IO},
        {EISDIR, ASSAY_IO},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assay_error err = {0};
        assert_int_equal(assay_fail_errno(&err, pairs[i].error_number, "cannot open %s", "x"),
                         pairs[i].status);
        assert_int_equal(err.status, pairs[i].status);
        assert_true(strncmp(err.text, "cannot open x: ", 15) == 0);
        assert_true(strlen(err.text) > 15);
    }
}

static assay_status second_step(int *steps, assay_error *err) {
    ASSAY_TRY(ASSAY_OK);
    ++*steps;
    ASSAY_TRY(ASSAY_FAIL(err, TIMEOUT, "stop"));
    ++*steps;
    return ASSAY_OK;
}

static void try_returns_at_the_first_failure(void **state) {
    int steps = 0;
    assay_error err = {0};
    assert_int_equal(second_step(&steps, &err), ASSAY_TIMEOUT);
    assert_int_equal(steps, 1);
}

static void what_another_call_said_is_handed_on(void **state) {
    assay_error err = {0}, why = {0};
    assay_fail(&why, ASSAY_REJECTED, 105, "lane 7");
    assert_int_equal(assay_error_pass(&err, &why), ASSAY_REJECTED);
    assert_memory_equal(&err, &why, sizeof err);
    assert_int_equal(assay_error_pass(NULL, &why), ASSAY_REJECTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_specs),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(a_failure_is_recorded),
        cmocka_unit_test(long_text_is_cut_inside_the_buffer),
        cmocka_unit_test(text_from_strangers_cannot_drive_a_terminal),
        cmocka_unit_test(text_is_utf8_whatever_it_quotes),
        cmocka_unit_test(text_is_always_utf8),
        cmocka_unit_test(errno_values_map_to_statuses),
        cmocka_unit_test(what_another_call_said_is_handed_on),
        cmocka_unit_test(try_returns_at_the_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
