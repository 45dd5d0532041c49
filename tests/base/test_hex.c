// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text (F-2).

#include "base/hex.h"
#include "tests/test.h"

static const uint8_t bytes[] = {0x00, 0x01, 0x7f, 0x80, 0xab, 0xff};

static void encoding_is_lower_case(void **state) {
    char text[32];
    assay_hex_encode(text, bytes, sizeof bytes);
    assert_string_equal(text, "00017f80abff");
    assay_hex_encode_0x(text, bytes, sizeof bytes);
    assert_string_equal(text, "0x00017f80abff");
    assay_hex_encode_0x(text, bytes, 0);
    assert_string_equal(text, "0x");
}

static void decoding_takes_either_case_and_prefix(void **state) {
    const char *forms[] = {"00017f80abff", "0x00017f80abff", "0X00017F80ABFF", "00017F80aBfF"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint8_t out[sizeof bytes] = {0};
        assert_int_equal(assay_hex_decode(out, sizeof out, forms[i], NULL), ASSAY_OK);
        assert_memory_equal(out, bytes, sizeof bytes);
    }
    assert_int_equal(assay_hex_decode(NULL, 0, "", NULL), ASSAY_OK);
    assert_int_equal(assay_hex_decode(NULL, 0, "0x", NULL), ASSAY_OK);
}

static void every_byte_goes_there_and_back(void **state) {
    for (unsigned value = 0; value < 256; value++) {
        uint8_t in = (uint8_t)value, out = 0;
        char text[3];
        assay_hex_encode(text, &in, 1);
        assert_int_equal(assay_hex_decode(&out, 1, text, NULL), ASSAY_OK);
        assert_int_equal(out, in);
    }
}

static void other_text_is_refused(void **state) {
    const char *bad[] = {"",     "0",        "0x", "012", "0x0", "0x012",  " 01", "01 ",
                         "0x 1", "-1",       "+1", "g0",  "0g",  "0x0x01", "0\n", "x01",
                         "1h",   "\xc3\xa9", "@1", "`1",  "/1",  ":1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assay_error err = {0};
        uint8_t out;
        assert_int_equal(assay_hex_decode(&out, 1, bad[i], &err), ASSAY_FORMAT);
        assert_int_equal(err.status, ASSAY_FORMAT);
        assert_true(err.text[0] != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_is_lower_case),
        cmocka_unit_test(decoding_takes_either_case_and_prefix),
        cmocka_unit_test(every_byte_goes_there_and_back),
        cmocka_unit_test(other_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
