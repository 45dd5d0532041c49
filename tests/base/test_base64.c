// SPDX-License-Identifier: Apache-2.0
// F-60: RFC 4648's own vectors, every length's round trip, and what is no base64.
#include <string.h>

#include "base/base64.h"
#include "tests/test.h"

// RFC 4648, section 10.
static void vectors_of_the_rfc(void **unused) {
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[16];
        uint8_t data[16];
        size_t size;
        assay_base64_encode(text, pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(assay_base64_decode(data, &size, sizeof data, text, strlen(text), NULL),
                         ASSAY_OK);
        assert_int_equal(size, strlen(pairs[i][0]));
        assert_memory_equal(data, pairs[i][0], size);
    }
}

static void every_length_round_trips(void **unused) {
    uint8_t data[200], back[200];
    char text[ASSAY_BASE64_SIZE(200) + 1];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 89 + 3);
    for (size_t size = 0; size <= sizeof data; size++) {
        size_t decoded;
        assay_base64_encode(text, data, size);
        assert_int_equal(strlen(text), ASSAY_BASE64_SIZE(size));
        assert_int_equal(assay_base64_decode(back, &decoded, size, text, strlen(text), NULL),
                         ASSAY_OK);
        assert_int_equal(decoded, size);
        assert_memory_equal(back, data, size);
    }
}

static void one_encoding_of_each_value(void **unused) {
    static const char *const wrong[] = {"Z",        "Zg",   "Zg=",  "Zh==", "Zm9=",
                                        "Zg==Zg==", "Z===", "====", " g==", "Zg=\n",
                                        "Zm9v\nZg", "Zm9*", "Zm-_", "=g=="};
    uint8_t data[16];
    size_t size;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(
            assay_base64_decode(data, &size, sizeof data, wrong[i], strlen(wrong[i]), NULL),
            ASSAY_FORMAT);
    assert_int_equal(assay_base64_decode(data, &size, 2, "Zm9v", 4, NULL), ASSAY_CAPACITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_of_the_rfc),
                                       cmocka_unit_test(every_length_round_trips),
                                       cmocka_unit_test(one_encoding_of_each_value)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
