// SPDX-License-Identifier: Apache-2.0
#include "consensus/types/protobuf.h"
#include "tests/consensus/cometbft.h"

static void expect(const assay_writer *writer, const char *hex) {
    char text[128];
    assert_false(writer->failed);
    assay_hex_encode(text, writer->data, writer->size);
    assert_string_equal(text, hex);
}

// C-1: the examples of the protobuf encoding guide, and the ends of the range.
static void test_varint(void **state) {
    const struct {
        uint64_t value;
        const char *hex;
    } cases[] = {
        {0, "00"},
        {1, "01"},
        {127, "7f"},
        {128, "8001"},
        {150, "9601"},
        {86942, "9ea705"},
        {16383, "ff7f"},
        {16384, "808001"},
        {UINT64_C(1) << 63, "80808080808080808001"},
        {UINT64_MAX, "ffffffffffffffffff01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        assay_writer writer;
        assay_writer_init(&writer, bytes, sizeof bytes);
        assay_protobuf_varint(&writer, cases[i].value);
        expect(&writer, cases[i].hex);
        assert_int_equal(assay_protobuf_varint_size(cases[i].value), writer.size);
    }
}

// C-1: defaults are left out, but for entries and sub-messages.
static void test_fields(void **state) {
    uint8_t bytes[64], inner_bytes[16];
    assay_writer writer, inner;
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_protobuf_u64(&writer, 1, 0);
    assay_protobuf_sfixed64(&writer, 2, 0);
    assay_protobuf_bytes(&writer, 3, NULL, 0);
    expect(&writer, "");
    assay_protobuf_u64(&writer, 1, 150);
    assay_protobuf_sfixed64(&writer, 2, 1);
    assay_protobuf_bytes(&writer, 2, "testing", 7);
    assay_protobuf_entry(&writer, 16, "", 0);
    assay_writer_init(&inner, inner_bytes, sizeof inner_bytes);
    assay_protobuf_message(&writer, 3, &inner);
    assay_protobuf_u64(&inner, 1, 150);
    assay_protobuf_message(&writer, 3, &inner);
    expect(&writer, "089601"
                    "110100000000000000"
                    "120774657374696e67"
                    "820100"
                    "1a00"
                    "1a03089601");
}

// A sub-message that did not fit makes the whole fail.
static void test_failure_sticks(void **state) {
    uint8_t bytes[64], inner_bytes[1];
    assay_writer writer, inner;
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_writer_init(&inner, inner_bytes, sizeof inner_bytes);
    assay_protobuf_u64(&inner, 1, 1);
    assay_protobuf_message(&writer, 1, &inner);
    assert_true(writer.failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varint),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
