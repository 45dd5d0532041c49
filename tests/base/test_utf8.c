// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include "tests/test.h"
// clang-format on
#include "base/utf8.h"

#include <stdbool.h>

// Independent of the code: decodes to a code point and asks the definition (RFC 3629, section 3).
static bool definition(const uint8_t *b, size_t size) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t value;
    if (size == 1) return b[0] < 0x80;
    if (size == 2 && (b[0] & 0xE0) == 0xC0)
        value = b[0] & 0x1F;
    else if (size == 3 && (b[0] & 0xF0) == 0xE0)
        value = b[0] & 0x0F;
    else if (size == 4 && (b[0] & 0xF8) == 0xF0)
        value = b[0] & 0x07;
    else
        return false;
    for (size_t i = 1; i < size; i++) {
        if ((b[i] & 0xC0) != 0x80) return false;
        value = value << 6 | (b[i] & 0x3F);
    }
    return value >= least[size] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

// Every sequence of one to three bytes, and all four-byte ones whose last byte is an edge.
static void sequences_follow_the_definition(void **state) {
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (uint32_t v = 0; v < 1u << 24; v++) {
        uint8_t b[4] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v, 0};
        size_t want = definition(b, 1) ? 1 : definition(b, 2) ? 2 : definition(b, 3) ? 3 : 0;
        size_t got = assay_utf8_prefix(b, 3);
        if (want == 0) {
            assert_int_equal(got, 0);
            for (size_t i = 0; b[0] >= 0xF0 && i < sizeof edges; i++) {
                b[3] = edges[i];
                if ((assay_utf8_prefix(b, 4) == 4) != definition(b, 4)) fail();
            }
        } else if (got < want) {
            fail();
        }
    }
}

static void prefix_ends_at_the_first_bad_byte(void **state) {
    static const uint8_t text[] = "a\xC3\xA9\xF0\x9F\x98\x80z";
    assert_int_equal(assay_utf8_prefix(text, 8), 8);
    assert_int_equal(assay_utf8_prefix(text, 6), 3); // cut inside a sequence
    assert_int_equal(assay_utf8_prefix(text, 0), 0);
    static const uint8_t bad[] = "ab\xED\xA0\x80";
    assert_int_equal(assay_utf8_prefix(bad, 5), 2); // a surrogate
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_follow_the_definition),
        cmocka_unit_test(prefix_ends_at_the_first_bad_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
