// SPDX-License-Identifier: Apache-2.0
// Reject codes are stable (P-19): the table in spec/protocol.md and the code name the same numbers,
// names and sentences, one for one.
#include "tests/ledger/tx/reject_name.h"
#include "tests/vectors.h"

#include "base/file.h"

static const struct {
    uint32_t number;
    const char *name;
    const char *text;
} codes[] = {
#define X(name, number, text) {number, #name, text},
    ASSAY_REJECT_LIST(X)
#undef X
};
enum { CODE_COUNT = sizeof codes / sizeof codes[0] };

// The specification as text; the caller frees it.
static char *spec_read(void) {
    uint8_t *data;
    size_t size;
    assert_int_equal(
        assay_file_read(ASSAY_SOURCE_DIR "/spec/protocol.md", 1 << 20, &data, &size, NULL),
        ASSAY_OK);
    return (char *)data;
}

static void every_code_stands_in_the_spec(void **state) {
    char *spec = spec_read();
    for (size_t i = 0; i < CODE_COUNT; i++) {
        char row[256];
        snprintf(row, sizeof row, "\n| %u | %s | %s |\n", codes[i].number, codes[i].name,
                 codes[i].text);
        if (!strstr(spec, row)) fail_msg("spec/protocol.md lacks the row%s", row);
    }
    free(spec);
}

static void every_row_of_the_spec_is_a_code(void **state) {
    char *spec = spec_read();
    const char *at = strstr(spec, "**P-19**");
    assert_non_null(at);
    unsigned rows = 0;
    while ((at = strstr(at, "\n| ")) != NULL) {
        unsigned number;
        char name[64];
        at++;
        if (sscanf(at, "| %u | %63[A-Z_0-9] |", &number, name) != 2 || number < 100) continue;
        assert_string_equal(reject_name(number), name);
        rows++;
    }
    assert_int_equal(rows, CODE_COUNT);
    free(spec);
}

static void numbers_ascend_within_their_ranges(void **state) {
    for (size_t i = 0; i < CODE_COUNT; i++) {
        assert_in_range(codes[i].number, 100, 259);
        if (i) assert_true(codes[i].number > codes[i - 1].number);
        assert_string_equal(assay_reject_text(codes[i].number), codes[i].text);
        // A sentence in the house's form: lower case first, no full stop.
        assert_true(codes[i].text[0] >= 'a' && codes[i].text[0] <= 'z');
        assert_true(codes[i].text[strlen(codes[i].text) - 1] != '.');
    }
    assert_string_equal(assay_reject_text(99), "unknown reason");
}

static void the_macro_fills_the_error(void **state) {
    assay_error err = {0};
    assert_int_equal(ASSAY_REJECT(&err, TX_LANE, "lane %u", 7u), ASSAY_REJECTED);
    assert_int_equal(err.status, ASSAY_REJECTED);
    assert_int_equal(err.reject, 105);
    assert_string_equal(err.text, "lane 7");
    assert_int_equal(ASSAY_REJECT(NULL, TX_LANE, "lane"), ASSAY_REJECTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_stands_in_the_spec),
        cmocka_unit_test(every_row_of_the_spec_is_a_code),
        cmocka_unit_test(numbers_ascend_within_their_ranges),
        cmocka_unit_test(the_macro_fills_the_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
