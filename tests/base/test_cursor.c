// SPDX-License-Identifier: Apache-2.0
// Reading and writing canonical bytes (P-2): big-endian, sticky failure, nothing left over.
#include <stdlib.h>

#include "base/cursor.h"
#include "tests/test.h"

static const uint8_t wire[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                               0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

static void integers_are_big_endian(void **state) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, wire, sizeof wire);
    assert_int_equal(assay_cursor_u8(&cursor), 0x01);
    assert_int_equal(assay_cursor_u16(&cursor), 0x0203);
    assert_int_equal(assay_cursor_u32(&cursor), 0x04050607);
    assert_true(assay_cursor_u64(&cursor) == 0x08090a0b0c0d0e0f);
    assert_int_equal(assay_cursor_left(&cursor), 0);
    assert_int_equal(assay_cursor_finish(&cursor, "sample", NULL), ASSAY_OK);
}

static void writing_is_the_inverse(void **state) {
    uint8_t out[sizeof wire];
    assay_writer writer;
    assay_writer_init(&writer, out, sizeof out);
    assay_writer_u8(&writer, 0x01);
    assay_writer_u16(&writer, 0x0203);
    assay_writer_u32(&writer, 0x04050607);
    assay_writer_u64(&writer, 0x08090a0b0c0d0e0f);
    assert_false(writer.failed);
    assert_int_equal(writer.size, sizeof wire);
    assert_memory_equal(out, wire, sizeof wire);
}

static void failure_sticks_and_reads_zero(void **state) {
    assay_error err = {0};
    assay_cursor cursor;
    assay_cursor_init(&cursor, wire, 3);
    assert_int_equal(assay_cursor_u32(&cursor), 0);
    assert_true(cursor.failed);
    // Three bytes are still there, but nothing may be read after a failure.
    assert_int_equal(assay_cursor_u8(&cursor), 0);
    assert_int_equal(assay_cursor_u16(&cursor), 0);
    assert_true(assay_cursor_u64(&cursor) == 0);
    assert_null(assay_cursor_take(&cursor, 0));
    assay_hash hash;
    memset(&hash, 0xff, sizeof hash);
    assay_cursor_hash(&cursor, &hash);
    assert_true(assay_hash_is_zero(&hash));
    assay_address address;
    memset(&address, 0xff, sizeof address);
    assay_cursor_address(&cursor, &address);
    assert_true(assay_address_is_zero(&address));
    assert_int_equal(assay_cursor_blob(&cursor, 100).size, 0);
    assert_int_equal(assay_cursor_finish(&cursor, "sample", &err), ASSAY_TRUNCATED);
    assert_non_null(strstr(err.text, "sample"));
}

static void every_truncation_fails(void **state) {
    for (size_t size = 0; size < sizeof wire; size++) {
        uint8_t *exact = malloc(size ? size : 1); // ASan sees one byte too many
        assert_non_null(exact);
        memcpy(exact, wire, size);
        assay_cursor cursor;
        assay_cursor_init(&cursor, exact, size);
        assay_cursor_u8(&cursor);
        assay_cursor_u16(&cursor);
        assay_cursor_u32(&cursor);
        assay_cursor_u64(&cursor);
        assert_int_equal(assay_cursor_finish(&cursor, "sample", NULL), ASSAY_TRUNCATED);
        free(exact);
    }
}

static void trailing_bytes_fail(void **state) {
    assay_error err = {0};
    assay_cursor cursor;
    assay_cursor_init(&cursor, wire, sizeof wire);
    assay_cursor_u64(&cursor);
    assert_int_equal(assay_cursor_finish(&cursor, "sample", &err), ASSAY_TRAILING);
    assert_non_null(strstr(err.text, "7 bytes"));
}

static void blobs_are_bounded_by_limit_and_buffer(void **state) {
    const uint8_t blob[] = {0, 0, 0, 2, 'h', 'i'};
    const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'h', 'i'};
    assay_cursor cursor;
    assay_cursor_init(&cursor, blob, sizeof blob);
    assay_bytes bytes = assay_cursor_blob(&cursor, 2);
    assert_int_equal(bytes.size, 2);
    assert_memory_equal(bytes.data, "hi", 2);
    assert_int_equal(assay_cursor_finish(&cursor, "blob", NULL), ASSAY_OK);

    assay_cursor_init(&cursor, blob, sizeof blob);
    assert_int_equal(assay_cursor_blob(&cursor, 1).size, 0);
    assert_int_equal(assay_cursor_finish(&cursor, "blob", NULL), ASSAY_TRUNCATED);

    assay_cursor_init(&cursor, huge, sizeof huge);
    assert_int_equal(assay_cursor_blob(&cursor, UINT32_MAX).size, 0);
    assert_int_equal(assay_cursor_finish(&cursor, "blob", NULL), ASSAY_TRUNCATED);
}

static void no_bytes_are_a_buffer_too(void **state) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, NULL, 0);
    assert_non_null(assay_cursor_take(&cursor, 0));
    assert_int_equal(assay_cursor_finish(&cursor, "nothing", NULL), ASSAY_OK);
    assert_null(assay_cursor_take(&cursor, SIZE_MAX));
    assert_int_equal(assay_cursor_finish(&cursor, "nothing", NULL), ASSAY_TRUNCATED);
}

static void a_full_writer_stays_failed(void **state) {
    uint8_t out[8];
    memset(out, 0xee, sizeof out);
    assay_writer writer;
    assay_writer_init(&writer, out, 4);
    assay_writer_u16(&writer, 1);
    assay_writer_u32(&writer, 2);
    assert_true(writer.failed);
    assay_writer_u8(&writer, 3); // would fit, but must not follow a gap
    assert_true(writer.failed);
    const uint8_t expected[] = {0, 1, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
    assert_memory_equal(out, expected, sizeof out);
}

static void objects_go_there_and_back(void **state) {
    uint8_t buffer[100];
    assay_hash hash, hash_back;
    assay_address address, address_back;
    memset(&hash, 0x5a, sizeof hash);
    memset(&address, 0xa5, sizeof address);
    assay_writer writer;
    assay_writer_init(&writer, buffer, sizeof buffer);
    assay_writer_hash(&writer, &hash);
    assay_writer_address(&writer, &address);
    assay_writer_blob(&writer, "text", 4);
    assay_writer_blob(&writer, NULL, 0);
    assert_false(writer.failed);
    assert_int_equal(writer.size, 32 + 20 + 8 + 4);
    assay_cursor cursor;
    assay_cursor_init(&cursor, buffer, writer.size);
    assay_cursor_hash(&cursor, &hash_back);
    assay_cursor_address(&cursor, &address_back);
    assay_bytes text = assay_cursor_blob(&cursor, 4);
    assay_bytes empty = assay_cursor_blob(&cursor, 4);
    assert_int_equal(assay_cursor_finish(&cursor, "objects", NULL), ASSAY_OK);
    assert_true(assay_hash_equal(&hash, &hash_back));
    assert_true(assay_address_equal(&address, &address_back));
    assert_int_equal(text.size, 4);
    assert_memory_equal(text.data, "text", 4);
    assert_int_equal(empty.size, 0);
}

static void unaligned_stores_and_loads_agree(void **state) {
    uint8_t room[9];
    uint64_t value = 0xfedcba9876543210;
    assay_store_be64(room + 1, value);
    assert_int_equal(room[1], 0xfe);
    assert_true(assay_load_be64(room + 1) == value);
    assay_store_le64(room + 1, value);
    assert_int_equal(room[1], 0x10);
    assert_true(assay_load_le64(room + 1) == value);
    assay_store_be32(room + 1, 0x89abcdef);
    assert_int_equal(room[1], 0x89);
    assert_true(assay_load_be32(room + 1) == 0x89abcdef);
    assay_store_le32(room + 1, 0x89abcdef);
    assert_int_equal(room[1], 0xef);
    assert_true(assay_load_le32(room + 1) == 0x89abcdef);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(writing_is_the_inverse),
        cmocka_unit_test(failure_sticks_and_reads_zero),
        cmocka_unit_test(every_truncation_fails),
        cmocka_unit_test(trailing_bytes_fail),
        cmocka_unit_test(blobs_are_bounded_by_limit_and_buffer),
        cmocka_unit_test(no_bytes_are_a_buffer_too),
        cmocka_unit_test(a_full_writer_stays_failed),
        cmocka_unit_test(objects_go_there_and_back),
        cmocka_unit_test(unaligned_stores_and_loads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
